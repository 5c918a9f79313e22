using System.Runtime.InteropServices;
using System.Text;

namespace ElmMlx.Cpu;

/// <summary>A C program's <c>FILE*</c>, written by the C library that opened it.</summary>
internal static unsafe class CFile
{
    private static readonly Lazy<nint> Library = new(() => NativeLibrary.Load(
        OperatingSystem.IsWindows() ? "ucrtbase" : OperatingSystem.IsMacOS() ? "libSystem" : "libc.so.6"));

    private static readonly Lazy<nint> Function = new(() => NativeLibrary.GetExport(Library.Value, "fwrite"));

    /// <summary>Prints a line to C's standard output, behind what the program has printed.</summary>
    public static void PrintLine(string text)
    {
        fixed (byte* line = Encoding.UTF8.GetBytes(text + '\0'))
        {
            var puts = (delegate* unmanaged[Cdecl]<byte*, int>)NativeLibrary.GetExport(Library.Value, "puts");
            _ = puts(line);
        }
    }

    /// <exception cref="IOException">The file took less than all of it.</exception>
    public static void Write(void* file, string text)
    {
        if (file is null)
            throw new ArgumentException("[file] expected an open file, not null");
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        nuint written;
        fixed (byte* data = bytes)
        {
            var fwrite = (delegate* unmanaged[Cdecl]<void*, nuint, nuint, void*, nuint>)Function.Value;
            written = fwrite(data, 1, (nuint)bytes.Length, file);
        }

        if (written != (nuint)bytes.Length)
            throw new IOException("[file] The text could not be written.");
    }
}
