using System.CommandLine;
using System.CommandLine.Parsing;
using ElmMlx.Checkpoints;
using ElmMlx.Weights;

namespace ElmMlx.Tools.Convert;

/// <summary>The options of <c>mlx-convert</c>: CoreNet's names, with mlx-lm's beside them.</summary>
internal static class ConvertCommand
{
    private const string Description = """
        Converts OpenELM checkpoints into MLX model folders, and back.

        INPUT is a CoreNet checkpoint (.pt), a Hugging Face folder, or an MLX folder of either layout;
        with --to peft or --to adapter it is an adapter folder, or a .pt with adapters.

        Examples:
          mlx-convert openelm-270m.pt openelm-270m --config-yaml train.yaml --tokenizer-path tokenizer.model --dtype bfloat16
          mlx-convert openelm-270m openelm-270m-4bit --quantize --quantization-bits 4
          mlx-convert finetuned-lora.pt finetuned --config-yaml lora.yaml
          mlx-convert openelm-270m model.pt --to corenet
          mlx-convert openelm-270m merged --adapter peft-adapters
          mlx-convert adapters peft-adapters --to peft
        """;

    private static readonly Argument<string?> Input = new("INPUT")
    {
        Description = "The checkpoint or model folder.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string?> Output = new("OUTPUT")
    {
        Description = "The folder to make (a .pt file with --to corenet).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> InputOption = new("--hf-path", "--model")
    {
        Description = "INPUT, as mlx-lm names it.",
        HelpName = "PATH",
        Hidden = true,
    };

    private static readonly Option<string?> OutputOption = new("--mlx-path")
    {
        Description = "OUTPUT, as mlx-lm names it.",
        HelpName = "PATH",
        Hidden = true,
    };

    private static readonly Option<string?> ConfigYaml = new("--config-yaml")
    {
        Description = "CoreNet's training configuration of the checkpoint.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Architecture = new("--architecture")
    {
        Description = "A JSON file that describes a model whose name CoreNet does not know.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Tokenizer = new("--tokenizer-path")
    {
        Description = "The tokenizer's file or folder; otherwise one beside INPUT is taken.",
        HelpName = "PATH",
    };

    private static readonly Option<WeightsChoice> Weights = new("--weights")
    {
        Description = "Which weights of a training checkpoint: model or ema.",
        HelpName = "model|ema",
        DefaultValueFactory = _ => WeightsChoice.Model,
    };

    private static readonly Option<string?> DType = new("--dtype")
    {
        Description = "float32, float16 or bfloat16; otherwise as in INPUT.",
        HelpName = "TYPE",
    };

    private static readonly Option<bool> AllowOverflow = new("--allow-overflow")
    {
        Description = "Lets numbers that float16 cannot hold become infinite.",
    };

    private static readonly Option<bool> Quantize = new("--quantize", "-q")
    {
        Description = "Quantises the matrices.",
    };

    private static readonly Option<int?> Bits = new("--quantization-bits", "--q-bits")
    {
        Description = "Bits a weight: 2, 3, 4 (default), 5, 6 or 8.",
        HelpName = "BITS",
    };

    private static readonly Option<int?> GroupSize = new("--quantization-group-size", "--q-group-size")
    {
        Description = "Weights that share a scale: 32, 64 (default) or 128.",
        HelpName = "SIZE",
    };

    private static readonly Option<string> Mode = new("--quantization-mode", "--q-mode")
    {
        Description = "affine, mxfp4, mxfp8 or nvfp4.",
        HelpName = "MODE",
        DefaultValueFactory = _ => "affine",
    };

    private static readonly Option<string?> Recipe = new("--quantization-recipe", "--quant-predicate")
    {
        Description = "mixed_2_6, mixed_3_4, mixed_3_6 or mixed_4_6: more bits where they matter most.",
        HelpName = "NAME",
    };

    private static readonly Option<bool> Dequantize = new("--dequantize", "-d")
    {
        Description = "Turns a quantised model back into floating numbers.",
    };

    private static readonly Option<string> Layout = new("--layout")
    {
        Description = "Layout of the folder: mlx-lm, or corenet for CoreNet's MLX port.",
        HelpName = "LAYOUT",
        DefaultValueFactory = _ => "mlx-lm",
    };

    private static readonly Option<string> To = new("--to")
    {
        Description =
            "mlx, corenet (a .pt file) or hf (a Hugging Face folder); of adapters alone: adapter (mlx-lm's folder) " +
            "or peft.",
        HelpName = "TARGET",
        DefaultValueFactory = _ => "mlx",
    };

    private static readonly Option<string?> Adapter = new("--adapter")
    {
        Description = "An adapter to merge: mlx-lm's or PEFT's folder, or a CoreNet .pt with adapters.",
        HelpName = "PATH",
    };

    private static readonly Option<bool> KeepAdapter = new("--keep-adapter")
    {
        Description = "Writes adapters to OUTPUT/adapters instead of merging them.",
    };

    private static readonly Option<int?> TrimVocabulary = new("--trim-vocabulary")
    {
        Description = "Drops the vocabulary's padding rows, or all behind ROWS.",
        HelpName = "ROWS",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<int?> PadVocabulary = new("--pad-vocabulary")
    {
        Description = "Fills the vocabulary up to ROWS rows with zeros (CoreNet has 32128).",
        HelpName = "ROWS",
    };

    private static readonly Option<bool> Verify = new("--verify")
    {
        Description = "Runs both ends on a short input and reports the largest difference.",
    };

    private static readonly Option<bool> Overwrite = new("--overwrite")
    {
        Description = "Replaces OUTPUT if it exists.",
    };

    public static RootCommand Build()
    {
        var command = new RootCommand(Description);
        foreach (Argument argument in (Argument[])[Input, Output])
            command.Arguments.Add(argument);
        foreach (Option option in (Option[])[
            ConfigYaml, Architecture, Tokenizer, Weights, DType, AllowOverflow, Quantize, Bits, GroupSize, Mode, Recipe,
            Dequantize, Layout, To, Adapter,
            KeepAdapter, TrimVocabulary, PadVocabulary, Verify, Overwrite, InputOption, OutputOption])
            command.Options.Add(option);
        command.SetAction(result => result.GetValue(To) is "adapter" or "peft"
            ? ConvertRun.ExecuteAdapters(() => Adapters(result))
            : ConvertRun.Execute(() => Options(result)));
        return command;
    }

    public static int PrintUsageErrors(ParseResult result)
    {
        foreach (ParseError error in result.Errors)
            Console.Error.WriteLine(error.Message);
        Console.Error.WriteLine("mlx-convert --help explains the options.");
        return ConvertRun.UsageError;
    }

    private static ConvertOptions Options(ParseResult result)
    {
        (string input, string output) = Paths(result);
        bool trims = result.GetResult(TrimVocabulary) is not null;
        if (trims && result.GetValue(PadVocabulary) is not null)
            throw new ArgumentException("Choose either --trim-vocabulary or --pad-vocabulary.");
        return new ConvertOptions
        {
            Input = input,
            Output = output,
            Target = Target(result.GetValue(To)!, result.GetValue(Layout)!),
            ConfigYaml = result.GetValue(ConfigYaml),
            Architecture = result.GetValue(Architecture),
            TokenizerPath = result.GetValue(Tokenizer),
            Weights = result.GetValue(Weights),
            Adapter = result.GetValue(Adapter),
            KeepAdapter = result.GetValue(KeepAdapter),
            Type = result.GetValue(DType) is { } type ? ParseType(type) : null,
            AllowOverflow = result.GetValue(AllowOverflow),
            Quantize = result.GetValue(Quantize),
            QuantizationBits = result.GetValue(Bits),
            QuantizationGroupSize = result.GetValue(GroupSize),
            QuantizationMode = result.GetValue(Mode)!,
            QuantizationRecipe = result.GetValue(Recipe),
            Dequantize = result.GetValue(Dequantize),
            TrimVocabulary = trims,
            VocabularySize = trims ? result.GetValue(TrimVocabulary) : result.GetValue(PadVocabulary),
            Overwrite = result.GetValue(Overwrite),
            Verify = result.GetValue(Verify),
        };
    }

    // INPUT and OUTPUT, by place or by mlx-lm's names.
    private static (string Input, string Output) Paths(ParseResult result)
    {
        (string? first, string? second) = (result.GetValue(Input), result.GetValue(Output));
        if (result.GetValue(InputOption) is { } named)
            (first, second) = (named, first);
        string input = first ?? throw new ArgumentException("INPUT is missing: mlx-convert INPUT OUTPUT.");
        if (first is not null && second is null && first.StartsWith("--", StringComparison.Ordinal))
            throw new ArgumentException($"There is no option {first}; mlx-convert --help lists them.");
        string output = result.GetValue(OutputOption)
            ?? second ?? throw new ArgumentException("OUTPUT is missing: mlx-convert INPUT OUTPUT.");
        foreach (string path in (string[])[input, output])
            if (path.StartsWith("--", StringComparison.Ordinal) && !Path.Exists(path))
                throw new ArgumentException($"There is no option {path}; mlx-convert --help lists them.");
        return (input, output);
    }

    private static (string Input, string Output, AdapterFormat Format, string? ConfigYaml, bool Overwrite) Adapters(
        ParseResult result)
    {
        (string input, string output) = Paths(result);
        Option[] own = [To, ConfigYaml, Overwrite, InputOption, OutputOption];
        foreach (Option option in result.CommandResult.Command.Options.Except(own))
            if (result.GetResult(option) is { Implicit: false })
                throw new ArgumentException(
                    $"--to {result.GetValue(To)} converts adapters alone; leave {option.Name} away.");
        AdapterFormat format = result.GetValue(To) == "peft" ? AdapterFormat.Peft : AdapterFormat.MlxLm;
        return (input, output, format, result.GetValue(ConfigYaml), result.GetValue(Overwrite));
    }

    private static ConvertTarget Target(string to, string layout) => (to, layout) switch
    {
        ("mlx", "mlx-lm") => ConvertTarget.MlxLm,
        ("mlx", "corenet") => ConvertTarget.CoreNetPort,
        ("hf", "mlx-lm") => ConvertTarget.HuggingFace,
        ("corenet", "mlx-lm") => ConvertTarget.CoreNetCheckpoint,
        ("mlx", _) => throw new ArgumentException($"--layout is '{layout}'; mlx-lm and corenet exist."),
        ("hf" or "corenet", _) =>
            throw new ArgumentException($"--layout belongs to MLX folders; leave it away with --to {to}."),
        _ => throw new ArgumentException($"--to is '{to}'; mlx, corenet, hf, adapter and peft exist."),
    };

    private static TensorType ParseType(string name) => name.ToLowerInvariant() switch
    {
        "float32" or "fp32" or "f32" => TensorType.Float32,
        "float16" or "fp16" or "f16" or "half" => TensorType.Float16,
        "bfloat16" or "bf16" => TensorType.BFloat16,
        _ => throw new ArgumentException($"--dtype is '{name}'; float32, float16 and bfloat16 exist."),
    };
}
