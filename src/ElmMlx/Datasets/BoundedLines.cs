namespace ElmMlx.Datasets;

/// <summary>The lines of a stream, one in memory at a time; of a line that is too long only that it is.</summary>
internal sealed class BoundedLines
{
    private readonly Stream _stream;
    private readonly int _maxBytes;
    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _isAtEnd;

    public BoundedLines(Stream stream, int maxBytes)
    {
        _stream = stream;
        _maxBytes = maxBytes;
    }

    /// <summary>The line without its newline; valid until the next call.</summary>
    public ReadOnlyMemory<byte> Current { get; private set; }

    /// <summary>Whether the line had more bytes than are kept; <see cref="Current"/> is empty then.</summary>
    public bool IsTooLong { get; private set; }

    public bool MoveNext()
    {
        IsTooLong = false;
        int scanned = _start;
        while (true)
        {
            int newline = _buffer.AsSpan(scanned, _end - scanned).IndexOf((byte)'\n');
            if (newline >= 0)
                return Take(scanned + newline, 1);
            if (_end - _start > _maxBytes)
            {
                IsTooLong = true;
                _start = _end = 0;
            }
            if (_isAtEnd)
                return (_end > _start || IsTooLong) && Take(_end, 0);
            int kept = _end - _start;
            Fill();
            scanned = _start + kept;
        }
    }

    private bool Take(int end, int newline)
    {
        IsTooLong |= end - _start > _maxBytes;
        Current = IsTooLong ? default : _buffer.AsMemory(_start, end - _start);
        _start = end + newline;
        return true;
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        int count = _stream.Read(_buffer, _end, _buffer.Length - _end);
        _end += count;
        _isAtEnd = count == 0;
    }
}
