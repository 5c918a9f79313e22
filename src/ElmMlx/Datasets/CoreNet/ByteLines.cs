namespace ElmMlx.Datasets;

/// <summary>The lines of a stream as bytes, without their ends; a byte order mark at the beginning is passed over.</summary>
internal sealed class ByteLines(Stream stream, string path)
{
    private const int MaxLineBytes = 1 << 29;

    private byte[] _buffer = new byte[1 << 16];
    private int _start, _end;
    private bool _isFinished;

    /// <summary>The line that was read last; valid until the next one.</summary>
    public ReadOnlyMemory<byte> Current { get; private set; }

    /// <summary>Its number, from 1.</summary>
    public long Number { get; private set; }

    /// <exception cref="InvalidDataException">The stream is broken, or a line is longer than 512 MiB.</exception>
    public bool MoveNext()
    {
        int searched = 0;
        while (true)
        {
            int found = _buffer.AsSpan((_start + searched).._end).IndexOf((byte)'\n');
            if (found >= 0)
            {
                Take(searched + found);
                _start++;
                return true;
            }
            if (_isFinished)
            {
                if (_start == _end)
                    return false;
                Take(_end - _start);
                return true;
            }
            searched = _end - _start;
            Fill();
        }
    }

    private void Take(int length)
    {
        Current = _buffer.AsMemory(_start, length);
        _start += length;
        if (Number++ == 0 && Current.Span.StartsWith("\uFEFF"u8))
            Current = Current[3..];
    }

    private void Fill()
    {
        if (_end == _buffer.Length)
        {
            int length = _end - _start;
            if (length >= MaxLineBytes)
                throw new InvalidDataException(
                    $"{path}: line {Number + 1} is longer than {MaxLineBytes >> 20} MiB, which no document is.");
            byte[] larger = length > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
            _buffer.AsSpan(_start, length).CopyTo(larger);
            (_buffer, _start, _end) = (larger, 0, length);
        }
        int read;
        try
        {
            read = stream.Read(_buffer.AsSpan(_end));
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{path} is not a whole gzip file: {e.Message} Fetch it again.", e);
        }
        _end += read;
        _isFinished = read == 0;
    }
}
