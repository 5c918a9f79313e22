namespace ElmMlx.Text;

/// <summary>
/// Cuts a text at the delimiters that it is told of, in order. The last part is held back, as the next may join it.
/// </summary>
/// <param name="text">The text to cut.</param>
/// <param name="isFirst">The text begins where the caller's text begins.</param>
/// <param name="behavior">What becomes of delimiters.</param>
/// <param name="invert">Takes what lies between the matches for the delimiters.</param>
/// <param name="words">Gets every part that is not empty.</param>
internal ref struct SplitCutter(
    ReadOnlySpan<char> text, bool isFirst, SplitBehavior behavior, bool invert, PreTokenizers.WordSink words)
    : IMatchSink
{
    private readonly ReadOnlySpan<char> _text = text;
    private int _matched;
    private int _start;
    private int _end;
    private bool _isDelimiter;
    private bool _hasPart;

    public void Match(int start, int length)
    {
        if (start > _matched)
            Add(_matched, start, isDelimiter: invert);
        Add(start, start + length, isDelimiter: !invert);
        _matched = start + length;
    }

    /// <summary>Ends the text: gives out what is left.</summary>
    public void Finish()
    {
        if (_matched < _text.Length)
            Add(_matched, _text.Length, isDelimiter: invert);
        GiveOut();
    }

    private void Add(int start, int end, bool isDelimiter)
    {
        var joins = _hasPart && behavior switch
        {
            SplitBehavior.MergedWithPrevious => isDelimiter && !_isDelimiter,
            SplitBehavior.MergedWithNext => _isDelimiter && !isDelimiter,
            SplitBehavior.Contiguous => _isDelimiter == isDelimiter,
            _ => false,
        };
        if (!joins)
        {
            GiveOut();
            _start = start;
        }
        (_end, _isDelimiter, _hasPart) = (end, isDelimiter, true);
    }

    private void GiveOut()
    {
        if (_hasPart && _end > _start && !(behavior == SplitBehavior.Removed && _isDelimiter))
            words(_text[_start.._end], isFirst && _start == 0);
        _hasPart = false;
    }
}
