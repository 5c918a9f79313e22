using ElmMlx.Datasets;

namespace ElmMlx.Evaluation;

/// <summary>A prompt and the one right answer.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Completion">The answer.</param>
public sealed record CompletionItem(string Prompt, string Completion)
{
    /// <summary>Reads completions: objects with a prompt and a completion, a line each.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">The names of the keys.</param>
    /// <param name="limit">Items to read; −1 takes all.</param>
    /// <param name="skipped">Where given, gets a sentence for each bad record, which is then left out.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A record is no completion, or there is none.</exception>
    public static IReadOnlyList<CompletionItem> Load(
        string path, DatasetOptions? options = null, int limit = -1, ICollection<string>? skipped = null)
    {
        DatasetOptions keys = options ?? new DatasetOptions();
        (string prompt, string completion) = (keys.PromptKey, keys.CompletionKey);
        return RecordList.Read(path, record =>
        {
            if (!record.TryGetProperty(prompt, out var asked) || !record.TryGetProperty(completion, out var answer))
                throw new FormatException(
                    $"the record has no '{prompt}' and '{completion}', which an exact match needs.");
            string text = ConversationMessages.ReadText(answer, $"'{completion}'");
            return string.IsNullOrWhiteSpace(text)
                ? throw new FormatException($"'{completion}' is empty.")
                : new CompletionItem(ConversationMessages.ReadText(asked, $"'{prompt}'"), text);
        }, limit, skipped);
    }
}
