using System.Text;
using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>Finds the chat template of a model folder, and the tokens that it may name.</summary>
internal static class ChatTemplateFiles
{
    private const string Config = "tokenizer_config.json";
    private const string TokenSuffix = "_token";

    public static ChatTemplate? Load(string folder)
    {
        var jinja = Path.Combine(folder, "chat_template.jinja");
        var (path, sources) = File.Exists(jinja)
            ? (jinja, Single(
                TokenizerFile.Guard(jinja, () =>
                    new UTF8Encoding(false, true).GetString(TokenizerFile.ReadBytes(jinja)).TrimStart('\uFEFF'))))
            : new[] { "chat_template.json", Config }
                .Select(name => Path.Combine(folder, name))
                .Select(file => (file, Sources: Read(file, ReadTemplates) ?? []))
                .FirstOrDefault(found => found.Sources.Count > 0);
        return sources is null ? null : new ChatTemplate(path, sources, ReadTokens(folder));
    }

    private static Dictionary<string, string> Single(string source) => new() { ["default"] = source };

    private static T? Read<T>(string path, Func<JsonElement, T> read)
        where T : class => !File.Exists(path)
            ? null
            : TokenizerFile.Parse(path, TokenizerFile.ReadBytes(path), root => root.ValueKind == JsonValueKind.Object
                ? read(root)
                : throw new FormatException("is not a JSON object"));

    // A text, or a list of objects with name and template.
    private static Dictionary<string, string> ReadTemplates(JsonElement root)
    {
        if (!root.TryGetProperty("chat_template", out var template) || template.ValueKind == JsonValueKind.Null)
            return [];
        if (template.ValueKind == JsonValueKind.String)
            return Single(template.GetString()!);
        if (template.ValueKind != JsonValueKind.Array)
            throw new FormatException("chat_template is neither a text nor a list of templates");
        var sources = new Dictionary<string, string>();
        foreach (var entry in template.EnumerateArray())
            sources[entry.GetProperty("name").GetString()!] = entry.GetProperty("template").GetString()!;
        return sources;
    }

    private static Dictionary<string, string> ReadTokens(string folder)
    {
        var tokens = new Dictionary<string, string>();
        foreach (var name in new[] { "special_tokens_map.json", Config })
        {
            foreach (var (key, token) in Read(Path.Combine(folder, name), ReadTokens) ?? [])
                tokens[key] = token;
        }
        return tokens;
    }

    // A token is a text, or an object as added tokens have it.
    private static Dictionary<string, string> ReadTokens(JsonElement root)
    {
        var tokens = new Dictionary<string, string>();
        foreach (var property in root.EnumerateObject())
        {
            if (!property.Name.EndsWith(TokenSuffix, StringComparison.Ordinal))
                continue;
            var value = property.Value;
            if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out var content))
                value = content;
            if (value.ValueKind == JsonValueKind.String)
                tokens[property.Name] = value.GetString()!;
        }
        return tokens;
    }
}
