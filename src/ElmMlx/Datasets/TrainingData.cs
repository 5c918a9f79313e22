using ElmMlx.Text;

namespace ElmMlx.Datasets;

/// <summary>
/// A folder of data as mlx-lm lays it out: <c>train.jsonl</c>, <c>valid.jsonl</c>, <c>test.jsonl</c>, each also as
/// <c>.jsonl.gz</c>, <c>.json.gz</c> or <c>.parquet</c>. A file is read when it is first asked for.
/// </summary>
public sealed class TrainingData
{
    private readonly DataFolder _folder;
    private readonly RowTokenizer _tokenizer;
    private readonly Dictionary<string, TokenDataset?> _loaded = [];

    private TrainingData(DataFolder folder, RowTokenizer tokenizer)
    {
        _folder = folder;
        _tokenizer = tokenizer;
    }

    /// <summary>The folder.</summary>
    public string Folder => _folder.Path;

    /// <summary>What is trained on.</summary>
    /// <exception cref="FileNotFoundException">The folder has no such file.</exception>
    /// <exception cref="InvalidDataException">Nothing in it can be trained on, or a record cannot be read.</exception>
    public TokenDataset Train => Require("train");

    /// <summary>What is measured while training; null where there is no such file, or nothing in it.</summary>
    /// <exception cref="InvalidDataException">A record cannot be read.</exception>
    public TokenDataset? Validation => Load("valid") is { Rows.Count: > 0 } dataset ? dataset : null;

    /// <summary>What is measured in the end.</summary>
    /// <exception cref="FileNotFoundException">The folder has no such file.</exception>
    /// <exception cref="InvalidDataException">There is nothing in it, or a record cannot be read.</exception>
    public TokenDataset Test => Require("test");

    /// <summary>Opens a folder of data.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">The model's chat template; null where it has none.</param>
    /// <param name="options">How records become rows.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="ArgumentException">The tokenizer names no token that ends a text, or an option is
    /// impossible.</exception>
    public static TrainingData Open(
        string folder, Tokenizer tokenizer, IChatTemplate? template = null, DatasetOptions? options = null) =>
        Open(folder, new RowTokenizer(tokenizer, template, options));

    /// <summary>Opens a folder of data.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tokenizer">Makes rows of its records.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static TrainingData Open(string folder, RowTokenizer tokenizer) => new(new DataFolder(folder), tokenizer);

    /// <summary>The path of one of the files; null where there is none.</summary>
    /// <param name="name"><c>train</c>, <c>valid</c> or <c>test</c>.</param>
    /// <exception cref="InvalidDataException">It is there in several formats.</exception>
    public string? PathOf(string name) => _folder.Find(name);

    private TokenDataset Require(string name)
    {
        TokenDataset dataset = Load(name) ?? throw _folder.Missing(name);
        DatasetReport report = dataset.Report;
        return dataset.Rows.Count > 0 ? dataset : throw new InvalidDataException(
            report.Records == 0
                ? $"{dataset.Path} is empty."
                : $"{dataset.Path} has nothing to learn: of {report.Records} records {report.Skipped} cannot " +
                  $"be read, and {report.NothingToLearn} rows have no token that is to be learnt.");
    }

    private TokenDataset? Load(string name)
    {
        if (!_loaded.TryGetValue(name, out TokenDataset? dataset))
            _loaded[name] = dataset = PathOf(name) is { } path ? TokenDataset.Load(path, _tokenizer) : null;
        return dataset;
    }
}
