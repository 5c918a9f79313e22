using System.Globalization;
using ElmMlx.Checkpoints;
using ElmMlx.Datasets;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Pretraining;

/// <summary>
/// A CoreNet configuration under its dotted names, <c>scheduler.cosine.max_lr</c>: nested or dotted in the file, as
/// CoreNet takes both. It knows what was asked for, and so what was not.
/// </summary>
internal sealed class CoreNetSettings
{
    private readonly string _path;
    private readonly Dictionary<string, YamlNode> _nodes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _overridden = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _taken = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _deciding = new(StringComparer.Ordinal);

    private CoreNetSettings(string path) => _path = path;

    /// <summary>What was taken, defaults included.</summary>
    public IReadOnlyDictionary<string, string> Taken => _taken;

    /// <summary>The part of <see cref="Taken"/> that decides the run's numbers.</summary>
    public IReadOnlyDictionary<string, string> Deciding => _deciding;

    /// <summary>Entries that nobody asked for; those that only hold anchors aside.</summary>
    public IReadOnlyList<string> Ignored =>
        [.. _nodes.Keys.Where(key => !_asked.Contains(key) && !key.StartsWith("_anchor_", StringComparison.Ordinal))];

    /// <summary>Reads a file.</summary>
    /// <param name="path">The YAML file.</param>
    /// <param name="overrides">Dotted names and values, in YAML, that win over the file.</param>
    /// <exception cref="InvalidDataException">It is not YAML, or no mapping.</exception>
    public static CoreNetSettings Read(string path, IEnumerable<(string Key, string Value)> overrides)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no configuration {path}.");
        CoreNetSettings settings = new(path);
        if (YamlFile.Read(path) is not YamlMappingNode root)
            throw new InvalidDataException($"{path} is no mapping of settings.");
        settings.Add("", root);
        foreach ((string key, string value) in overrides)
        {
            settings._nodes[key] = Parse(key, value);
            settings._overridden.Add(key);
        }
        return settings;
    }

    /// <summary>An error about an entry: where it stands, and what is wrong with it.</summary>
    public InvalidDataException Wrong(string key, string problem) => new($"{PlaceOf(key)} {problem}.");

    /// <summary>A text; null where there is none.</summary>
    /// <param name="key">The dotted name.</param>
    /// <param name="decides">Whether it decides the run's numbers.</param>
    public string? Text(string key, bool decides = true)
    {
        string? text = Scalar(key);
        return text is null ? null : Keep(key, text, text, decides);
    }

    /// <summary>A text that must be there.</summary>
    public string Required(string key, string what) =>
        Text(key) ?? throw new InvalidDataException($"{_path}: {key} is missing; {what}.");

    /// <summary>One of some words.</summary>
    /// <param name="key">The dotted name.</param>
    /// <param name="fallback">CoreNet's default, which need not be allowed.</param>
    /// <param name="allowed">The words.</param>
    public string OneOf(string key, string? fallback, params string[] allowed)
    {
        string? text = Scalar(key) ?? fallback;
        if (text is not null && allowed.Contains(text))
            return Keep(key, text, text, decides: true);
        string known = $"what is known here is {string.Join(", ", allowed)}";
        throw Scalar(key) is null
            ? new InvalidDataException(
                $"{_path}: {key} is missing{(fallback is null ? "" : $", and CoreNet's default is {fallback}")}; " +
                    $"{known}.")
            : Wrong(key, $"is '{text}'; {known}");
    }

    /// <summary>A whole number.</summary>
    /// <param name="key">The dotted name.</param>
    /// <param name="fallback">CoreNet's default; null: it must be there.</param>
    /// <param name="least">The least that is allowed.</param>
    /// <param name="most">The most that is allowed.</param>
    /// <param name="decides">Whether it decides the run's numbers.</param>
    public long Whole(
        string key, long? fallback, long least = long.MinValue, long most = int.MaxValue, bool decides = true)
    {
        string? text = Scalar(key);
        long number = text is null
            ? fallback ?? throw new InvalidDataException($"{_path}: {key} is missing; it must be a whole number.")
            : long.TryParse(
                text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture,
                out long parsed)
                ? parsed
                : throw Wrong(key, $"is '{text}', not a whole number");
        if (number < least || number > most)
            throw Wrong(key, number < least
                ? FormattableString.Invariant($"is {number}; it must be {least} or more")
                : FormattableString.Invariant($"is {number}; it must be {most} or less"));
        return Keep(key, number, number.ToString(CultureInfo.InvariantCulture), decides);
    }

    /// <summary>A number that is not negative.</summary>
    /// <param name="key">The dotted name.</param>
    /// <param name="fallback">CoreNet's default.</param>
    public double Number(string key, double fallback) => OptionalNumber(key) ?? Keep(
        key, fallback, fallback.ToString(CultureInfo.InvariantCulture), decides: true);

    /// <summary>A number that is not negative; null where there is none.</summary>
    public double? OptionalNumber(string key)
    {
        if (Scalar(key) is not { } text)
            return null;
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && double.IsFinite(number) && number >= 0
            ? Keep(key, number, number.ToString(CultureInfo.InvariantCulture), decides: true)
            : throw Wrong(key, $"is '{text}'; it must be a number, 0 or more");
    }

    /// <summary>A switch, off where nothing is said.</summary>
    public bool Flag(string key, bool decides = true)
    {
        string? text = Scalar(key);
        bool flag = text?.ToLowerInvariant() switch
        {
            null or "false" or "no" or "off" => false,
            "true" or "yes" or "on" => true,
            _ => throw Wrong(key, $"is '{text}', neither true nor false"),
        };
        return Keep(key, flag, flag ? "true" : "false", decides);
    }

    /// <summary>The files of a list; empty where there is none.</summary>
    /// <param name="key">The dotted name.</param>
    /// <param name="decides">Whether they decide the run's numbers.</param>
    public IReadOnlyList<CoreNetDataEntry> Entries(string key, bool decides = true)
    {
        _asked.Add(key);
        if (!_nodes.TryGetValue(key, out YamlNode? node) || YamlFile.Text(node) is null && node is YamlScalarNode)
            return [];
        if (node is not YamlSequenceNode list)
            throw Wrong(key, "must be a list of mappings with file_name, text_key and file_id_range");
        CoreNetDataEntry[] entries = [.. list.Select((entry, number) => Entry(key, number, entry))];
        return Keep(key, entries, string.Join("; ", entries.Select(entry =>
            $"{entry.TextKey} of {entry.FileName} [{entry.FirstId}, {entry.EndId}]")), decides);
    }

    private CoreNetDataEntry Entry(string key, int number, YamlNode node)
    {
        string place = $"{_path}, line {node.Start.Line}: {key}[{number}]";
        string Member(string name) => YamlFile.Text(YamlFile.Child(node, name)) ?? throw new InvalidDataException(
            $"{place} has no {name}; an entry has file_name, text_key and file_id_range.");
        string file = Member("file_name"), text = Member("text_key");
        if (YamlFile.Child(node, "file_id_range") is not YamlSequenceNode { Children: [var first, var end] }
            || !int.TryParse(YamlFile.Text(first), NumberStyles.None, CultureInfo.InvariantCulture, out int firstId)
            || !int.TryParse(YamlFile.Text(end), NumberStyles.None, CultureInfo.InvariantCulture, out int endId))
            throw new InvalidDataException(
                $"{place}: file_id_range must be two whole numbers, the first number and the one behind the last.");
        return new CoreNetDataEntry(file, text, firstId, endId);
    }

    private void Add(string prefix, YamlMappingNode mapping)
    {
        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            string name = prefix + ((YamlScalarNode)key).Value;
            if (value is YamlMappingNode below)
                Add(name + ".", below);
            else
                // of a name written twice, nested and dotted, CoreNet too takes the later one
                _nodes[name] = value;
        }
    }

    private static YamlNode Parse(string key, string value)
    {
        try
        {
            YamlStream stream = [];
            stream.Load(new StringReader(value));
            return stream.Documents.Count == 1 ? stream.Documents[0].RootNode : new YamlScalarNode(value);
        }
        catch (YamlException e)
        {
            throw new ArgumentException($"The value '{value}' of {key} is not valid YAML.", e);
        }
    }

    private string? Scalar(string key)
    {
        _asked.Add(key);
        if (!_nodes.TryGetValue(key, out YamlNode? node))
            return null;
        return node is YamlScalarNode ? YamlFile.Text(node) : throw Wrong(key, "must be one value");
    }

    private T Keep<T>(string key, T value, string text, bool decides)
    {
        _taken[key] = text;
        if (decides)
            _deciding[key] = text;
        return value;
    }

    private string PlaceOf(string key) => _overridden.Contains(key) ? key
        : _nodes.TryGetValue(key, out YamlNode? node) ? $"{_path}, line {node.Start.Line}: {key}"
        : $"{_path}: {key}";
}
