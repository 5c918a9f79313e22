namespace ElmMlx.Datasets;

/// <summary>How records become rows of tokens. The defaults are mlx-lm's.</summary>
public sealed record DatasetOptions
{
    /// <summary>
    /// Learns only completions, and every answer of the assistant; otherwise everything is learnt.
    /// </summary>
    public bool MaskPrompt { get; init; }

    /// <summary>The largest number of tokens in a row.</summary>
    public int MaxSequenceLength { get; init; } = 2048;

    /// <summary>What becomes of longer rows.</summary>
    public LongRows LongRows { get; init; }

    /// <summary>
    /// Leaves out records that cannot be read and counts them; otherwise the first one ends the reading.
    /// </summary>
    public bool SkipBadLines { get; init; }

    /// <summary>The model's number of tokens; null: ids are not checked.</summary>
    public int? VocabularySize { get; init; }

    /// <summary>The key of a prompt.</summary>
    public string PromptKey { get; init; } = "prompt";

    /// <summary>The key of what follows a prompt.</summary>
    public string CompletionKey { get; init; } = "completion";

    /// <summary>The key of a text.</summary>
    public string TextKey { get; init; } = "text";

    /// <summary>The key of a conversation.</summary>
    public string ChatKey { get; init; } = "messages";
}
