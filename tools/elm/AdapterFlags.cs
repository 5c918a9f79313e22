using System.CommandLine;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Tools.Elm;

/// <summary>The options that decide what of a model is trained.</summary>
internal sealed class AdapterFlags
{
    private readonly Option<string?> _type = SettingOption.OneOf(
        "--fine-tune-type", "Adapters, or the weights of the last layers (default lora).", "lora", "dora", "full");
    private readonly Option<int?> _layers = SettingOption.Whole(
        "--num-layers", "The last so many layers; 0 or less: all (default 16).", int.MinValue);
    private readonly Option<int?> _rank = SettingOption.Whole("--rank", "Rank of the adapters (default 8).", 1);
    private readonly Option<double?> _scale = SettingOption.Number(
        "--scale", "Factor of the adapters, multiplies directly (default 20).");
    private readonly Option<double?> _alpha = SettingOption.Number(
        "--lora-alpha", "Instead of --scale, as PEFT has it: the scale is alpha / rank.");
    private readonly Option<bool> _isStabilised = SettingOption.Flag(
        "--use-rslora", "With --lora-alpha: the scale is alpha / √rank.");
    private readonly Option<double?> _dropout =
        SettingOption.Number("--dropout", "Dropout before the adapters (default 0).");
    private readonly Option<string?> _keys = SettingOption.Text(
        "--keys", "NAMES", "Matrices with adapters, with commas between (default: all of the layers).");
    private readonly Option<string?> _pattern = SettingOption.Text(
        "--pattern", "REGEX", "Matrices with adapters: all whose whole name the expression is found in.");
    private readonly Option<string?> _resumeFile = SettingOption.Text(
        "--resume-adapter-file", "PATH",
        "Begins with these adapters (the file, or its folder), and nothing else of the run they came from.");
    private readonly Option<bool> _checkpointing = SettingOption.Flag(
        "--grad-checkpoint", "Computes layers again to save memory.");

    public AdapterFlags(Command command)
    {
        foreach (Option option in (Option[])[
            _type, _layers, _rank, _scale, _alpha, _isStabilised, _dropout, _keys, _pattern, _resumeFile,
            _checkpointing])
            command.Add(option);
    }

    /// <summary>Puts new adapters on a model, or chooses the weights that are trained.</summary>
    public AdapterConfig AddTo(OpenElmModel model, RunSettings settings, ulong seed)
    {
        YamlMappingNode? parameters = settings.Mapping("lora_parameters");
        string type = settings.Get(_type, "lora")!;
        int rank = settings.Get(_rank, (int)settings.Number(parameters, "rank", 8));
        AdapterConfig config = LoraAdapters.AddTo(model, new LoraOptions
        {
            Type = Enum.Parse<FineTuneType>(type, ignoreCase: true),
            Rank = rank,
            Scale = ScaleOf(settings, parameters, rank),
            Dropout = settings.Get(_dropout, settings.Number(parameters, "dropout", 0)),
            Keys = KeysOf(settings.Get(_keys, null), parameters),
            Pattern = settings.Get(_pattern, settings.OptionalText(parameters, "pattern")),
            LayerCount = settings.Get(_layers, 16),
            Seed = seed,
        });
        model.CheckpointsLayers = settings.Get(_checkpointing, decides: false);
        return config;
    }

    /// <summary>Fills them with what <c>--resume-adapter-file</c> holds, where it is given.</summary>
    public void LoadInitial(OpenElmModel model, RunSettings settings)
    {
        if (settings.Get(_resumeFile, null) is { } path)
            LoraAdapters.LoadWeights(model, Directory.Exists(path) ? Path.Combine(path, "adapters.safetensors") : path);
    }

    /// <summary>How much of the model is trained, in mlx-lm's words.</summary>
    public static string Share(OpenElmModel model)
    {
        double part = model.TrainableParameters().Sum(entry => entry.Parameter.Value.Size);
        double whole = model.Config.ParameterCount + model.NamedParameters()
            .Where(entry => entry.Path.EndsWith(".lora_a", StringComparison.Ordinal)
                || entry.Path.EndsWith(".lora_b", StringComparison.Ordinal)
                || entry.Path.EndsWith(".m", StringComparison.Ordinal))
            .Sum(entry => entry.Parameter.Value.Size);
        return FormattableString.Invariant(
            $"Trainable parameters: {100 * part / whole:F3}% ({part / 1e6:F3}M/{whole / 1e6:F3}M)");
    }

    private double ScaleOf(RunSettings settings, YamlMappingNode? parameters, int rank)
    {
        double? scale = settings.GetOptional(_scale), alpha = settings.GetOptional(_alpha);
        bool isStabilised = settings.Get(_isStabilised);
        if (scale is not null && alpha is not null)
            throw new ArgumentException("Give --scale, which multiplies directly, or --lora-alpha, not both.");
        if (isStabilised && alpha is null)
            throw new ArgumentException("--use-rslora says how --lora-alpha is divided: give that too.");
        return alpha is { } numerator
            ? LoraOptions.ScaleOf(numerator, rank, isStabilised)
            : scale ?? settings.Number(parameters, "scale", 20);
    }

    private static string[]? KeysOf(string? names, YamlMappingNode? parameters)
    {
        if (names is not null)
            return names.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return parameters is not null && parameters.Children.TryGetValue(new YamlScalarNode("keys"), out YamlNode? node)
            && node is YamlSequenceNode list ? [.. list.Children.Select(key => key.ToString())] : null;
    }
}
