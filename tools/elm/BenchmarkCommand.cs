using System.CommandLine;
using System.Globalization;
using ElmMlx.Lora;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary><c>elm benchmark</c>: how fast a shape runs here, beside what the machine can do.</summary>
internal static class BenchmarkCommand
{
    public static Command Create()
    {
        ExampleCommand command = new(
            "benchmark",
            "Measures prefill and decoding, or steps of training, and in the same process the machine's read bandwidth " +
            "and multiply-add rate.",
            "elm benchmark --config OpenELM-270M --dtype bfloat16 --prompt 512 --generate 64",
            "elm benchmark --model openelm-270m --quantize 4 --json",
            "elm benchmark --config OpenELM-270M --train lora --batch-size 1 --length 512 --rank 8");
        Option<string> config = new("--config")
        {
            Description = $"A shape with random weights: {string.Join(", ", OpenElmConfig.KnownNames)}, or a config.json.",
            HelpName = "NAME|FILE",
        };
        Option<string> model = new("--model")
        {
            Description = "Folder of a model, instead of --config.",
            HelpName = "DIR",
        };
        Option<string> dtype = Choice.DType(
            "Dtype of the weights (default bfloat16 with --config, the model's own with --model).");
        Option<int?> quantize = NumberOption.Optional<int>(
            "--quantize", "Quantises to this many bits, groups of 64.", "2, 3, 4, 5, 6 or 8",
            bits => bits is (>= 2 and <= 6) or 8);
        Option<int> prompt = Positive("--prompt", 512, "Tokens of the prompt.");
        Option<int> generate = Positive("--generate", 64, "Tokens to decode.");
        Option<int> trials = Positive("--trials", 3, "Runs; the medians are reported.");
        Option<int?> threads = NumberOption.Optional<int>(
            "--threads", "Threads of the CPU provider (default: all cores).", "1 or more", count => count >= 1);
        Option<string?> train = new("--train")
        {
            Description = "Measures steps of training instead: adapters on every matrix of every layer, or all weights.",
            HelpName = "lora|dora|full",
        };
        train.AcceptOnlyFromAmong("lora", "dora", "full");
        Option<int> batchSize = Positive("--batch-size", 1, "With --train: rows of a batch.");
        Option<int> length = Positive("--length", 512, "With --train: tokens of a row.");
        Option<int> rank = Positive("--rank", 8, "With --train: rank of the adapters.");
        Option<bool> checkpoint = new("--grad-checkpoint")
        {
            Description = "With --train: layers are computed again for the gradient, which saves memory.",
        };
        Option<bool> json = new("--json") { Description = "Prints one JSON object." };
        foreach (Option option in (Option[])[config, model, dtype, quantize, prompt, generate, train, batchSize, length, rank,
            checkpoint, trials, threads, json])
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(config) is null == result.GetResult(model) is null)
                result.AddError("give either --config NAME or --model DIR.");
            else if (result.GetValue(config) is { } name
                && !OpenElmConfig.KnownNames.Contains(name) && !File.Exists(name))
                result.AddError(
                    $"--config is {name}; it must be one of {string.Join(", ", OpenElmConfig.KnownNames)}, " +
                    "or a config.json that exists.");
        });

        command.SetAction(arguments =>
        {
            if (arguments.GetValue(threads) is { } count)       // read once, when the first kernel runs
                Environment.SetEnvironmentVariable("ELMMLX_THREADS", count.ToString(CultureInfo.InvariantCulture));
            DType? type = Choice.DTypeOf(arguments.GetValue(dtype));
            using OpenElmModel loaded = arguments.GetValue(model) is { } folder
                ? OpenElmModel.Load(folder, type)
                : OpenElmModel.Random(Shape(arguments.GetValue(config)!), type ?? DType.BFloat16);
            if (arguments.GetValue(quantize) is { } bits)
                loaded.Quantize(new OpenElmQuantization(new QuantizationSettings(64, bits)));

            if (arguments.GetValue(train) is { } what)
            {
                loaded.CheckpointsLayers = arguments.GetValue(checkpoint);
                FineTuneType kind = what switch
                {
                    "full" => FineTuneType.Full,
                    "dora" => FineTuneType.Dora,
                    _ => FineTuneType.Lora,
                };
                TrainBenchmark.Result steps = TrainBenchmark.Run(loaded, new TrainBenchmark.Shape(
                    kind, arguments.GetValue(batchSize), arguments.GetValue(length), arguments.GetValue(rank),
                    arguments.GetValue(trials)));
                if (arguments.GetValue(json))
                    Console.WriteLine(JsonText.Object(steps.Write));
                else
                    steps.Print();
                return;
            }

            Benchmark.Result result = Benchmark.Run(
                loaded, arguments.GetValue(prompt), arguments.GetValue(generate), arguments.GetValue(trials));
            if (arguments.GetValue(json))
                Console.WriteLine(JsonText.Object(result.Write));
            else
                result.Print();
        });
        return command;
    }

    private static OpenElmConfig Shape(string name) =>
        File.Exists(name) ? OpenElmConfig.FromFile(name) : OpenElmConfig.FromName(name);

    private static Option<int> Positive(string name, int value, string description) =>
        NumberOption.Create(name, value, description, "1 or more", number => number >= 1);
}
