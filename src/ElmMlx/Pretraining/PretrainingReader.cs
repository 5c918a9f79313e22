using System.Security.Cryptography;
using ElmMlx.Checkpoints;
using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Text;

namespace ElmMlx.Pretraining;

/// <summary>Reads one <see cref="PretrainingConfiguration"/>: CoreNet's names, and CoreNet's defaults.</summary>
internal sealed class PretrainingReader
{
    private const string Gpt = "model.language_modeling.general_gpt", Lm = "dataset.language_modeling";
    private const string Pieces = "text_tokenizer.sentence_piece", Entropy = "loss.language_modeling.cross_entropy";
    private readonly string _path;
    private readonly PretrainingInputs _inputs;
    private readonly CoreNetSettings _settings;
    private readonly List<string> _notes = [];
    private readonly SortedDictionary<string, string> _files = new(StringComparer.Ordinal);

    public PretrainingReader(string path, PretrainingInputs inputs)
    {
        _path = path;
        _inputs = inputs;
        _settings = CoreNetSettings.Read(path, inputs.Overrides);
    }

    public PretrainingConfiguration Read()
    {
        CheckKinds();
        OpenElmConfig model = ReadModel();
        string tokenizerPath = ReadTokenizer();
        var tokenizer = Tokenizer.Load(tokenizerPath);
        if (VocabularyProblem(model, tokenizer) is { } problem)
            throw _settings.Wrong($"{Gpt}.vocab_size", problem);
        PretrainingRecipe recipe = ReadRecipe(model, tokenizerPath);
        Compare(recipe, RowStream.PaddingId(tokenizer));
        PretrainingOptions options = new()
        {
            SaveEvery = _settings.Whole("common.save_interval_freq", 0, 0, decides: false),
            KeepLast = _settings.Flag("common.save_all_checkpoints", decides: false)
                ? int.MaxValue
                : (int)Math.Max(1, _settings.Whole("common.k_best_checkpoints", 5, decides: false)),
            EvaluateEvery = _settings.Whole("common.eval_every_k_iterations", 0, 0, decides: false),
            Validation = ReadValidation(recipe.Data),
        };
        return new PretrainingConfiguration
        {
            ResultsFolder = Path.Combine(
                _settings.Text("common.results_loc", decides: false) ?? "results",
                _settings.Text("common.run_label", decides: false) ?? "run_1"),
            ReportEvery = (int)_settings.Whole("common.log_freq", 100, 1, decides: false),
            ResumesByItself = _settings.Flag("common.auto_resume", decides: false),
            Recipe = recipe,
            Options = options with { Settings = Deciding() },
            Taken = _settings.Taken,
            Ignored = _settings.Ignored,
            Notes = _notes,
        };
    }

    /// <summary>Why a model cannot take a tokenizer's ids, in words that follow the vocabulary's name; null if it can.</summary>
    public static string? VocabularyProblem(OpenElmConfig model, Tokenizer tokenizer)
    {
        int padding = RowStream.PaddingId(tokenizer), needed = Math.Max(tokenizer.VocabularySize, padding + 1);
        return model.VocabularySize >= needed ? null
            : $"is {model.VocabularySize}, and the tokenizer has {tokenizer.VocabularySize} pieces and fills rows up with the id " +
                $"{padding}: it must be {needed} or more";
    }

    // What a file of another task would say; CoreNet's own defaults are those of image classification.
    private void CheckKinds()
    {
        _settings.OneOf("dataset.category", "language_modeling", "language_modeling");
        _settings.OneOf("dataset.name", "general_lm", "general_lm");
        _settings.OneOf("text_tokenizer.name", "sentence_piece", "sentence_piece");
        _settings.OneOf("loss.category", "language_modeling", "language_modeling");
        _settings.OneOf("loss.language_modeling.name", "cross_entropy", "cross_entropy");
        _settings.OneOf("model.language_modeling.name", "general_gpt", "general_gpt");
        _settings.OneOf("optim.name", "sgd", "adamw");
        if (_settings.Flag("optim.adamw.amsgrad"))
            throw _settings.Wrong("optim.adamw.amsgrad", "is true, and AMSGrad is not known here");
        if (_settings.Flag("model.lora.use_lora"))
            throw _settings.Wrong("model.lora.use_lora", "is true; elm lora trains adapters");
        if (!_settings.Flag("scheduler.is_iteration_based"))
            throw _settings.Wrong(
                "scheduler.is_iteration_based", "must be true: the data have no end, so there are no epochs to count");
    }

    private OpenElmConfig ReadModel()
    {
        string name = _settings.Required($"{Gpt}.model_name", $"it is one of {string.Join(", ", OpenElmConfig.KnownNames)}, or one " +
            "that an architecture file describes");
        int vocabulary = (int)_settings.Whole($"{Gpt}.vocab_size", null, 1, OpenElmConfig.MaxVocabulary);
        int context = (int)_settings.Whole($"{Gpt}.max_context_length", null, 1, OpenElmConfig.MaxContext);
        int padding = (int)_settings.Whole($"{Gpt}.padding_index", -1, -1);
        if (padding >= vocabulary)
            throw _settings.Wrong(
                $"{Gpt}.vocab_size", $"is {vocabulary}, and padding_index is {padding}: it must be {padding + 1L} or more");
        OpenElmConfig? config = null;
        if (_inputs.Architecture is not null || !OpenElmConfig.TryFromName(name, vocabulary, out config))
        {
            string file = ArchitectureFile(name);
            config = OpenElmConfig.FromFile(file);
            if (config.ModelName != name)
                throw _settings.Wrong($"{Gpt}.model_name", $"is '{name}', and {file} describes {config.ModelName}");
            _files["architecture"] = Describe(file);
        }
        return (config with
        {
            VocabularySize = vocabulary,
            MaxContextLength = context,
            PaddingIndex = padding < 0 ? null : padding,
            Quantization = null,
        }).Checked(_path);
    }

    private string ArchitectureFile(string name)
    {
        if (_inputs.Architecture is { } given)
            return File.Exists(given) ? given : throw new FileNotFoundException($"There is no architecture file {given}.");
        string folder = Path.GetDirectoryName(Path.GetFullPath(_path))!;
        string[] places = [Path.ChangeExtension(_path, ".architecture.json"), Path.Combine(folder, "architecture.json")];
        return places.FirstOrDefault(File.Exists) ?? throw _settings.Wrong(
            $"{Gpt}.model_name", $"is '{name}', which is none of {string.Join(", ", OpenElmConfig.KnownNames)}, and there is no " +
            $"{places[0]} or {places[1]} that describes it");
    }

    private string ReadTokenizer()
    {
        const string key = $"{Pieces}.model_path";
        string? named = _settings.Text(key, decides: false);
        string path = _inputs.TokenizerPath
            ?? (named is null ? throw _settings.Wrong(key, "is missing; it names the tokenizer's file") : Resolve(named));
        if (!File.Exists(path) && !Directory.Exists(path))
            throw _inputs.TokenizerPath is null
                ? _settings.Wrong(key, $"is '{named}', and there is no such file")
                : new FileNotFoundException($"There is no tokenizer {path}.");
        string file = Directory.Exists(path) ? TokenizerFiles.Find(path, null).Select(entry => entry.From).FirstOrDefault(path) : path;
        if (File.Exists(file))
            _files["tokenizer"] = Describe(file);
        return path;
    }

    private PretrainingRecipe ReadRecipe(OpenElmConfig model, string tokenizerPath)
    {
        long iterations = _settings.Whole("scheduler.max_iterations", null, 1, long.MaxValue - 1);
        if (_inputs.From is { } given)
            _files["from"] = given;
        return new PretrainingRecipe
        {
            Model = model,
            Data = ReadData(),
            TokenizerPath = tokenizerPath,
            IgnoreIndex = (int)_settings.Whole($"{Entropy}.ignore_index", -1),
            ZLoss = _settings.Flag($"{Entropy}.use_z_loss") ? _settings.Number($"{Entropy}.z_loss_eps", 1e-4) : 0,
            LabelSmoothing = _settings.Number($"{Entropy}.label_smoothing", 0),
            LearningRate = ReadSchedule(iterations),
            Updates = iterations + 1,
            WeightDecay = _settings.Number("optim.weight_decay", 4e-5),
            SparesVectors = _settings.Flag("optim.no_decay_bn_filter_bias"),
            Betas = (_settings.Number("optim.adamw.beta1", 0.9), _settings.Number("optim.adamw.beta2", 0.98)),
            Epsilon = _settings.OptionalNumber("optim.adamw.eps") ?? _settings.Number("optim.eps", 1e-8),
            ClipGradientNorm = ReadClipping(),
            AccumulationSteps = ReadAccumulation(),
            ComputesInBFloat16 = ReadPrecision(),
            CheckpointsLayers = _settings.Flag("model.activation_checkpointing", decides: false),
            AverageMomentum = _settings.Flag("ema.enable") ? _settings.Number("ema.momentum", 1e-4) : null,
            Seed = (ulong)_settings.Whole("common.seed", 0, 0, long.MaxValue),
            From = _inputs.From ?? (_settings.Text("common.finetune") is { } start ? Resolve(start) : null),
        };
    }

    private CoreNetDataOptions ReadData()
    {
        const string key = $"{Lm}.general_lm.train_data_info";
        IReadOnlyList<CoreNetDataEntry> entries = ReadFiles(key, decides: true);
        if (entries.Count == 0)
            throw _settings.Wrong(key, "names no files; it is a list of mappings with file_name, text_key and file_id_range");
        long workers = _settings.Whole("dataset.workers", -1, -1, 4096);
        if (workers < 0)
            _notes.Add("dataset.workers is not set, which means one for every core in CoreNet: here it means one.");
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
                        $"there is no file {missing}, and file_id_range is [{entry.FirstId}, {entry.EndId}], its end not used.");
                return entry;
            }
            catch (InvalidDataException e)
            {
                throw new InvalidDataException($"{_settings.Wrong(key, e.Message.TrimEnd('.')).Message}", e);
            }
        })];

        // The configuration's folder, in Python's notation of names.
        static string Doubled(string path) =>
            Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "").Replace("{", "{{", StringComparison.Ordinal)
                .Replace("}", "}}", StringComparison.Ordinal) + Path.DirectorySeparatorChar;
    }

    private CoreNetSchedule ReadSchedule(long iterations)
    {
        string name = _settings.OneOf("scheduler.name", "cosine", "cosine", "fixed", "polynomial");
        long warmup = _settings.Whole("scheduler.warmup_iterations", 0);
        double first = _settings.Number("scheduler.warmup_init_lr", 1e-7);
        try
        {
            return name switch
            {
                "fixed" => new CoreNetSchedule(
                    CoreNetScheduleKind.Fixed, iterations, FixedRate(), warmupIterations: warmup, warmupInit: first),
                "polynomial" => new CoreNetSchedule(
                    CoreNetScheduleKind.Polynomial, iterations, _settings.Number("scheduler.polynomial.start_lr", 0.1),
                    _settings.Number("scheduler.polynomial.end_lr", 0), warmup, first,
                    _settings.Number("scheduler.polynomial.power", 0.9)),
                _ => new CoreNetSchedule(
                    CoreNetScheduleKind.Cosine, iterations, _settings.Number("scheduler.cosine.max_lr", 0.1),
                    _settings.Number("scheduler.cosine.min_lr", 1e-5), warmup, first),
            };
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{_path}: {e.Message}.", e);
        }

        double FixedRate() => _settings.OptionalNumber("scheduler.fixed.lr")
            ?? throw new InvalidDataException($"{_path}: scheduler.fixed.lr is missing; it is the learning rate.");
    }

    private double? ReadClipping()
    {
        double? norm = _settings.OptionalNumber("common.grad_clip");
        return norm == 0 ? throw _settings.Wrong("common.grad_clip", "is 0; it must be above 0, or left out to clip nothing") : norm;
    }

    private int ReadAccumulation()
    {
        int batches = (int)_settings.Whole("common.accum_freq", 1, 1);
        long after = _settings.Whole("common.accum_after_epoch", 0, 0);
        if (after == 0 || batches == 1)
            return batches;
        _notes.Add(
            $"common.accum_after_epoch is {after}, and data without an end never leave epoch 0: as in CoreNet, no batches are " +
            "accumulated.");
        return 1;
    }

    private bool ReadPrecision()
    {
        if (_settings.OneOf("train_eval_pipeline.name", "default", "default", "fsdp_train_eval_pipeline") != "default")
            return _settings.OneOf("fsdp.parameter_datatype", "bfloat16", "bfloat16", "float32") == "bfloat16";
        return _settings.Flag("common.mixed_precision")
            && _settings.OneOf("common.mixed_precision_dtype", "float16", "bfloat16") == "bfloat16";
    }

    private void Compare(PretrainingRecipe recipe, int padding)
    {
        if (recipe.IgnoreIndex != padding)
            _notes.Add(
                $"{Entropy}.ignore_index is {recipe.IgnoreIndex}, and rows are filled up with {padding}: the padding is learnt as " +
                "if it were text.");
        if (recipe.Data.SequenceLength > recipe.Model.MaxContextLength)
            _notes.Add(
                $"{Lm}.sequence_length is {recipe.Data.SequenceLength}, more than the model's max_context_length of " +
                $"{recipe.Model.MaxContextLength}.");
    }

    private SortedDictionary<string, string> Deciding()
    {
        SortedDictionary<string, string> all = new(StringComparer.Ordinal);
        foreach ((string name, string value) in _settings.Deciding.Concat(_files))
            all[name] = value;
        return all;
    }

    // As CoreNet takes it, from the current folder; where there is nothing, from the configuration's.
    private string Resolve(string path)
    {
        if (File.Exists(path) || Directory.Exists(path))
            return path;
        string beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path))!, path);
        return File.Exists(beside) || Directory.Exists(beside) ? beside : path;
    }

    private static string Describe(string file)
    {
        using FileStream stream = File.OpenRead(file);
        return $"{Path.GetFileName(file)}, SHA-256 {Convert.ToHexStringLower(SHA256.HashData(stream))[..16]}…";
    }
}
