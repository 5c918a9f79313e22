namespace ElmMlx.Text;

/// <summary>What becomes of the delimiters that a pre-tokenizer finds.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}
