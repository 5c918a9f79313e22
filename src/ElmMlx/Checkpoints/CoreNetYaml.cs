using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Checkpoints;

/// <summary>
/// The parts of CoreNet's training configuration that conversion needs: the model's name and sizes, and LoRA's
/// settings. Everything else in the file may be anything.
/// </summary>
internal sealed class CoreNetYaml
{
    private CoreNetYaml(string path) => Path = path;

    public string Path { get; }

    public string? ModelName { get; private init; }

    public int? VocabularySize { get; private init; }

    public int? MaxContextLength { get; private init; }

    public int? PaddingIndex { get; private init; }

    /// <summary>LoRA's rules in the order in which CoreNet tries them; empty when the model has none.</summary>
    public IReadOnlyList<CoreNetLoraRule> LoraRules { get; private init; } = [];

    /// <exception cref="InvalidDataException">
    /// It is not YAML, or not the configuration of a <c>general_gpt</c>.
    /// </exception>
    public static CoreNetYaml Read(string path) => Read(path, YamlFile.Read(path));

    private static CoreNetYaml Read(string path, YamlNode root)
    {
        YamlNode? model = YamlFile.Child(root, "model");
        YamlNode? language = YamlFile.Child(model, "language_modeling");
        string? kind = YamlFile.Text(YamlFile.Child(language, "name"));
        if (kind is not null && kind != "general_gpt")
            throw new InvalidDataException($"{path} configures the model '{kind}'; OpenELM is general_gpt.");
        if (YamlFile.Child(language, "general_gpt") is not { } gpt)
            throw new InvalidDataException(
                $"{path} has no model.language_modeling.general_gpt; give the configuration that the checkpoint was " +
                    "trained with.");
        return new CoreNetYaml(path)
        {
            ModelName = YamlFile.Text(YamlFile.Child(gpt, "model_name")),
            VocabularySize = Integer(path, gpt, "vocab_size"),
            MaxContextLength = Integer(path, gpt, "max_context_length"),
            PaddingIndex = Integer(path, gpt, "padding_index"),
            LoraRules = ReadLora(path, YamlFile.Child(model, "lora")),
        };
    }

    private static List<CoreNetLoraRule> ReadLora(string path, YamlNode? lora)
    {
        var rules = new List<CoreNetLoraRule>();
        if (lora is null || !Flag(path, lora, "use_lora", false) || YamlFile.Child(lora, "config") is not { } config)
            return rules;
        if (config is not YamlSequenceNode list)
            throw new InvalidDataException($"{path}: model.lora.config is not a list.");
        foreach (YamlNode entry in list)
        {
            YamlNode? settings = YamlFile.Child(entry, "params");
            if (YamlFile.Text(YamlFile.Child(entry, "regex")) is not { } regex || settings is null)
                throw new InvalidDataException($"{path}: an entry of model.lora.config lacks its regex or its params.");
            rules.Add(new CoreNetLoraRule(
                regex,
                Integer(path, settings, "r")
                    ?? throw new InvalidDataException($"{path}: an entry of model.lora.config lacks params.r."),
                Number(path, settings, "lora_alpha", 1),
                Flag(path, settings, "use_rslora", false),
                Flag(path, settings, "use_dora", false),
                Number(path, settings, "lora_dropout", 0)));
        }
        return rules;
    }

    private static int? Integer(string path, YamlNode parent, string name) =>
        YamlFile.Text(YamlFile.Child(parent, name)) is not { } text ? null
        : int.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture, out int value)
            ? value
            : throw new InvalidDataException($"{path}: {name} is '{text}', not a whole number.");

    private static double Number(string path, YamlNode parent, string name, double fallback) =>
        YamlFile.Text(YamlFile.Child(parent, name)) is not { } text ? fallback
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value)
            ? value
            : throw new InvalidDataException($"{path}: {name} is '{text}', not a number.");

    private static bool Flag(string path, YamlNode parent, string name, bool fallback) =>
        YamlFile.Text(YamlFile.Child(parent, name))?.ToLowerInvariant() switch
        {
            null => fallback,
            "true" or "yes" or "on" => true,
            "false" or "no" or "off" => false,
            string text => throw new InvalidDataException($"{path}: {name} is '{text}', neither true nor false."),
        };
}
