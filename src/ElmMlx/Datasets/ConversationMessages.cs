using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>Checks the messages of a record before a template, which may take anything, sees them.</summary>
internal static class ConversationMessages
{
    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool", "function"];

    /// <exception cref="FormatException">Something is not as messages are.</exception>
    public static List<JsonElement> Read(JsonElement messages, string key)
    {
        if (messages.ValueKind != JsonValueKind.Array)
            throw new FormatException($"'{key}' is {JsonKinds.Name(messages)}, not a list of messages.");
        List<JsonElement> list = [.. messages.EnumerateArray()];
        if (list.Count == 0)
            throw new FormatException($"'{key}' has no messages.");
        for (int i = 0; i < list.Count; i++)
            Check(list[i], i + 1);
        return list;
    }

    public static string RoleOf(JsonElement message) => message.GetProperty("role").GetString()!;

    /// <summary>A message's content as a text; parts of text are put together.</summary>
    /// <exception cref="FormatException">It holds something else.</exception>
    public static string TextOf(JsonElement message, int number)
    {
        if (!message.TryGetProperty("content", out JsonElement content) || content.ValueKind == JsonValueKind.Null)
            return "";
        if (content.ValueKind == JsonValueKind.String)
            return ReadText(content, $"message {number}: 'content'");
        return string.Concat(content.EnumerateArray().Select(part =>
            part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out JsonElement text)
                ? ReadText(text, $"message {number}: a part's 'text'")
                : throw new FormatException($"message {number} has a part that is not a text.")));
    }

    /// <exception cref="FormatException">It is not a text, or half a surrogate pair stands in it.</exception>
    public static string ReadText(JsonElement value, string what)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw new FormatException($"{what} is {JsonKinds.Name(value)}, not a text.");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new FormatException($"{what} has half of a surrogate pair in it.", e);
        }
    }

    private static void Check(JsonElement message, int number)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw new FormatException($"message {number} is {JsonKinds.Name(message)}, not an object.");
        if (!message.TryGetProperty("role", out JsonElement role))
            throw new FormatException($"message {number} has no 'role'.");
        string name = ReadText(role, $"message {number}: 'role'");
        if (!Roles.Contains(name))
            throw new FormatException(
                $"message {number} has the unknown role '{name}'; known are {string.Join(", ", Roles)}.");
        bool hasContent = message.TryGetProperty("content", out JsonElement content);
        if (!hasContent && !message.TryGetProperty("tool_calls", out _))
            throw new FormatException($"message {number} has no 'content'.");
        if (hasContent && content.ValueKind is not (JsonValueKind.String or JsonValueKind.Null or JsonValueKind.Array))
            throw new FormatException($"message {number}: 'content' is {JsonKinds.Name(content)}, not a text.");
        if (name == "assistant" || !hasContent || content.ValueKind != JsonValueKind.Null)
            return;
        throw new FormatException($"message {number}: 'content' is null.");
    }
}
