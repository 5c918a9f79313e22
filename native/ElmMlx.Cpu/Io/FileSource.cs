using Microsoft.Win32.SafeHandles;

namespace ElmMlx.Cpu;

/// <summary>A file.</summary>
internal sealed class FileSource : ByteSource
{
    private readonly SafeFileHandle _file;

    /// <exception cref="IOException">The file cannot be opened.</exception>
    public FileSource(string path)
    {
        Label = path;
        try
        {
            _file = File.OpenHandle(path);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException(error.Message, error);
        }

        Length = RandomAccess.GetLength(_file);
    }

    public override string Label { get; }

    public override long Length { get; }

    public override void Read(long offset, Span<byte> to)
    {
        while (!to.IsEmpty)
        {
            int read = RandomAccess.Read(_file, to, offset);
            if (read == 0)
                throw new EndOfStreamException($"{Label} ends at byte {offset}.");
            offset += read;
            to = to[read..];
        }
    }

    protected override void Close() => _file.Dispose();
}
