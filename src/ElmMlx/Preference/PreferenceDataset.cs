using ElmMlx.Datasets;
using ElmMlx.Text;

namespace ElmMlx.Preference;

/// <summary>The pairs of one data file, tokenised, no row longer than a sequence may be.</summary>
public sealed class PreferenceDataset
{
    private PreferenceDataset(string path, IReadOnlyList<PreferencePair> pairs, PreferenceReport report)
    {
        Path = path;
        Pairs = pairs;
        Report = report;
        Rows = [.. pairs.SelectMany(pair => (TokenRow[])[pair.Chosen, pair.Rejected])];
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The pairs.</summary>
    public IReadOnlyList<PreferencePair> Pairs { get; }

    /// <summary>
    /// The rows of the pairs: that of the chosen answer is 2 · pair, that of the other one 2 · pair + 1.
    /// </summary>
    public IReadOnlyList<TokenRow> Rows { get; }

    /// <summary>What was read, cut and left out.</summary>
    public PreferenceReport Report { get; }

    /// <summary>Reads a data file: <c>.jsonl</c>, <c>.jsonl.gz</c>, <c>.json.gz</c> or <c>.parquet</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">The model's chat template; null where it has none.</param>
    /// <param name="options">How records become pairs.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// A record cannot be read (its line and the reason are named), unless such records are to be left out.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// The tokenizer names no token that ends a text, or an option is impossible.
    /// </exception>
    public static PreferenceDataset Load(
        string path, Tokenizer tokenizer, IChatTemplate? template = null, PreferenceDataOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        options ??= new PreferenceDataOptions();
        return Load(path, new PairReader(tokenizer, template, options), options);
    }

    /// <summary>Where a row came from, for messages: <c>train.jsonl, line 12</c>.</summary>
    public string Place(int row) => $"{Path}, line {Rows[row].Record}";

    internal static PreferenceDataset Load(string path, PairReader reader, PreferenceDataOptions options)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no data file {path}.", path);
        var pairs = new PairCollector(options);
        foreach (DataRecord record in DataRecords.Read(path))
        {
            try
            {
                pairs.Add(reader.Read(record));
            }
            catch (Exception e) when (e is FormatException or InvalidDataException)
            {
                string sentence = $"{path}, line {record.Line}: {e.Message}";
                if (!options.SkipBadLines)
                    throw new InvalidDataException($"{sentence} Correct the line, or skip bad lines.", e);
                pairs.Skip(sentence);
            }
        }
        return new PreferenceDataset(path, pairs.Pairs, pairs.Report());
    }
}
