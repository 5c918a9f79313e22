using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Runtime.InteropServices;
using ElmMlx.Cpu.Kernels;
using ElmMlx.Lora;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm benchmark</c>: how fast a shape runs here, beside what the machine can do.</summary>
internal sealed class BenchmarkCommand
{
    private readonly Option<string?> _config = new("--config")
    {
        Description = $"A shape with random weights: {string.Join(", ", OpenElmConfig.KnownNames)}, or a config.json.",
        HelpName = "NAME|FILE",
    };
    private readonly Option<string?> _model = new("--model")
    {
        Description = "Folder of a model, instead of --config.",
        HelpName = "DIR",
    };
    private readonly Option<string> _dtype = Choice.DType(
        "Dtype of the weights (default bfloat16 with --config, the model's own with --model).");
    private readonly Option<int?> _quantize = NumberOption.Optional<int>(
        "--quantize", "Quantises to this many bits, groups of 64.", "2, 3, 4, 5, 6 or 8",
        bits => bits is (>= 2 and <= 6) or 8);
    private readonly Option<int> _prompt = Positive("--prompt", 512, "Tokens of the prompt.");
    private readonly Option<int> _generate = Positive("--generate", 64, "Tokens to decode.");
    private readonly Option<int> _cache = NumberOption.Create(
        "--cache", 0, "Tokens that stand in the cache when decoding begins.", "0 or more", count => count >= 0);
    private readonly Option<bool> _graphOnly = new("--graph-only")
    {
        Description = "Builds the graphs of the tokens to decode, and evaluates none.",
    };
    private readonly Option<string?> _load = new("--load")
    {
        Description = "From a model folder (DIR, --model, or a temporary one of --config) to the first token of 32.",
        HelpName = "DIR",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<bool> _convert = new("--convert")
    {
        Description = "What mlx-convert does with such a folder; --quantize is for what it writes.",
    };
    private readonly Option<bool> _int8 = new("--int8-activations")
    {
        Description = "CPU provider: activations meet 4-bit weights as bytes; the error of the logits is reported too.",
    };
    private readonly Option<string?> _train = new("--train")
    {
        Description = "Steps of training: adapters on every matrix of every layer, or all weights.",
        HelpName = "lora|dora|full",
    };
    private readonly Option<int> _batchSize = Positive("--batch-size", 1, "With --train: rows of a batch.");
    private readonly Option<int> _length = Positive("--length", 512, "With --train: tokens of a row.");
    private readonly Option<int> _rank = Positive("--rank", 8, "With --train: rank of the adapters.");
    private readonly Option<bool> _checkpoint = new("--grad-checkpoint")
    {
        Description = "With --train: layers are computed again for the gradient, which saves memory.",
    };
    private readonly Option<bool> _all = new("--all")
    {
        Description = "All cases, one after the other: three shapes (or that of --config), five formats, empty and " +
            "long caches, loading, converting, training.",
    };
    private readonly Option<int> _trials = Positive(
        "--trials", 3, "Runs that count, after one that does not; the medians are reported.");
    private readonly Option<int?> _threads = NumberOption.Optional<int>(
        "--threads", "Threads of the CPU provider (default: all cores).", "1 or more", count => count >= 1);
    private readonly Option<bool> _json = new("--json") { Description = "Prints one JSON object, or one a case." };
    private readonly ExampleCommand _command = new(
        "benchmark",
        "Measures the machine's read bandwidth and multiply-add rate, then in the same process prefill and decoding, " +
        "or steps of training, loading, converting: median, spread, and share of the limit.",
        "elm benchmark --config OpenELM-270M --dtype bfloat16 --prompt 512 --generate 64",
        "elm benchmark --model openelm-270m --quantize 4 --cache 2048 --json",
        "elm benchmark --config OpenELM-270M --graph-only",
        "elm benchmark --config OpenELM-270M --load",
        "elm benchmark --config OpenELM-270M --train lora --batch-size 1 --length 512 --rank 8",
        "elm benchmark --all --trials 5 --json");

    private BenchmarkCommand()
    {
        _train.AcceptOnlyFromAmong("lora", "dora", "full");
        foreach (Option option in (Option[])[
            _config, _model, _dtype, _quantize, _prompt, _generate, _cache, _int8, _graphOnly, _load, _convert,
            _train, _batchSize, _length, _rank, _checkpoint, _all, _trials, _threads, _json])
            _command.Add(option);
        _command.Validators.Add(Check);
        _command.SetAction(Run);
    }

    public static Command Create() => new BenchmarkCommand()._command;

    private void Check(CommandResult result)
    {
        Option[] kinds = Given(_graphOnly, _load, _convert, _train, _all);
        if (kinds.Length > 1)
            result.AddError($"{kinds[0].Name} and {kinds[1].Name} are different measurements: give one of them.");
        bool isAll = result.GetValue(_all);
        if (kinds.Length > 0 && result.GetValue(_int8))
            result.AddError($"--int8-activations is for prefill and decoding: leave it out with {kinds[0].Name}.");
        string? name = result.GetValue(_config);
        string?[] sources = [name, result.GetValue(_model), result.GetValue(_load)];
        if (isAll && Given(_model, _dtype, _quantize).Length > 0)
            result.AddError("--all measures random weights in all formats: leave out --model, --dtype and --quantize.");
        else if (!isAll && sources.Count(source => source is not null) != 1)
            result.AddError("give either --config NAME or --model DIR.");
        else if (name is not null && !OpenElmConfig.KnownNames.Contains(name) && !File.Exists(name))
            result.AddError(
                $"--config is {name}; it must be one of {string.Join(", ", OpenElmConfig.KnownNames)}, " +
                "or a config.json that exists.");

        Option[] Given(params Option[] options) =>
            [.. options.Where(option => result.GetResult(option) is { Implicit: false })];
    }

    private void Run(ParseResult arguments)
    {
        if (arguments.GetValue(_threads) is { } count)       // read once, when the first kernel runs
            Environment.SetEnvironmentVariable("ELMMLX_THREADS", count.ToString(CultureInfo.InvariantCulture));
        using CancellationTokenSource stop = new();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = !stop.IsCancellationRequested;      // a second Ctrl-C ends the process at once
            stop.Cancel();
        });
        if (arguments.GetValue(_int8))
        {
            if (MlxRuntime.Provider.Kind is not ProviderKind.Cpu)
                throw new ArgumentException(
                    "--int8-activations is of the CPU provider, and libmlxc computes here: set ELMMLX_PROVIDER=cpu.");
            Int8Activations.IsEnabled = true;
        }

        bool isAll = arguments.GetValue(_all);
        BenchmarkReport report = new(arguments.GetValue(_json), arguments.GetValue(_trials), !isAll, stop.Token);
        if (isAll)
        {
            IEnumerable<string> shapes = arguments.GetValue(_config) is { } shape ? [shape] : BenchmarkSweep.Shapes;
            new BenchmarkSweep(
                report, arguments.GetValue(_prompt), arguments.GetValue(_generate), arguments.GetValue(_rank))
                .Run([.. shapes.Select(Shape)]);
            return;
        }

        using BenchmarkModel model = Model(arguments);
        report.Run(model, Benchmarks(arguments));
    }

    private IBenchmark[] Benchmarks(ParseResult arguments)
    {
        int tokens = arguments.GetValue(_generate), cached = arguments.GetValue(_cache);
        if (arguments.GetValue(_train) is { } what)
            return [new TrainBenchmark(
                what switch { "full" => FineTuneType.Full, "dora" => FineTuneType.Dora, _ => FineTuneType.Lora },
                arguments.GetValue(_batchSize), arguments.GetValue(_length), arguments.GetValue(_rank),
                arguments.GetValue(_checkpoint))];
        if (arguments.GetValue(_graphOnly))
            return [new GraphBenchmark(tokens, cached)];
        if (arguments.GetResult(_load) is not null)
            return [new LoadBenchmark()];
        if (arguments.GetValue(_convert))
            return [new ConvertBenchmark()];
        PrefillBenchmark prefill = new(arguments.GetValue(_prompt));
        DecodeBenchmark decode = new(tokens, cached);
        return arguments.GetValue(_int8) ? [prefill, decode, new Int8Benchmark(tokens)] : [prefill, decode];
    }

    private BenchmarkModel Model(ParseResult arguments)
    {
        DType? type = Choice.DTypeOf(arguments.GetValue(_dtype));
        int? bits = arguments.GetValue(_quantize);
        return (arguments.GetValue(_load) ?? arguments.GetValue(_model)) is { } folder
            ? BenchmarkModel.OfFolder(folder, type, bits)
            : BenchmarkModel.Random(Shape(arguments.GetValue(_config)!), type ?? DType.BFloat16, bits);
    }

    private static OpenElmConfig Shape(string name) =>
        File.Exists(name) ? OpenElmConfig.FromFile(name) : OpenElmConfig.FromName(name);

    private static Option<int> Positive(string name, int value, string description) =>
        NumberOption.Create(name, value, description, "1 or more", number => number >= 1);
}
