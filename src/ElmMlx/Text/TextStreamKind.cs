namespace ElmMlx.Text;

/// <summary>
/// How a <see cref="TextStream"/> puts tokens together; mlx-lm's classes have the same behaviours.
/// </summary>
public enum TextStreamKind
{
    /// <summary>By the tokenizer's decoder, as mlx-lm chooses.</summary>
    Automatic,

    /// <summary>
    /// mlx-lm's <c>SPMStreamingDetokenizer</c>: pieces with <c>▁</c> and byte pieces, first space dropped.
    /// </summary>
    SentencePiece,

    /// <summary>The same, first space kept.</summary>
    SentencePieceNoTrim,

    /// <summary>mlx-lm's <c>BPEStreamingDetokenizer</c>: byte-level pieces.</summary>
    ByteLevel,

    /// <summary>The same, with spaces before punctuation and English contractions removed.</summary>
    ByteLevelCleanSpaces,

    /// <summary>
    /// mlx-lm's <c>NaiveStreamingDetokenizer</c>: the current line is decoded anew for every token.
    /// </summary>
    Decoding,
}
