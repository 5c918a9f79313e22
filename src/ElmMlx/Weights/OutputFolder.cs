namespace ElmMlx.Weights;

/// <summary>
/// A folder that exists under its name only when it is complete: it is filled beside, and then renamed. Left without
/// <see cref="Commit"/>, nothing remains.
/// </summary>
internal sealed class OutputFolder : IDisposable
{
    private const string ModelSign = "config.json";

    private readonly string _path;
    private readonly bool _overwrite;
    private readonly string _sign;

    /// <param name="path">The folder to make.</param>
    /// <param name="overwrite">Whether one of its kind is replaced.</param>
    /// <param name="sign">The file by which one of its kind is known.</param>
    /// <exception cref="IOException">The folder exists and is not to be replaced.</exception>
    public OutputFolder(string path, bool overwrite, string sign = ModelSign)
    {
        _path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        _overwrite = overwrite;
        _sign = sign;
        Check(_path, overwrite, sign);
        Path = $"{_path}.partial-{Environment.ProcessId}";
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
        Directory.CreateDirectory(Path);
    }

    /// <summary>Where to write.</summary>
    public string Path { get; }

    /// <summary>Whether an output of this name may be written.</summary>
    public static void Check(string path, bool overwrite, string sign = ModelSign)
    {
        if (File.Exists(path))
            throw new IOException($"{path} exists and is a file; give the name of a folder that is to be made.");
        if (!Directory.Exists(path))
            return;
        if (!overwrite)
            throw new IOException($"The folder {path} exists; give another one, or --overwrite to replace it.");
        if (Directory.EnumerateFileSystemEntries(path).Any() && !File.Exists(System.IO.Path.Combine(path, sign)))
            throw new IOException($"The folder {path} exists and is " +
                $"{(sign == ModelSign ? "no model folder" : $"something else (it has no {sign})")}, so it is not " +
                "replaced; give another one.");
    }

    public void Commit()
    {
        Check(_path, _overwrite, _sign);
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
