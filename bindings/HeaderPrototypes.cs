using System.Text;
using System.Text.RegularExpressions;

namespace ElmMlx.Bindings;

/// <summary>Reads the prototypes, structures and enumerations of mlx-c's headers, which are regular because most
/// are written by a program, and compares them with the known ones.</summary>
/// <remarks>
/// Both sides have one form, without <c>const</c> and parameter names:
/// <c>mlx_add int(mlx_array*,mlx_array,mlx_array,mlx_stream)</c>, <c>mlx_stream {void* ctx}</c>,
/// <c>mlx_device_type [MLX_CPU,MLX_GPU]</c>.
/// </remarks>
internal static partial class HeaderPrototypes
{
    /// <summary>The first declaration of version <paramref name="version"/> that the headers say otherwise; null
    /// when they agree. What only the headers have does not matter, nor do members at an enumeration's end.</summary>
    public static string? FirstDifference(string folder, int version)
    {
        var declared = Read(folder);
        foreach (var (name, known) in Known(version))
        {
            if (!declared.TryGetValue(name, out var found))
                return $"{folder} does not declare {name}";
            var isSame = known[0] == '['
                ? found.Shape == known || found.Shape.StartsWith(known[..^1] + ",", StringComparison.Ordinal)
                : found.Shape == known;
            if (!isSame)
                return $"{Path.Combine(folder, found.Header)} declares {name} as {found.Shape}, not {known}";
        }

        return null;
    }

    /// <summary>The known declarations of a version.</summary>
    internal static IEnumerable<(string Name, string Shape)> Known(int version)
    {
        var label = KnownVersions.Names[version];
        foreach (var line in Encoding.UTF8.GetString(KnownVersions.Prototypes).Split('\n'))
        {
            if (line.Split(' ', 3) is [var versions, var name, var shape] && versions.Split(',').Contains(label))
                yield return (name, shape);
        }
    }

    /// <summary>Everything that the headers in a folder declare.</summary>
    internal static Dictionary<string, (string Shape, string Header)> Read(string folder)
    {
        var result = new Dictionary<string, (string, string)>();
        foreach (var header in Directory.EnumerateFiles(folder, "*.h").Order(StringComparer.Ordinal))
        {
            foreach (var statement in Statements(File.ReadAllText(header)))
            {
                if (Declaration(statement) is { } declaration)
                    result.TryAdd(declaration.Name, (declaration.Shape, Path.GetFileName(header)));
            }
        }

        return result;
    }

    private static (string Name, string Shape)? Declaration(string statement)
    {
        if (TypedefPattern().Match(statement) is { Success: true } typedef)
        {
            var isEnum = typedef.Groups["kind"].Value == "enum";
            var body = typedef.Groups["body"].Value;
            return (typedef.Groups["name"].Value, isEnum
                ? $"[{string.Join(",", SplitOutside(body, ',').Select(m => m.Replace(" ", "")).Where(m => m != ""))}]"
                : $"{{{string.Join(";", body.Split(';').Select(f => f.Trim()).Where(f => f != "").Select(Field))}}}");
        }

        if (statement.StartsWith("typedef", StringComparison.Ordinal)
            || FunctionPattern().Match(statement) is not { Success: true } function)
            return null;
        return (function.Groups["name"].Value,
            $"{TypeOf(function.Groups["type"].Value)}({Parameters(function.Groups["parameters"].Value)})");
    }

    private static string Parameters(string text) =>
        text.Trim() is "" or "void" ? "" : string.Join(",", SplitOutside(text, ',').Select(Unnamed));

    // "const mlx_array a" → "mlx_array", "int (*fun)(void*)" → "int(*)(void*)"
    private static string Unnamed(string parameter)
    {
        if (PointerPattern().Match(parameter) is { Success: true } pointer)
            return $"{TypeOf(pointer.Groups["type"].Value)}(*)({Parameters(pointer.Groups["parameters"].Value)})";
        var match = NamedPattern().Match(ConstPattern().Replace(parameter, "").Trim());
        return TypeOf(match.Success ? match.Groups["type"].Value : parameter);
    }

    // "void *ctx" → "void* ctx", "bool (*good)(void*)" → "bool(*good)(void*)": fields keep their names
    private static string Field(string field) =>
        PointerPattern().Match(field) is { Success: true } pointer
            ? $"{TypeOf(pointer.Groups["type"].Value)}(*{pointer.Groups["name"].Value})"
                + $"({Parameters(pointer.Groups["parameters"].Value)})"
            : NamedPattern().Match(ConstPattern().Replace(field, "").Trim()) is { Success: true } named
                ? $"{TypeOf(named.Groups["type"].Value)} {named.Groups["name"].Value}"
                : TypeOf(field);

    private static string TypeOf(string type) => ConstPattern().Replace(type, "").Replace(" ", "");

    private static IEnumerable<string> Statements(string header)
    {
        var text = SpacePattern().Replace(NoisePattern().Replace(header, " "), " ");
        var (start, depth) = (0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '{')
                depth++;
            else if (text[i] == '}' && depth > 0)
                depth--;
            else if (text[i] == '}')
                start = i + 1; // the end of extern "C" {
            else if (text[i] == ';' && depth == 0)
            {
                yield return text[start..i].Trim();
                start = i + 1;
            }
        }
    }

    private static IEnumerable<string> SplitOutside(string text, char separator)
    {
        var (start, depth) = (0, 0);
        for (var i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || (text[i] == separator && depth == 0))
            {
                yield return text[start..i].Trim();
                start = i + 1;
            }
            else if (text[i] == '(')
                depth++;
            else if (text[i] == ')')
                depth--;
        }
    }

    // Comments, preprocessor lines (with their continuations) and extern "C" {
    [GeneratedRegex(
        """/\*.*?\*/|//[^\n]*|^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*|extern\s+"C"\s*\{""",
        RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex NoisePattern();

    [GeneratedRegex(@"\s+")]
    private static partial Regex SpacePattern();

    [GeneratedRegex(@"\bconst\b\s*")]
    private static partial Regex ConstPattern();

    [GeneratedRegex(@"^typedef (?<kind>struct|enum) \w* ?\{(?<body>.*)\} ?(?<name>mlx_\w+)$")]
    private static partial Regex TypedefPattern();

    [GeneratedRegex(@"^(?<type>[\w \*]+?[ \*])(?<name>_?mlx_\w+) ?\((?<parameters>.*)\)$")]
    private static partial Regex FunctionPattern();

    [GeneratedRegex(@"^(?<type>.+?) ?\( ?\* ?(?<name>\w*) ?\) ?\((?<parameters>.*)\)$")]
    private static partial Regex PointerPattern();

    [GeneratedRegex(@"^(?<type>\w+ ?\*+ ?|\w+ )(?<name>\w+)$")]
    private static partial Regex NamedPattern();
}
