using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A .NET stream as C reads and writes it. MLX may hold it after the call that it was made for.</summary>
internal sealed unsafe class StreamIo
{
    private static readonly nint Label = Marshal.StringToCoTaskMemUTF8("stream"); // as long as the process

    private readonly Stream _stream;
    private readonly Lock _reading = new(); // MLX reads on threads of its own

    private StreamIo(Stream stream) => _stream = stream;

    /// <summary>What the stream threw; nothing may unwind through native frames.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>A reader, which the caller frees.</summary>
    public static (mlx_io_reader Handle, StreamIo Io) Reader(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanRead || !stream.CanSeek)
            throw new ArgumentException("arrays are read from a stream that can be read and sought");
        RuntimeLoader.EnsureLoaded();
        StreamIo io = new(stream);
        return (Checked.mlx_io_reader_new((void*)GCHandle.ToIntPtr(GCHandle.Alloc(io)), Functions), io);
    }

    /// <summary>A writer, which the caller frees.</summary>
    public static (mlx_io_writer Handle, StreamIo Io) Writer(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanWrite || !stream.CanSeek)
            throw new ArgumentException("arrays are written to a stream that can be written and sought");
        RuntimeLoader.EnsureLoaded();
        StreamIo io = new(stream);
        return (Checked.mlx_io_writer_new((void*)GCHandle.ToIntPtr(GCHandle.Alloc(io)), Functions), io);
    }

    /// <summary>Throws what the stream threw, if anything.</summary>
    public void Check()
    {
        if (Failure is { } failure)
            throw new IOException($"the stream failed: {failure.Message}", failure);
    }

    private static mlx_io_vtable Functions => new()
    {
        is_open = (delegate* unmanaged[Cdecl]<void*, bool>)(delegate* unmanaged[Cdecl]<void*, byte>)&IsGood,
        good = (delegate* unmanaged[Cdecl]<void*, bool>)(delegate* unmanaged[Cdecl]<void*, byte>)&IsGood,
        tell = &Tell,
        seek = &Seek,
        read = &Read,
        read_at_offset = &ReadAt,
        write = &Write,
        label = &Name,
        free = &Free,
    };

    private static StreamIo Of(void* descriptor) => (StreamIo)GCHandle.FromIntPtr((nint)descriptor).Target!;

    private void Guard(Action<Stream> action)
    {
        try
        {
            lock (_reading)
                action(_stream);
        }
        catch (Exception failure)
        {
            Failure ??= failure;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte IsGood(void* descriptor) => Of(descriptor).Failure is null ? (byte)1 : (byte)0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint Tell(void* descriptor)
    {
        long place = 0;
        Of(descriptor).Guard(stream => place = stream.Position);
        return (nuint)place;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Seek(void* descriptor, long offset, int whence) =>
        Of(descriptor).Guard(stream => stream.Seek(offset, (SeekOrigin)whence));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Read(void* descriptor, byte* data, nuint count) =>
        Of(descriptor).Guard(stream => Fill(stream, data, count));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void ReadAt(void* descriptor, byte* data, nuint count, nuint offset) =>
        Of(descriptor).Guard(stream =>
        {
            stream.Position = (long)offset;
            Fill(stream, data, count);
        });

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Write(void* descriptor, byte* data, nuint count) =>
        Of(descriptor).Guard(stream =>
        {
            for (nuint done = 0; done < count; done += Part(count - done))
                stream.Write(new ReadOnlySpan<byte>(data + done, (int)Part(count - done)));
        });

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte* Name(void* descriptor) => (byte*)Label;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(void* descriptor) => GCHandle.FromIntPtr((nint)descriptor).Free();

    private static void Fill(Stream stream, byte* data, nuint count)
    {
        for (nuint done = 0; done < count; done += Part(count - done))
            stream.ReadExactly(new Span<byte>(data + done, (int)Part(count - done)));
    }

    // A span has at most 2 GiB.
    private static nuint Part(nuint count) => Math.Min(count, 1 << 30);
}
