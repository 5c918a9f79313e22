namespace ElmMlx.Tools.Elm;

/// <summary>Paths that will be written, looked at before the work begins.</summary>
internal static class OutputPath
{
    /// <summary>Throws if a file cannot lie there.</summary>
    /// <exception cref="IOException">The folder is missing, or the path is one.</exception>
    public static void Check(string option, string path)
    {
        if (Directory.Exists(path))
            throw new IOException($"{option} {path} is a folder: name a file.");
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new DirectoryNotFoundException($"{option} {path}: there is no folder {folder}; make it first.");
    }
}
