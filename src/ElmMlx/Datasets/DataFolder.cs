namespace ElmMlx.Datasets;

/// <summary>
/// A folder of data as mlx-lm lays it out: <c>train.jsonl</c>, <c>valid.jsonl</c>, <c>test.jsonl</c>, each also as
/// <c>.jsonl.gz</c>, <c>.json.gz</c> or <c>.parquet</c>.
/// </summary>
internal sealed class DataFolder
{
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public DataFolder(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Directory.Exists(path))
            throw new DirectoryNotFoundException(
                File.Exists(path)
                    ? $"{path} is a file; give the folder that holds train.jsonl."
                    : $"There is no data folder {path}.");
        Path = path;
    }

    public string Path { get; }

    /// <summary>The path of one of the files; null where there is none.</summary>
    /// <exception cref="InvalidDataException">It is there in several formats.</exception>
    public string? Find(string name)
    {
        string[] paths =
            [.. DataRecords.Extensions.Select(e => System.IO.Path.Combine(Path, name + e)).Where(File.Exists)];
        return paths.Length <= 1
            ? paths.FirstOrDefault()
            : throw new InvalidDataException(
                $"{Path} has both {System.IO.Path.GetFileName(paths[0])} and " +
                    $"{System.IO.Path.GetFileName(paths[1])}; leave " +
                "one of them.");
    }

    /// <summary>What to throw where a file must be there and is not.</summary>
    public FileNotFoundException Missing(string name) => new(
        $"{Path} has no {name}.jsonl; put the data there, one JSON object a line.",
        System.IO.Path.Combine(Path, name + ".jsonl"));
}
