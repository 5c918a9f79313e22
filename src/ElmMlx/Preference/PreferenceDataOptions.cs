namespace ElmMlx.Preference;

/// <summary>How records become pairs of rows.</summary>
public sealed record PreferenceDataOptions
{
    /// <summary>The largest number of tokens in a row: a prompt and an answer.</summary>
    public int MaxSequenceLength { get; init; } = 1024;

    /// <summary>What is left of a prompt, its end, where a row would be longer than that.</summary>
    public int MaxPromptLength { get; init; } = 512;

    /// <summary>
    /// Leaves out records that cannot be read and counts them; otherwise the first one ends the reading.
    /// </summary>
    public bool SkipBadLines { get; init; }

    /// <summary>The model's number of tokens; null: ids are not checked.</summary>
    public int? VocabularySize { get; init; }

    /// <summary>The key of a prompt.</summary>
    public string PromptKey { get; init; } = "prompt";

    /// <summary>The key of the answer that is preferred.</summary>
    public string ChosenKey { get; init; } = "chosen";

    /// <summary>The key of the other answer.</summary>
    public string RejectedKey { get; init; } = "rejected";

    /// <summary>Throws where a number is impossible.</summary>
    /// <exception cref="ArgumentException">One is; says which, and what it must be.</exception>
    public void Check()
    {
        if (MaxSequenceLength < 2)
            throw new ArgumentException($"max_seq_length is {MaxSequenceLength}; it must be at least 2.");
        if (MaxPromptLength < 1 || MaxPromptLength >= MaxSequenceLength)
            throw new ArgumentException(
                $"max_prompt_length is {MaxPromptLength}; it must be from 1 to {MaxSequenceLength - 1}, below " +
                "max_seq_length, so that an answer has room.");
    }
}
