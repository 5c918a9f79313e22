namespace ElmMlx.Text;

/// <summary>Whose reading of a tokenizer's files to follow.</summary>
public enum TokenizerMode
{
    /// <summary>
    /// What the file itself says, as sentencepiece and Hugging Face's tokenizers library read it.
    /// </summary>
    File,

    /// <summary>
    /// As transformers 5, and so mlx-lm, rebuilds Llama's <c>tokenizer.json</c>: no normalizer, Metaspace that always
    /// prepends, no unknown token, no truncation and no padding. Text with leading spaces gets other ids.
    /// </summary>
    Transformers5,
}
