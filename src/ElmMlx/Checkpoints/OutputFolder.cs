using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>
/// A folder that exists under its name only when it is complete: it is filled beside, and then renamed. Left without
/// <see cref="Commit"/>, nothing remains.
/// </summary>
internal sealed class OutputFolder : IDisposable
{
    private readonly string _path;
    private readonly bool _overwrite;

    /// <exception cref="IOException">The folder exists and is not to be replaced.</exception>
    public OutputFolder(string path, bool overwrite)
    {
        _path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        _overwrite = overwrite;
        Check(_path, overwrite);
        Path = $"{_path}.partial-{Environment.ProcessId}";
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
        Directory.CreateDirectory(Path);
    }

    /// <summary>Where to write.</summary>
    public string Path { get; }

    /// <summary>Whether an output of this name may be written.</summary>
    public static void Check(string path, bool overwrite)
    {
        if (File.Exists(path))
            throw new IOException($"{path} exists and is a file; give the name of a folder that is to be made.");
        if (!Directory.Exists(path))
            return;
        if (!overwrite)
            throw new IOException($"The folder {path} exists; give another one, or --overwrite to replace it.");
        if (Directory.EnumerateFileSystemEntries(path).Any() && !File.Exists(System.IO.Path.Combine(path, "config.json")))
            throw new IOException($"The folder {path} exists and is no model folder, so it is not replaced; give " +
                "another one.");
    }

    public void Commit()
    {
        Check(_path, _overwrite);
        AtomicFile.FlushFolder(Path);
        string old = $"{_path}.old-{Environment.ProcessId}";
        bool replaces = Directory.Exists(_path);
        if (replaces)
            Directory.Move(_path, old);
        Directory.Move(Path, _path);
        AtomicFile.FlushFolder(System.IO.Path.GetDirectoryName(_path)!);
        if (replaces)
            Directory.Delete(old, recursive: true);
    }

    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
    }
}
