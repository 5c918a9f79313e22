using System.Collections;
using System.Globalization;
using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Optimizers;

/// <summary>
/// The values of options, wherever they come from. Plain means: null, a number (double), true or false, text, a
/// list of <c>object?</c>, a dictionary by name.
/// </summary>
internal static class OptionValue
{
    public static object? Plain(object? value) => value switch
    {
        JsonElement json => Plain(json),
        YamlNode yaml => Plain(yaml),
        null or string or bool or double => value,
        IReadOnlyDictionary<string, object?> options => options.ToDictionary(
            option => option.Key, option => Plain(option.Value), StringComparer.Ordinal),
        IEnumerable list => list.Cast<object?>().Select(Plain).ToList(),
        IConvertible number => number.ToDouble(CultureInfo.InvariantCulture),
        _ => throw new ArgumentException($"an option cannot be a {value.GetType().Name}", nameof(value)),
    };

    /// <summary>A number, or the one that a text spells; null for anything else.</summary>
    public static double? Number(object? plain) => plain switch
    {
        double number => number,
        string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) =>
            number,
        _ => null,
    };

    /// <summary>True or false, or what a text says; null for anything else.</summary>
    public static bool? Flag(object? plain) => plain switch
    {
        bool flag => flag,
        string text when bool.TryParse(text, out bool flag) => flag,
        _ => null,
    };

    /// <summary>A value for a message.</summary>
    public static string Text(object? plain) => plain switch
    {
        null => "missing",
        string text => $"'{text}'",
        IReadOnlyDictionary<string, object?> => "a mapping",
        IReadOnlyList<object?> list => $"[{string.Join(", ", list.Select(Text))}]",
        _ => Convert.ToString(plain, CultureInfo.InvariantCulture)!,
    };

    private static object? Plain(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Number => json.GetDouble(),
        JsonValueKind.String => json.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => json.EnumerateArray().Select(Plain).ToList(),
        JsonValueKind.Object => json.EnumerateObject().ToDictionary(
            option => option.Name, option => Plain(option.Value), StringComparer.Ordinal),
        _ => null,
    };

    private static object? Plain(YamlNode yaml) => yaml switch
    {
        YamlScalarNode { Value: null or "" or "~" or "null" } => null,
        YamlScalarNode scalar => scalar.Value,
        YamlSequenceNode list => list.Children.Select(Plain).ToList(),
        YamlMappingNode options => options.Children.ToDictionary(
            option => option.Key.ToString(), option => Plain(option.Value), StringComparer.Ordinal),
        _ => null,
    };
}
