using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ElmMlx.Weights;

/// <summary>
/// A file that exists under its name only when it is complete: written beside it, flushed to disk, renamed, and the folder
/// flushed. Left without <see cref="Commit"/>, nothing remains.
/// </summary>
internal sealed partial class AtomicFile : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private bool _committed;

    public AtomicFile(string path, long length = 0)
    {
        _path = System.IO.Path.GetFullPath(path);
        _temporary = _path + ".partial-" + Environment.ProcessId;
        Handle = Create(_temporary, length);
    }

    public SafeFileHandle Handle { get; }

    /// <summary>Writes a small file in one go.</summary>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = new AtomicFile(path);
        RandomAccess.Write(file.Handle, bytes, 0);
        file.Commit();
    }

    // The room is taken at once, so a disk that is too small is told before the work.
    private static SafeFileHandle Create(string path, long length)
    {
        try
        {
            return File.OpenHandle(
                path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, FileOptions.None, preallocationSize: length);
        }
        catch (IOException e) when (length > 0)
        {
            string folder = System.IO.Path.GetDirectoryName(path)!;
            if (!Directory.Exists(folder) || new DriveInfo(folder).AvailableFreeSpace is var free && free >= length)
                throw;
            File.Delete(path);
            throw new IOException(
                $"The disk has no room for {System.IO.Path.GetFileName(path)}: it needs {length >> 20} MiB, and " +
                    $"{free >> 20} MiB are free; make room or give another place.", e);
        }
    }

    public void Commit()
    {
        RandomAccess.FlushToDisk(Handle);
        Handle.Dispose();
        File.Move(_temporary, _path, overwrite: true);
        _committed = true;
        FlushFolder(System.IO.Path.GetDirectoryName(_path)!);
    }

    public void Dispose()
    {
        Handle.Dispose();
        if (!_committed)
            File.Delete(_temporary);
    }

    /// <summary>Makes renames inside a folder survive a power failure; file systems without that ability are let be.</summary>
    public static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        int descriptor = OpenFile(folder, 0);
        if (descriptor < 0)
            return;
        _ = FlushFile(descriptor);
        _ = CloseFile(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int FlushFile(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseFile(int descriptor);
}
