using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Checkpoints;

/// <summary>
/// The parts of CoreNet's training configuration that conversion needs: the model's name and sizes, and LoRA's settings.
/// Everything else in the file may be anything. Anchors are shared, never copied, so they cannot unfold.
/// </summary>
internal sealed class CoreNetYaml
{
    private const long MaxBytes = 1 << 20;
    private const int MaxDepth = 64;
    private const int MaxEvents = 200_000;

    private CoreNetYaml(string path) => Path = path;

    public string Path { get; }

    public string? ModelName { get; private init; }

    public int? VocabularySize { get; private init; }

    public int? MaxContextLength { get; private init; }

    public int? PaddingIndex { get; private init; }

    /// <summary>LoRA's rules in the order in which CoreNet tries them; empty when the model has none.</summary>
    public IReadOnlyList<CoreNetLoraRule> LoraRules { get; private init; } = [];

    /// <exception cref="InvalidDataException">It is not YAML, or not the configuration of a <c>general_gpt</c>.</exception>
    public static CoreNetYaml Read(string path)
    {
        if (new FileInfo(path).Length > MaxBytes)
            throw new InvalidDataException($"{path} is larger than a configuration can be (1 MiB).");
        string text = File.ReadAllText(path);
        try
        {
            CheckSize(text, path);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents.Count != 1)
                throw new InvalidDataException($"{path} holds {stream.Documents.Count} YAML documents; a " +
                    "configuration is one.");
            return Read(path, stream.Documents[0].RootNode);
        }
        catch (YamlException e)
        {
            throw new InvalidDataException($"{path} is not valid YAML (line {e.Start.Line}).", e);
        }
    }

    // The loader recurses, and hashes keys: depth is bounded, and self-reference and keys that are not plain are refused, first
    // by the parser, which does not.
    private static void CheckSize(string text, string path)
    {
        var parser = new Parser(new StringReader(text));
        var open = new Stack<(string? Anchor, bool IsMapping, int Children)>();
        for (int events = 0; parser.MoveNext(); events++)
        {
            if (parser.Current is MappingEnd or SequenceEnd)
            {
                open.Pop();
                continue;
            }
            if (parser.Current is not NodeEvent and not AnchorAlias)
                continue;
            if (open.TryPop(out var parent))
            {
                if (parent is { IsMapping: true } && parent.Children % 2 == 0 && parser.Current is not Scalar)
                    throw new InvalidDataException($"{path} has a key that is not a plain text (line " +
                        $"{parser.Current.Start.Line}).");
                open.Push(parent with { Children = parent.Children + 1 });
            }
            if (parser.Current is AnchorAlias alias && open.Any(container => container.Anchor == alias.Value.Value))
                throw new InvalidDataException($"{path} has a value that contains itself (line {alias.Start.Line}).");
            if (parser.Current is MappingStart or SequenceStart)
            {
                var anchor = ((NodeEvent)parser.Current).Anchor;
                open.Push((anchor.IsEmpty ? null : anchor.Value, parser.Current is MappingStart, 0));
            }
            if (open.Count > MaxDepth || events > MaxEvents)
                throw new InvalidDataException($"{path} is nested too deeply or too long for a configuration.");
        }
    }

    private static CoreNetYaml Read(string path, YamlNode root)
    {
        YamlNode? model = Child(root, "model");
        YamlNode? language = Child(model, "language_modeling");
        string? kind = Text(Child(language, "name"));
        if (kind is not null && kind != "general_gpt")
            throw new InvalidDataException($"{path} configures the model '{kind}'; OpenELM is general_gpt.");
        if (Child(language, "general_gpt") is not { } gpt)
            throw new InvalidDataException(
                $"{path} has no model.language_modeling.general_gpt; give the configuration that the checkpoint was " +
                    "trained with.");
        return new CoreNetYaml(path)
        {
            ModelName = Text(Child(gpt, "model_name")),
            VocabularySize = Integer(path, gpt, "vocab_size"),
            MaxContextLength = Integer(path, gpt, "max_context_length"),
            PaddingIndex = Integer(path, gpt, "padding_index"),
            LoraRules = ReadLora(path, Child(model, "lora")),
        };
    }

    private static List<CoreNetLoraRule> ReadLora(string path, YamlNode? lora)
    {
        var rules = new List<CoreNetLoraRule>();
        if (lora is null || !Flag(path, lora, "use_lora", false) || Child(lora, "config") is not { } config)
            return rules;
        if (config is not YamlSequenceNode list)
            throw new InvalidDataException($"{path}: model.lora.config is not a list.");
        foreach (YamlNode entry in list)
        {
            YamlNode? settings = Child(entry, "params");
            if (Text(Child(entry, "regex")) is not { } regex || settings is null)
                throw new InvalidDataException($"{path}: an entry of model.lora.config lacks its regex or its params.");
            rules.Add(new CoreNetLoraRule(
                regex,
                Integer(path, settings, "r") ?? throw new InvalidDataException($"{path}: an entry of model.lora.config lacks params.r."),
                Number(path, settings, "lora_alpha", 1),
                Flag(path, settings, "use_rslora", false),
                Flag(path, settings, "use_dora", false),
                Number(path, settings, "lora_dropout", 0)));
        }
        return rules;
    }

    private static YamlNode? Child(YamlNode? node, string name) =>
        node is YamlMappingNode mapping && mapping.Children.TryGetValue(new YamlScalarNode(name), out YamlNode? child) ? child : null;

    private static string? Text(YamlNode? node) =>
        node is YamlScalarNode { Value: { Length: > 0 } text } && text is not ("null" or "~") ? text : null;

    private static int? Integer(string path, YamlNode parent, string name) => Text(Child(parent, name)) is not { } text ? null
        : int.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw new InvalidDataException($"{path}: {name} is '{text}', not a whole number.");

    private static double Number(string path, YamlNode parent, string name, double fallback) => Text(Child(parent, name)) is not { } text ? fallback
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value
            : throw new InvalidDataException($"{path}: {name} is '{text}', not a number.");

    private static bool Flag(string path, YamlNode parent, string name, bool fallback) => Text(Child(parent, name))?.ToLowerInvariant() switch
    {
        null => fallback,
        "true" or "yes" or "on" => true,
        "false" or "no" or "off" => false,
        string text => throw new InvalidDataException($"{path}: {name} is '{text}', neither true nor false."),
    };
}
