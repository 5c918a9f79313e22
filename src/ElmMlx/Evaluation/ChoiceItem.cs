using System.Text.Json;
using ElmMlx.Datasets;

namespace ElmMlx.Evaluation;

/// <summary>A question of a multiple-choice task.</summary>
/// <param name="Context">What stands before each choice.</param>
/// <param name="Choices">Two or more.</param>
/// <param name="Answer">The number of the right one, from 0.</param>
public sealed record ChoiceItem(string Context, IReadOnlyList<string> Choices, int Answer)
{
    // As public tasks name them; the first that a record has counts.
    private static readonly string[] ContextKeys = ["context", "query", "question", "prompt", "ctx", "input"];
    private static readonly string[] ChoicesKeys = ["choices", "endings", "options"];
    private static readonly string[] AnswerKeys = ["answer", "gold", "label", "answerKey", "answer_index"];

    /// <summary>
    /// Reads a task: objects with a <c>context</c>, a list of <c>choices</c>, and an <c>answer</c>, which is the number
    /// of the right choice from 0, its label or its text; other usual names of the three are known too.
    /// </summary>
    /// <param name="path">The file, a JSON object a line.</param>
    /// <param name="limit">Items to read; −1 takes all.</param>
    /// <param name="skipped">Where given, gets a sentence for each bad record, which is then left out.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A record is no such question, or there is none.</exception>
    public static IReadOnlyList<ChoiceItem> Load(string path, int limit = -1, ICollection<string>? skipped = null) =>
        RecordList.Read(path, Read, limit, skipped);

    private static ChoiceItem Read(JsonElement record)
    {
        string context =
            ConversationMessages.ReadText(Find(record, ContextKeys, out string contextKey), $"'{contextKey}'");
        JsonElement listed = Find(record, ChoicesKeys, out string choicesKey);
        string[] labels = [];
        if (listed.ValueKind == JsonValueKind.Object)       // {"text": […], "label": ["A", …]}
        {
            if (listed.TryGetProperty("label", out JsonElement named))
                labels = Texts(named, $"'{choicesKey}.label'");
            listed = listed.TryGetProperty("text", out JsonElement texts) ? texts : throw new FormatException(
                $"'{choicesKey}' has no 'text'.");
        }
        string[] choices = Texts(listed, $"'{choicesKey}'");
        if (choices.Length < 2)
            throw new FormatException($"'{choicesKey}' must have two texts or more.");
        int empty = Array.FindIndex(choices, string.IsNullOrWhiteSpace);
        if (empty >= 0)
            throw new FormatException($"choice {empty} of '{choicesKey}' is empty.");
        JsonElement answer = Find(record, AnswerKeys, out string answerKey);
        int number = NumberOf(answer, choices, labels);
        return number >= 0 && number < choices.Length
            ? new ChoiceItem(context, choices, number)
            : throw new FormatException(
                $"'{answerKey}' is {answer.GetRawText()}; it must be a choice's number from 0 to " +
                    $"{choices.Length - 1}, its " +
                "label or its text.");
    }

    // Labels and texts before numbers: a choice may itself be a number.
    private static int NumberOf(JsonElement answer, string[] choices, string[] labels)
    {
        if (answer.ValueKind == JsonValueKind.Number)
            return answer.TryGetInt32(out int number) ? number : -1;
        if (answer.ValueKind != JsonValueKind.String)
            return -1;
        string text = answer.GetString()!;
        int named = Array.IndexOf(labels, text);
        if (named < 0)
            named = Array.IndexOf(choices, text);
        if (named >= 0)
            return named;
        if (int.TryParse(text, out int written))
            return written;
        return text is [>= 'A' and <= 'Z'] ? text[0] - 'A' : -1;
    }

    private static JsonElement Find(JsonElement record, string[] keys, out string found)
    {
        foreach (string key in keys)
        {
            if (record.TryGetProperty(key, out JsonElement value))
            {
                found = key;
                return value;
            }
        }
        throw new FormatException($"the record has no '{keys[0]}' (nor {string.Join(", ", keys[1..])}).");
    }

    private static string[] Texts(JsonElement list, string what) => list.ValueKind == JsonValueKind.Array
        ? [.. list.EnumerateArray().Select(text => ConversationMessages.ReadText(text, $"an entry of {what}"))]
        : throw new FormatException($"{what} is {JsonKinds.Name(list)}, not a list.");
}
