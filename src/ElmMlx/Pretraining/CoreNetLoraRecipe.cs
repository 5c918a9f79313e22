using System.Globalization;
using ElmMlx.Checkpoints;

namespace ElmMlx.Pretraining;

/// <summary>
/// CoreNet's configuration of a LoRA run in the words of mlx-lm's YAML. Data, tokenizer and model come from their
/// folders, so what CoreNet says of them is left aside.
/// </summary>
public sealed class CoreNetLoraRecipe
{
    private readonly string _path;
    private readonly CoreNetSettings _settings;
    private readonly List<string> _lines = [];

    private CoreNetLoraRecipe(string path)
    {
        _path = path;
        _settings = CoreNetSettings.Read(path, []);
        long updates = _settings.Whole("scheduler.max_iterations", null, 1);
        long accumulation = _settings.Whole("common.accum_freq", 1, 1);
        Set("iters", updates * accumulation);
        Set("grad_accumulation_steps", accumulation);
        SetInBatches("save_every", "common.save_interval_freq", accumulation);
        SetInBatches("steps_per_eval", "common.eval_every_k_iterations", accumulation);
        SetInBatches("steps_per_report", "common.log_freq", 1);
        if (_settings.OptionalNumber("common.grad_clip") is { } norm)
            Set("clip_grad_norm", norm);
        Set("seed", _settings.Whole("common.seed", 0, 0));
        Set("batch_size", _settings.Whole("dataset.train_batch_size0", 128, 1));
        Set("max_seq_length", _settings.Whole("dataset.language_modeling.sequence_length", 2048, 2));
        Add("grad_checkpoint", _settings.Flag("model.activation_checkpointing") ? "true" : "false");
        SetOptimizer();
        SetSchedule(updates);
        SetAdapters();
    }

    /// <summary>The same run as mlx-lm's YAML describes one; the schedule is CoreNet's.</summary>
    public string ToMlxLmYaml() => string.Join('\n', _lines) + "\n";

    /// <summary>The keys that were followed, CoreNet's defaults included.</summary>
    public IEnumerable<string> Taken => _settings.Taken.Keys;

    /// <summary>The keys that mean nothing here.</summary>
    public IEnumerable<string> Ignored => _settings.Ignored.Where(key => key != "model.lora.config");

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">
    /// A setting that is needed is missing, or cannot be followed here.
    /// </exception>
    public static CoreNetLoraRecipe Read(string path) => new(path);

    private void SetOptimizer()
    {
        string name = _settings.OneOf("optim.name", "sgd", "adamw", "adam", "sgd"), section = $"optim.{name}.";
        List<string> options = [];
        if (name is "sgd")
        {
            options.Add($"momentum: {Plain(_settings.Number(section + "momentum", 0.9))}");
            options.Add($"nesterov: {(_settings.Flag(section + "nesterov") ? "true" : "false")}");
        }
        else
        {
            double first = _settings.Number(section + "beta1", 0.9), second = _settings.Number(section + "beta2", 0.98);
            options.Add($"betas: [{Plain(first)}, {Plain(second)}]");
            options.Add($"eps: {Plain(_settings.Number(section + "eps", 1e-8))}");
            options.Add("bias_correction: true");       // PyTorch's always has it
        }

        if (name is not "adam")
            options.Add($"weight_decay: {Plain(_settings.Number("optim.weight_decay", 4e-5))}");
        Add("optimizer", name);
        Add("optimizer_config", $"{{{name}: {{{string.Join(", ", options)}}}}}");
    }

    private void SetSchedule(long updates)
    {
        string kind = _settings.OneOf(
            "scheduler.name", "cosine", "cosine", "fixed", "polynomial"), section = $"scheduler.{kind}.";
        (string peak, string? final) = kind switch
        {
            "cosine" => ("max_lr", "min_lr"),
            "fixed" => ("lr", null),
            _ => ("start_lr", "end_lr"),
        };
        double rate = _settings.OptionalNumber(section + peak) ?? throw new InvalidDataException(
            $"{_path}: {section}{peak} is missing; it is the highest learning rate.");
        double last = final is null ? 0 : _settings.Number(section + final, 0);
        double power = kind is "polynomial" ? _settings.Number(section + "power", 1) : 1;
        long warmup = _settings.Whole("scheduler.warmup_iterations", 0);
        double first = _settings.Number("scheduler.warmup_init_lr", 0);
        Add("lr_schedule", string.Create(CultureInfo.InvariantCulture,
            $"{{name: corenet, kind: {kind}, max_iterations: {updates}, peak: {Plain(rate)}, final: {Plain(last)}, " +
            $"power: {Plain(power)}, warmup_iterations: {warmup}, warmup_init: {Plain(first)}}}"));
    }

    private void SetAdapters()
    {
        IReadOnlyList<CoreNetLoraRule> rules = CoreNetYaml.Read(_path).LoraRules;
        if (!_settings.Flag("model.lora.use_lora") || rules.Count == 0)
            throw new InvalidDataException(
                $"{_path} has no model.lora.config with use_lora: it is the recipe of another kind of training (elm " +
                    "train).");
        CoreNetLoraRule one = rules[0];
        if (rules.Any(rule => rule with { Pattern = one.Pattern } != one))
            throw new InvalidDataException(
                $"{_path}: the entries of model.lora.config have different r, lora_alpha, lora_dropout, use_rslora " +
                "or use_dora; here all modules get the same adapters: make them equal.");
        // Python's re.match, on CoreNet's names: those here begin with transformer.
        string pattern = $@"^(?:transformer\.)?(?:{string.Join('|', rules.Select(rule => rule.Pattern))})";
        Add("fine_tune_type", one.UseDora ? "dora" : "lora");
        Set("num_layers", 0);
        Add("lora_parameters", string.Create(CultureInfo.InvariantCulture,
            $"{{rank: {one.Rank}, scale: {Plain(one.Scale)}, dropout: {Plain(one.Dropout)}, ") +
            $"pattern: '{pattern.Replace("'", "''", StringComparison.Ordinal)}'}}");
    }

    // CoreNet counts updates, mlx-lm batches; 0 is never.
    private void SetInBatches(string name, string key, long accumulation)
    {
        if (_settings.Whole(key, 0, 0) is > 0 and var updates)
            Set(name, updates * accumulation);
    }

    private void Set(string name, double value) => Add(name, Plain(value));

    private void Add(string name, string value) => _lines.Add($"{name}: {value}");

    private static string Plain(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
