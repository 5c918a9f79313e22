namespace ElmMlx.Preference;

/// <summary>What reading pairs came to: nothing is cut or left out without a count.</summary>
public sealed record PreferenceReport
{
    /// <summary>Records read, the bad ones included.</summary>
    public long Records { get; init; }

    /// <summary>Pairs to train on.</summary>
    public int Pairs { get; init; }

    /// <summary>Tokens in their rows.</summary>
    public long Tokens { get; init; }

    /// <summary>Tokens of answers in their rows: those that count.</summary>
    public long AnswerTokens { get; init; }

    /// <summary>Pairs whose prompt lost its beginning.</summary>
    public int CutPrompts { get; init; }

    /// <summary>Pairs of which an answer lost its end.</summary>
    public int CutAnswers { get; init; }

    /// <summary>Tokens that were cut off, of prompts and answers.</summary>
    public long CutTokens { get; init; }

    /// <summary>Pairs left out because what was cut off is all that their answers differ in.</summary>
    public int AlikeAfterCut { get; init; }

    /// <summary>Records left out because they cannot be read.</summary>
    public int Skipped { get; init; }

    /// <summary>Why, for the first hundred of them: one sentence each, with file and line.</summary>
    public IReadOnlyList<string> SkippedReasons { get; init; } = [];
}
