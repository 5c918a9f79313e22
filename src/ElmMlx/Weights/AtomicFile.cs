using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ElmMlx.Weights;

/// <summary>
/// A file that exists under its name only when it is complete: written beside it, flushed to disk, renamed, and the
/// folder flushed. Left without <see cref="Commit"/>, nothing remains.
/// </summary>
internal sealed partial class AtomicFile : IDisposable
{
    private const string Partial = ".partial-";
    private readonly string _path;
    private readonly string _temporary;
    private bool _committed;

    public AtomicFile(string path, long length = 0)
    {
        _path = System.IO.Path.GetFullPath(path);
        _temporary = _path + Partial + Environment.ProcessId;
        Handle = Create(_temporary, length);
    }

    public SafeFileHandle Handle { get; }

    /// <summary>Writes a small file in one go.</summary>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> bytes)
    {
        using var file = new AtomicFile(path);
        file.Write(bytes, 0);
        file.Commit();
    }

    /// <exception cref="IOException">There is no room, or a file may not be that long here.</exception>
    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(Handle, bytes, offset);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw TooLong(_path, e);
        }
    }

    /// <summary>Deletes what processes that were killed have left in a folder.</summary>
    public static void Clean(string folder)
    {
        foreach (string file in Directory.GetFiles(folder, $"*{Partial}*"))
            File.Delete(file);
    }

    // The room is taken at once, so a disk that is too small is told before the work.
    private static SafeFileHandle Create(string path, long length)
    {
        try
        {
            return File.OpenHandle(
                path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, FileOptions.None,
                preallocationSize: length);
        }
        catch (ArgumentOutOfRangeException e)
        {
            File.Delete(path);
            throw TooLong(path.Split(Partial)[0], e);
        }
        catch (IOException e) when (length > 0)
        {
            string folder = System.IO.Path.GetDirectoryName(path)!;
            if (!Directory.Exists(folder) || new DriveInfo(folder).AvailableFreeSpace is var free && free >= length)
                throw;
            File.Delete(path);
            throw new IOException(
                $"The disk has no room for {System.IO.Path.GetFileName(path).Split(Partial)[0]}: it needs " +
                    $"{length >> 20} MiB, and " +
                    $"{free >> 20} MiB are free; make room or give another place.", e);
        }
    }

    // Where a quota or the file system bounds a file's length, .NET calls the length an argument that is out of range.
    private static IOException TooLong(string path, Exception problem) => new(
        $"{System.IO.Path.GetFileName(path)} would be longer than a file may be there", problem);

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

    /// <summary>
    /// Makes renames inside a folder survive a power failure; file systems without that ability are let be.
    /// </summary>
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
