namespace ElmMlx.Datasets;

/// <summary>What the records of a data set hold.</summary>
public enum DatasetKind
{
    /// <summary>A prompt and what is to follow it.</summary>
    Completions,

    /// <summary>The messages of a conversation.</summary>
    Chat,

    /// <summary>A text.</summary>
    Text,
}
