using System.CommandLine;
using System.Globalization;
using ElmMlx.Pretraining;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// Settings of a run from the command line and, where it says nothing, from a YAML file: mlx-lm's, whose names are
/// the options' with underscores, or CoreNet's recipe of LoRA.
/// </summary>
internal sealed class RunSettings
{
    private readonly ParseResult _arguments;
    private readonly string? _file;
    private readonly Dictionary<string, YamlNode> _yaml = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _taken = new(StringComparer.Ordinal);
    private readonly CoreNetLoraRecipe? _recipe;

    /// <param name="arguments">The command line.</param>
    /// <param name="file">The YAML file; null for none.</param>
    /// <exception cref="InvalidDataException">The file is no YAML mapping.</exception>
    public RunSettings(ParseResult arguments, string? file)
    {
        (_arguments, _file) = (arguments, file);
        if (file is null)
            return;
        if (!File.Exists(file))
            throw new FileNotFoundException($"--config {file}: there is no such file.");
        try
        {
            YamlMappingNode root = Load(File.ReadAllText(file), file);
            if (IsCoreNet(root))
            {
                _recipe = CoreNetLoraRecipe.Read(file);
                root = Load(_recipe.ToMlxLmYaml(), file);
            }

            foreach ((YamlNode key, YamlNode value) in root.Children)
                _yaml[key.ToString()] = value;
        }
        catch (YamlException e)
        {
            throw new InvalidDataException($"{file}, line {e.Start.Line}: not valid YAML.", e);
        }
    }

    /// <summary>What was taken, by mlx-lm's names: two runs with the same settings are the same run.</summary>
    public IReadOnlyDictionary<string, string> Taken => _taken;

    /// <summary>Says what of the file was followed, where that is not all of it.</summary>
    public IEnumerable<string> Notes => _recipe is not null
        ? [
            $"{_file} is CoreNet's: took {string.Join(", ", _recipe.Taken)}.",
            $"{_file}: not used here: {string.Join(", ", _recipe.Ignored)}.",
        ]
        : _yaml.Keys.Where(key => !_asked.Contains(key)).Select(key => $"{_file}: {key} is not used here.");

    /// <summary>A setting: from the command line, else the file, else the default.</summary>
    public T Get<T>(Option<T?> option, T value, bool decides = true)
        where T : struct, IParsable<T>
    {
        string key = KeyOf(option);
        YamlNode? node = Node(key);
        if (_arguments.GetResult(option) is { Implicit: false })
            value = _arguments.GetValue(option) ?? value;
        else if (node is not null)
            value = Parse<T>(key, node);
        return Keep(key, value, decides);
    }

    /// <summary>A number that may be left out.</summary>
    public T? GetOptional<T>(Option<T?> option, bool decides = true)
        where T : struct, IParsable<T>
    {
        string key = KeyOf(option);
        YamlNode? node = Node(key);
        T? value = _arguments.GetResult(option) is { Implicit: false }
            ? _arguments.GetValue(option)
            : node is null ? null : Parse<T>(key, node);
        return value is { } given ? Keep(key, given, decides) : null;
    }

    /// <summary>A text: from the command line, else the file, else the default.</summary>
    public string? Get(Option<string?> option, string? value, bool decides = true)
    {
        string key = KeyOf(option);
        YamlNode? node = Node(key);
        if (_arguments.GetResult(option) is { Implicit: false })
            value = _arguments.GetValue(option);
        else if (node is not null)
            value = Scalar(key, node);
        if (value is not null && decides)
            _taken[key] = value;
        return value;
    }

    /// <summary>A switch: on where the command line or the file says so.</summary>
    public bool Get(Option<bool> option, bool decides = true)
    {
        string key = KeyOf(option);
        YamlNode? node = Node(key);
        bool value = _arguments.GetResult(option) is { Implicit: false }
            ? _arguments.GetValue(option)
            : node is not null && Parse<bool>(key, node);
        return Keep(key, value, decides);
    }

    /// <summary>A mapping of the file, for example <c>lora_parameters</c>; null where there is none.</summary>
    public YamlMappingNode? Mapping(string key) => Node(key) switch
    {
        null => null,
        YamlMappingNode mapping => Noted(key, mapping),
        _ => throw new InvalidDataException($"{_file}: {key} must be a mapping."),
    };

    /// <summary>A number of a mapping; the default where it has none.</summary>
    public double Number(YamlMappingNode? mapping, string key, double value) => OptionalNumber(mapping, key) ?? value;

    /// <summary>A number of a mapping; null where it has none.</summary>
    public double? OptionalNumber(YamlMappingNode? mapping, string key) =>
        Entry(mapping, key) is { } node ? Parse<double>(key, node) : null;

    /// <summary>A text of a mapping; null where it has none.</summary>
    public string? OptionalText(YamlMappingNode? mapping, string key) =>
        Entry(mapping, key) is { } node ? Scalar(key, node) : null;

    private static YamlMappingNode Load(string text, string file)
    {
        YamlStream stream = [];
        stream.Load(new StringReader(text));
        return stream.Documents.Count == 1 && stream.Documents[0].RootNode is YamlMappingNode root
            ? root
            : throw new InvalidDataException($"{file} is no mapping of settings.");
    }

    // CoreNet describes scheduler and optimizer in sections of their own; mlx-lm has neither.
    private static bool IsCoreNet(YamlMappingNode root) =>
        root.Children.Keys.Select(key => key.ToString().Split('.')[0])
            .Distinct().Count(key => key is "scheduler" or "optim") == 2;

    private static YamlNode? Entry(YamlMappingNode? mapping, string key) =>
        mapping is not null && mapping.Children.TryGetValue(new YamlScalarNode(key), out YamlNode? node) ? node : null;

    private YamlMappingNode Noted(string key, YamlMappingNode mapping)
    {
        _taken[key] = mapping.ToString();
        return mapping;
    }

    private T Keep<T>(string key, T value, bool decides)
    {
        if (decides)
            _taken[key] = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        return value;
    }

    private YamlNode? Node(string key)
    {
        _asked.Add(key);
        return _yaml.TryGetValue(key, out YamlNode? node)
            && node is not YamlScalarNode { Value: null or "" or "null" or "~", Style: ScalarStyle.Plain }
                ? node
                : null;
    }

    private T Parse<T>(string key, YamlNode node)
        where T : IParsable<T> => T.TryParse(Scalar(key, node), CultureInfo.InvariantCulture, out T? value)
            ? value
            : throw new InvalidDataException(
                $"{_file}, line {node.Start.Line}: {key} is '{node}', which is no {Kind<T>()}.");

    private string Scalar(string key, YamlNode node) => node is YamlScalarNode { Value: { } text }
        ? text
        : throw new InvalidDataException($"{_file}, line {node.Start.Line}: {key} must be one value.");

    private static string Kind<T>() => typeof(T) == typeof(bool) ? "true or false"
        : typeof(T) == typeof(double) ? "number" : "whole number";

    private static string KeyOf(Option option) => option.Name.TrimStart('-').Replace('-', '_');
}
