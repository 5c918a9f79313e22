using ElmMlx.Datasets;
using ElmMlx.Text;

namespace ElmMlx.Preference;

/// <summary>
/// A folder of pairs, laid out as <see cref="TrainingData"/>. A file is read when it is first asked for.
/// </summary>
public sealed class PreferenceData
{
    private readonly DataFolder _folder;
    private readonly PairReader _reader;
    private readonly PreferenceDataOptions _options;
    private readonly Dictionary<string, PreferenceDataset?> _loaded = [];

    private PreferenceData(DataFolder folder, PairReader reader, PreferenceDataOptions options) =>
        (_folder, _reader, _options) = (folder, reader, options);

    /// <summary>The folder.</summary>
    public string Folder => _folder.Path;

    /// <summary>What is trained on.</summary>
    /// <exception cref="FileNotFoundException">The folder has no such file.</exception>
    /// <exception cref="InvalidDataException">There is no pair in it, or a record cannot be read.</exception>
    public PreferenceDataset Train => Require("train");

    /// <summary>What is measured while training; null where there is no such file, or nothing in it.</summary>
    /// <exception cref="InvalidDataException">A record cannot be read.</exception>
    public PreferenceDataset? Validation => Load("valid") is { Pairs.Count: > 0 } dataset ? dataset : null;

    /// <summary>What is measured in the end.</summary>
    /// <exception cref="FileNotFoundException">The folder has no such file.</exception>
    /// <exception cref="InvalidDataException">There is no pair in it, or a record cannot be read.</exception>
    public PreferenceDataset Test => Require("test");

    /// <summary>Opens a folder of pairs.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">The model's chat template; null where it has none.</param>
    /// <param name="options">How records become pairs.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="ArgumentException">
    /// The tokenizer names no token that ends a text, or an option is impossible.
    /// </exception>
    public static PreferenceData Open(
        string folder, Tokenizer tokenizer, IChatTemplate? template = null, PreferenceDataOptions? options = null)
    {
        options ??= new PreferenceDataOptions();
        return new PreferenceData(new DataFolder(folder), new PairReader(tokenizer, template, options), options);
    }

    private PreferenceDataset Require(string name)
    {
        PreferenceDataset dataset = Load(name) ?? throw _folder.Missing(name);
        PreferenceReport report = dataset.Report;
        return dataset.Pairs.Count > 0 ? dataset : throw new InvalidDataException(
            report.Records == 0
                ? $"{dataset.Path} is empty."
                : $"{dataset.Path} has no pair to learn from: of {report.Records} records {report.Skipped} cannot " +
                  $"be read, and {report.AlikeAfterCut} have answers that are alike once they are cut off.");
    }

    private PreferenceDataset? Load(string name)
    {
        if (!_loaded.TryGetValue(name, out PreferenceDataset? dataset))
            _loaded[name] = dataset =
                _folder.Find(name) is { } path ? PreferenceDataset.Load(path, _reader, _options) : null;
        return dataset;
    }
}
