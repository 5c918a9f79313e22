namespace ElmMlx.Datasets;

/// <summary>
/// The files of one shard in the order of an epoch. In training they are shuffled before every later epoch, each time
/// from the order before.
/// </summary>
internal sealed class FileOrder
{
    private readonly List<DataFile> _files;
    private readonly PythonRandom _random;
    private readonly bool _isTraining;

    /// <param name="files">The shard's own files.</param>
    /// <param name="random">A generator of this shard's own.</param>
    /// <param name="isTraining">Whether later epochs have another order.</param>
    public FileOrder(IEnumerable<DataFile> files, PythonRandom random, bool isTraining)
    {
        _files = [.. files];
        _random = random;
        _isTraining = isTraining;
    }

    public int Epoch { get; private set; }

    public IReadOnlyList<DataFile> Files => _files;

    /// <summary>The files of one shard among several, which all draw the same numbers from the same seed.</summary>
    public static FileOrder Of(CoreNetDataOptions options, int shard, int shards, bool isTraining)
    {
        PythonRandom random = new(options.Seed);
        List<DataFile> files = [.. options.Entries.SelectMany(entry => entry.Files())];
        if (options.Shuffle && isTraining)
            random.Shuffle(files);
        return new FileOrder(Share(Fill(files, shards, random), shard, shards), random, isTraining);
    }

    /// <summary>
    /// The list made a multiple of the shards: what is missing is drawn from it, so that two shards can have the same
    /// file.
    /// </summary>
    public static List<DataFile> Fill(List<DataFile> files, int shards, PythonRandom random)
    {
        int missing = (shards - files.Count % shards) % shards;
        return missing == 0 ? files : [.. files, .. random.Choices(files, missing)];
    }

    /// <summary>Every file whose number leaves the shard's as a remainder.</summary>
    public static IEnumerable<DataFile> Share(List<DataFile> files, int shard, int shards) =>
        files.Where((_, number) => number % shards == shard);

    /// <summary>Goes on to the next epoch.</summary>
    public void Advance()
    {
        Epoch++;
        if (_isTraining)
            _random.Shuffle(_files);
    }
}
