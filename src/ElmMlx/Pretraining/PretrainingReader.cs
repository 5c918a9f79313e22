using System.Security.Cryptography;
using ElmMlx.Checkpoints;
using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Text;

namespace ElmMlx.Pretraining;

/// <summary>Reads one <see cref="PretrainingConfiguration"/>: CoreNet's names, and CoreNet's defaults.</summary>
internal sealed partial class PretrainingReader
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

    /// <summary>
    /// Why a model cannot take a tokenizer's ids, in words that follow the vocabulary's name; null if it can.
    /// </summary>
    public static string? VocabularyProblem(OpenElmConfig model, Tokenizer tokenizer)
    {
        int padding = RowStream.PaddingId(tokenizer), needed = Math.Max(tokenizer.VocabularySize, padding + 1);
        return model.VocabularySize >= needed ? null
            : $"is {model.VocabularySize}, and the tokenizer has {tokenizer.VocabularySize} pieces and fills rows " +
                $"up with the id {padding}: it must be {needed} or more";
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
        string name = _settings.Required(
            $"{Gpt}.model_name",
            $"it is one of {string.Join(", ", OpenElmConfig.KnownNames)}, or one that an architecture file describes");
        int vocabulary = (int)_settings.Whole($"{Gpt}.vocab_size", null, 1, OpenElmConfig.MaxVocabulary);
        int context = (int)_settings.Whole($"{Gpt}.max_context_length", null, 1, OpenElmConfig.MaxContext);
        int padding = (int)_settings.Whole($"{Gpt}.padding_index", -1, -1);
        if (padding >= vocabulary)
            throw _settings.Wrong(
                $"{Gpt}.vocab_size",
                $"is {vocabulary}, and padding_index is {padding}: it must be {padding + 1L} or more");
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
            return File.Exists(given)
                ? given
                : throw new FileNotFoundException($"There is no architecture file {given}.");
        string folder = Path.GetDirectoryName(Path.GetFullPath(_path))!;
        string[] places =
            [Path.ChangeExtension(_path, ".architecture.json"), Path.Combine(folder, "architecture.json")];
        return places.FirstOrDefault(File.Exists) ?? throw _settings.Wrong(
            $"{Gpt}.model_name",
            $"is '{name}', which is none of {string.Join(", ", OpenElmConfig.KnownNames)}, and there is no " +
                $"{places[0]} or " +
            $"{places[1]} that describes it");
    }

    private string ReadTokenizer()
    {
        const string key = $"{Pieces}.model_path";
        string? named = _settings.Text(key, decides: false);
        string path = _inputs.TokenizerPath
            ?? (named is null
                ? throw _settings.Wrong(key, "is missing; it names the tokenizer's file")
                : Resolve(named));
        if (!File.Exists(path) && !Directory.Exists(path))
            throw _inputs.TokenizerPath is null
                ? _settings.Wrong(key, $"is '{named}', and there is no such file")
                : new FileNotFoundException($"There is no tokenizer {path}.");
        string file = Directory.Exists(path)
            ? TokenizerFiles.Find(path, null).Select(entry => entry.From).FirstOrDefault(path)
            : path;
        if (File.Exists(file))
            _files["tokenizer"] = Describe(file);
        return path;
    }

    private void Compare(PretrainingRecipe recipe, int padding)
    {
        if (recipe.IgnoreIndex != padding)
            _notes.Add(
                $"{Entropy}.ignore_index is {recipe.IgnoreIndex}, and rows are filled up with {padding}: the " +
                "padding is learnt as if it were text.");
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

    private static string Describe(string file)
    {
        using FileStream stream = File.OpenRead(file);
        return $"{Path.GetFileName(file)}, SHA-256 {Convert.ToHexStringLower(SHA256.HashData(stream))[..16]}…";
    }
}
