using System.IO.Compression;

namespace ElmMlx;

// Several arrays in one file: NumPy's .npz, a zip archive with a .npy file for each.
public static unsafe partial class MlxFile
{
    private const string NpyExtension = ".npy";

    // Deflate makes at most 1032 bytes of one: what claims more is no archive.
    private const long MaxInflation = 1032;

    private static readonly DateTimeOffset NoTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The arrays of a <c>.npz</c> file by their names, as <c>mlx.core.load</c>.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It is no zip archive, or holds anything but <c>.npy</c> files of different names and less than 2 GiB.
    /// </exception>
    /// <exception cref="MlxException">A <c>.npy</c> file in it is broken.</exception>
    public static Dictionary<string, MlxArray> LoadNpz(string path)
    {
        using FileStream file = File.OpenRead(path);
        return LoadNpz(file);
    }

    /// <summary>The arrays of a stream with a <c>.npz</c> file in it; they are read before this returns.</summary>
    /// <param name="source">It can be read and sought, and stays open.</param>
    /// <inheritdoc cref="LoadNpz(string)"/>
    public static Dictionary<string, MlxArray> LoadNpz(Stream source)
    {
        Dictionary<string, MlxArray> arrays = new(StringComparer.Ordinal);
        using ZipArchive archive = new(source, ZipArchiveMode.Read, leaveOpen: true);
        foreach (ZipArchiveEntry entry in archive.Entries)
        {
            if (!entry.FullName.EndsWith(NpyExtension, StringComparison.Ordinal))
                throw new InvalidDataException($"{entry.FullName} in a .npz file is no .npy file");
            if (!arrays.TryAdd(entry.FullName[..^NpyExtension.Length], Load(Unpacked(entry))))
                throw new InvalidDataException($"{entry.FullName} is twice in a .npz file");
        }

        return arrays;
    }

    /// <summary>
    /// Writes arrays as a <c>.npz</c> file, as <c>mlx.core.savez</c>: the same arrays make the same bytes.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="arrays">By name, of any shape and dtype, less than 2 GiB each.</param>
    /// <param name="compress">Whether they are deflated, as <c>mlx.core.savez_compressed</c> does.</param>
    /// <exception cref="MlxException">An array has no elements.</exception>
    /// <exception cref="IOException">The file cannot be written, or an array is too long.</exception>
    public static void SaveNpz(string path, IReadOnlyDictionary<string, MlxArray> arrays, bool compress = false)
    {
        using FileStream file = File.Create(path);
        SaveNpz(file, arrays, compress);
    }

    /// <summary>Writes arrays as a <c>.npz</c> file to a stream.</summary>
    /// <param name="destination">It can be written, and stays open.</param>
    /// <param name="arrays">By name, of any shape and dtype, less than 2 GiB each.</param>
    /// <param name="compress">Whether they are deflated.</param>
    /// <inheritdoc cref="SaveNpz(string, IReadOnlyDictionary{string, MlxArray}, bool)"/>
    public static void SaveNpz(
        Stream destination, IReadOnlyDictionary<string, MlxArray> arrays, bool compress = false)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        CompressionLevel level = compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression;
        using ZipArchive archive = new(destination, ZipArchiveMode.Create, leaveOpen: true);
        foreach ((string name, MlxArray array) in arrays.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            using MemoryStream npy = new();
            Save(npy, array);
            npy.Position = 0;
            ZipArchiveEntry entry = archive.CreateEntry(name + NpyExtension, level);
            entry.LastWriteTime = NoTime;
            using Stream packed = entry.Open();
            npy.CopyTo(packed);
        }
    }

    // MLX seeks in what it reads, and a packed file cannot be sought.
    private static MemoryStream Unpacked(ZipArchiveEntry entry)
    {
        if (entry.Length > Math.Min(Array.MaxLength, entry.CompressedLength * MaxInflation))
            throw new InvalidDataException($"{entry.FullName} in a .npz file has no {entry.Length} bytes");
        byte[] bytes = new byte[entry.Length];
        try
        {
            using Stream packed = entry.Open();
            packed.ReadExactly(bytes);
        }
        catch (EndOfStreamException problem)
        {
            throw new InvalidDataException($"{entry.FullName} in a .npz file is cut short", problem);
        }

        return new MemoryStream(bytes);
    }
}
