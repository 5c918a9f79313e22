using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>
/// Memory as a C program's reader and writer. Each of them holds it until the provider says that it is done, which MLX
/// does on a thread of its own.
/// </summary>
internal sealed unsafe class NativeStream
{
    private static readonly nint Text = Marshal.StringToCoTaskMemUTF8("memory");

    private bool _isGood = true;
    private int _freeCount;

    public NativeStream(byte[] bytes)
    {
        Memory.Write(bytes);
        Memory.Position = 0;
    }

    public MemoryStream Memory { get; } = new();

    /// <summary>How often the provider has said that it is done.</summary>
    public int FreeCount => Volatile.Read(ref _freeCount);

    public mlx_io_reader Reader() => Mlx.mlx_io_reader_new(NewDescriptor(), Functions());

    public mlx_io_writer Writer() => Mlx.mlx_io_writer_new(NewDescriptor(), Functions());

    private static mlx_io_vtable Functions() => new()
    {
        is_open = (delegate* unmanaged[Cdecl]<void*, bool>)(delegate* unmanaged[Cdecl]<void*, byte>)&IsOpen,
        good = (delegate* unmanaged[Cdecl]<void*, bool>)(delegate* unmanaged[Cdecl]<void*, byte>)&Good,
        tell = &Tell,
        seek = &Seek,
        read = &Read,
        read_at_offset = &ReadAt,
        write = &Write,
        label = &Label,
        free = &Free,
    };

    private static NativeStream Of(void* descriptor) => (NativeStream)GCHandle.FromIntPtr((nint)descriptor).Target!;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte IsOpen(void* descriptor) => 1;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte Good(void* descriptor) => Of(descriptor)._isGood ? (byte)1 : (byte)0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint Tell(void* descriptor) => (nuint)Of(descriptor).Memory.Position;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Seek(void* descriptor, long offset, int whence) =>
        Of(descriptor).Memory.Seek(offset, (SeekOrigin)whence);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Read(void* descriptor, byte* data, nuint count) => Of(descriptor).Fill(data, count);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void ReadAt(void* descriptor, byte* data, nuint count, nuint offset)
    {
        NativeStream stream = Of(descriptor);
        stream.Memory.Position = (long)offset;
        stream.Fill(data, count);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Write(void* descriptor, byte* data, nuint count) =>
        Of(descriptor).Memory.Write(new ReadOnlySpan<byte>(data, (int)count));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte* Label(void* descriptor) => (byte*)Text;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(void* descriptor)
    {
        Interlocked.Increment(ref Of(descriptor)._freeCount);
        GCHandle.FromIntPtr((nint)descriptor).Free();
    }

    private void* NewDescriptor() => (void*)GCHandle.ToIntPtr(GCHandle.Alloc(this));

    private void Fill(byte* data, nuint count)
    {
        int wanted = (int)count;
        _isGood &= Memory.ReadAtLeast(new Span<byte>(data, wanted), wanted, throwOnEndOfStream: false) == wanted;
    }
}
