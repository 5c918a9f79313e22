using ElmMlx.Datasets;
using ElmMlx.OpenElm;

namespace ElmMlx.Pretraining;

// The files, and how rows are made of them.
internal sealed partial class PretrainingReader
{
    private CoreNetDataOptions ReadData()
    {
        const string key = $"{Lm}.general_lm.train_data_info";
        IReadOnlyList<CoreNetDataEntry> entries = ReadFiles(key, decides: true);
        if (entries.Count == 0)
            throw _settings.Wrong(
                key, "names no files; it is a list of mappings with file_name, text_key and file_id_range");
        long workers = _settings.Whole("dataset.workers", -1, -1, 4096);
        if (workers < 0)
            _notes.Add("dataset.workers is -1, which means one for every core in CoreNet: here it means one.");
        return new CoreNetDataOptions
        {
            Entries = entries,
            SequenceLength = (int)_settings.Whole($"{Lm}.sequence_length", 2048, 1, OpenElmConfig.MaxContext),
            MinTokensPerText = (int)_settings.Whole($"{Lm}.min_tokens_per_text", 0, 0),
            MinCharactersPerText = (int)_settings.Whole($"{Lm}.min_characters_per_text", 0, 0),
            DocumentSplitSize = (int)_settings.Whole($"{Lm}.general_lm.document_split_size", 2048, 1),
            Shuffle = _settings.Flag($"{Lm}.shuffle_data"),
            Seed = _settings.Whole($"{Lm}.random_seed", 0, most: long.MaxValue),
            Workers = (int)Math.Max(workers, 0),
            BatchSize = (int)_settings.Whole("dataset.train_batch_size0", 128, 1),
            NormalizeNfc = _settings.Flag($"{Pieces}.enable_nfc_normalization"),
            AddBos = _settings.Flag($"{Pieces}.append_sot_token"),
            AddEos = _settings.Flag($"{Pieces}.append_eot_token"),
            SkipBadDocuments = _inputs.SkipBadDocuments,
        };
    }

    private CoreNetDataOptions? ReadValidation(CoreNetDataOptions training)
    {
        if (_settings.Flag("dataset.disable_val", decides: false))
            return null;
        IReadOnlyList<CoreNetDataEntry> entries = ReadFiles($"{Lm}.general_lm.val_data_info", decides: false);
        int batch = (int)_settings.Whole("dataset.val_batch_size0", 1, 1, decides: false);
        if (entries.Count > 0)
            return training with { Entries = entries, BatchSize = batch, Workers = 0 };
        _notes.Add($"{Lm}.general_lm.val_data_info names no files: training goes without evaluations.");
        return null;
    }

    private IReadOnlyList<CoreNetDataEntry> ReadFiles(string key, bool decides)
    {
        return [.. _settings.Entries(key, decides).Select(entry =>
        {
            try
            {
                string first = entry.Files().First().Path;
                if (Resolve(first) != first)
                    entry = entry with { FileName = Doubled(_path) + entry.FileName };
                if (entry.Files().Select(file => file.Path).FirstOrDefault(file => !File.Exists(file)) is { } missing)
                    throw new InvalidDataException(
                        $"there is no file {missing}, and file_id_range is [{entry.FirstId}, {entry.EndId}], its " +
                            "end not used.");
                return entry;
            }
            catch (InvalidDataException e)
            {
                throw new InvalidDataException($"{_settings.Wrong(key, e.Message.TrimEnd('.')).Message}", e);
            }
        })];

        // The configuration's folder, in Python's notation of names.
        static string Doubled(string path) =>
            Path.Combine(
                Path.GetDirectoryName(Path.GetFullPath(path))!, "").Replace("{", "{{", StringComparison.Ordinal)
                .Replace("}", "}}", StringComparison.Ordinal) + Path.DirectorySeparatorChar;
    }

    // As CoreNet takes it, from the current folder; where there is nothing, from the configuration's.
    private string Resolve(string path)
    {
        if (File.Exists(path) || Directory.Exists(path))
            return path;
        string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path))!, path);
        return File.Exists(beside) || Directory.Exists(beside) ? beside : path;
    }
}
