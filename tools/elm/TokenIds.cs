using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace ElmMlx.Tools.Elm;

/// <summary>Token ids on a command line: commas or spaces between them, or <c>@FILE</c> with a JSON list.</summary>
internal static class TokenIds
{
    private static readonly char[] Separators = [',', ' ', '\t', '\n', '\r'];

    /// <summary>An option whose values <see cref="Parse"/> understands.</summary>
    public static Option<string[]> Option(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "IDS|@FILE",
        AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>The ids that the values of an option name, in their order.</summary>
    /// <exception cref="ArgumentException">There is none, or something is no id.</exception>
    public static int[] Parse(string name, string[] values)
    {
        int[] ids = [.. values.SelectMany(value => value.StartsWith('@')
            ? ReadFile(name, value[1..])
            : value.TrimStart().StartsWith('[') ? ReadList(name, value, value) : ReadText(name, value))];
        return ids.Length > 0 ? ids : throw new ArgumentException($"{name} is empty: give at least one id.");
    }

    private static int[] ReadText(string name, string text) => [.. text
        .Split(Separators, StringSplitOptions.RemoveEmptyEntries)
        .Select(part => int.TryParse(part, CultureInfo.InvariantCulture, out int id)
            ? id
            : throw new ArgumentException(
                $"{name}: '{part}' is no token id; write numbers with commas between them, as in 1,450,4996."))];

    private static int[] ReadFile(string name, string path) => File.Exists(path)
        ? ReadList(name, path, File.ReadAllText(path))
        : throw new FileNotFoundException($"{name} @{path}: there is no file {path}.");

    private static int[] ReadList(string name, string source, string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return [.. document.RootElement.EnumerateArray().Select(id => id.GetInt32())];
        }
        catch (Exception error) when (error is FormatException or JsonException or InvalidOperationException)
        {
            throw new ArgumentException($"{name}: {source} is no JSON list of token ids, as in [1, 450, 4996].");
        }
    }
}
