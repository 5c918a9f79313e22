namespace ElmMlx.Datasets;

/// <summary>One document of a data file: its text, or what is wrong with it.</summary>
/// <param name="Text">The text under the file's key; null when there is none.</param>
/// <param name="Problem">Why there is no text, in words that follow the file's name.</param>
internal readonly record struct Document(string? Text, string? Problem)
{
    public static Document Of(string text) => new(text, null);

    public static Document Bad(string problem) => new(null, problem);
}
