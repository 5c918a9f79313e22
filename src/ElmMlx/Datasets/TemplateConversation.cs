using System.Text.Json;
using ElmMlx.Text;

namespace ElmMlx.Datasets;

/// <summary>A conversation as a model's chat template writes it.</summary>
internal sealed class TemplateConversation
{
    // Private-use characters: no template looks for them, and no text holds this by chance.
    private const string Marker = "\uE0FFanswer\uE0FF";

    private readonly IChatTemplate _template;
    private readonly IReadOnlyList<JsonElement> _messages;
    private readonly JsonElement? _tools;
    private readonly string[] _endTexts;

    /// <param name="template">The template.</param>
    /// <param name="messages">Checked messages.</param>
    /// <param name="tools">What the record says of tools; null for none.</param>
    /// <param name="endTexts">The tokens that end an answer, as texts.</param>
    public TemplateConversation(
        IChatTemplate template, IReadOnlyList<JsonElement> messages, JsonElement? tools, string[] endTexts)
    {
        _template = template;
        _messages = messages;
        _tools = tools;
        _endTexts = endTexts;
    }

    /// <param name="findAnswers">Finds where the answers stand.</param>
    /// <exception cref="InvalidDataException">The template refuses the conversation.</exception>
    /// <exception cref="FormatException">An answer's place cannot be told.</exception>
    public ConversationText Render(bool findAnswers)
    {
        string whole = RenderFirst(_messages.Count, withPrompt: false);
        var answers = new List<Range>();
        for (int i = 0; findAnswers && i < _messages.Count; i++)
        {
            if (ConversationMessages.RoleOf(_messages[i]) == "assistant")
                answers.Add(ByPrefixes(whole, i) ?? ByMarker(whole, i) ?? throw new FormatException(
                    $"the chat template writes message {i + 1} otherwise when more messages follow, so its place " +
                    "cannot be told; train without masking prompts, or with one answer a conversation."));
        }
        bool endsWithAnswer = ConversationMessages.RoleOf(_messages[^1]) == "assistant";
        return new ConversationText(whole, answers, endsWithAnswer, HasSpecialTokens: true);
    }

    // What a prompt for the answer does not have, and the conversation up to the answer has.
    private Range? ByPrefixes(string whole, int answer)
    {
        try
        {
            string before = RenderFirst(answer, withPrompt: true);
            string through = answer == _messages.Count - 1 ? whole : RenderFirst(answer + 1, withPrompt: false);
            return through.StartsWith(before, StringComparison.Ordinal)
                && whole.StartsWith(through, StringComparison.Ordinal)
                    ? before.Length..Math.Max(before.Length, EndOf(through))
                    : null;
        }
        catch (InvalidDataException)
        {
            return null; // A template may refuse a part of a conversation, an empty one above all.
        }
    }

    // Blanks behind the token that ends an answer are the template's: nobody generates them.
    private int EndOf(string through)
    {
        string shown = through.TrimEnd();
        return Array.Exists(_endTexts, text => shown.EndsWith(text, StringComparison.Ordinal))
            ? shown.Length
            : through.Length;
    }

    // What changes when the answer is another one, and the token that ends it.
    private Range? ByMarker(string whole, int answer)
    {
        string marked;
        try
        {
            marked = Render([.. _messages.Select((message, i) => i == answer ? Marked(message) : message)], false);
        }
        catch (InvalidDataException)
        {
            return null;
        }
        int place = marked.IndexOf(Marker, StringComparison.Ordinal);
        if (place < 0)
            return null;
        string after = marked[(place + Marker.Length)..];
        int end = whole.Length - after.Length;
        if (end < place || !whole.StartsWith(marked[..place], StringComparison.Ordinal)
            || !whole.EndsWith(after, StringComparison.Ordinal))
            return null;
        string rest = after.TrimStart();
        if (Array.Find(_endTexts, text => rest.StartsWith(text, StringComparison.Ordinal)) is { } endText)
            end += after.Length - rest.Length + endText.Length;
        return place..end;
    }

    private static JsonElement Marked(JsonElement message)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            foreach (JsonProperty property in message.EnumerateObject().Where(p => p.Name != "content"))
                property.WriteTo(writer);
            writer.WriteString("content", Marker);
            writer.WriteEndObject();
        }
        return JsonElement.Parse(stream.ToArray());
    }

    private string RenderFirst(int count, bool withPrompt) => Render([.. _messages.Take(count)], withPrompt);

    private string Render(IReadOnlyList<JsonElement> messages, bool withPrompt) =>
        _template.Render(messages, new ChatTemplateOptions { AddGenerationPrompt = withPrompt, Tools = _tools });
}
