using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// CoreNet's configuration of a LoRA run in the words of <c>elm lora</c>: data, tokenizer and model come from their
/// folders, so what CoreNet says of them is left aside.
/// </summary>
internal sealed class CoreNetLoraRecipe
{
    private const int MaxSettings = 10_000;

    private readonly string _file;
    private readonly Dictionary<string, YamlNode> _entries = new(StringComparer.Ordinal);
    private readonly List<string> _taken = [];
    private readonly Dictionary<string, YamlNode> _settings = new(StringComparer.Ordinal);

    /// <param name="file">The file's name, for messages.</param>
    /// <param name="root">Its content.</param>
    /// <exception cref="InvalidDataException">A setting that is needed is missing, or cannot be followed here.</exception>
    public CoreNetLoraRecipe(string file, YamlMappingNode root)
    {
        _file = file;
        Flatten("", root);
        long updates = Whole("scheduler.max_iterations") ?? throw new InvalidDataException(
            $"{file} has no scheduler.max_iterations: a run must know its end.");
        long accumulation = Whole("common.accum_freq") ?? 1;
        Set("iters", updates * accumulation);
        Set("grad_accumulation_steps", accumulation);
        if (Whole("common.save_interval_freq") is { } save)
            Set("save_every", save * accumulation);
        if (Whole("common.eval_every_k_iterations") is { } evaluation)
            Set("steps_per_eval", evaluation * accumulation);
        Copy("common.log_freq", "steps_per_report");
        Copy("common.grad_clip", "clip_grad_norm");
        Copy("common.seed", "seed");
        Copy("dataset.train_batch_size0", "batch_size");
        Copy("dataset.language_modeling.sequence_length", "max_seq_length");
        Copy("model.activation_checkpointing", "grad_checkpoint");
        SetOptimizer();
        SetSchedule(updates);
        SetAdapters();
    }

    /// <summary>Settings by the names that mlx-lm's YAML has.</summary>
    public IReadOnlyDictionary<string, YamlNode> Settings => _settings;

    /// <summary>The keys that were followed.</summary>
    public IReadOnlyList<string> Taken => _taken;

    /// <summary>The keys that mean nothing here.</summary>
    public IReadOnlyList<string> Ignored => [.. _entries.Keys];

    /// <summary>Whether a file is CoreNet's: it describes scheduler and optimizer in sections of their own.</summary>
    public static bool IsOne(YamlMappingNode root) =>
        root.Children.ContainsKey(new YamlScalarNode("scheduler")) && root.Children.ContainsKey(new YamlScalarNode("optim"));

    // Lists stay whole. What refers to itself, or unfolds without end, is cut off.
    private void Flatten(string prefix, YamlMappingNode mapping)
    {
        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            string name = prefix + key;
            if (_entries.Count >= MaxSettings || name.Length > 1000)
                throw new InvalidDataException($"{_file} is nested too deeply or too long for a recipe.");
            if (value is YamlMappingNode inner)
                Flatten(name + ".", inner);
            else if (!key.ToString().StartsWith("_anchor", StringComparison.Ordinal))
                _entries[name] = value;
        }
    }

    private void SetOptimizer()
    {
        string name = Text("optim.name") ?? "adamw", section = $"optim.{name}.";
        YamlMappingNode options = [];
        switch (name)
        {
            case "adam" or "adamw":
                options.Add("betas", new YamlSequenceNode(
                    Scalar(Number(section + "beta1") ?? 0.9), Scalar(Number(section + "beta2") ?? 0.98)));
                options.Add("eps", Scalar(Number(section + "eps") ?? 1e-8));
                options.Add("bias_correction", "true");     // PyTorch's always has it
                break;
            case "sgd":
                options.Add("momentum", Scalar(Number(section + "momentum") ?? 0.9));
                options.Add("nesterov", Text(section + "nesterov") ?? "false");
                break;
            default:
                throw new InvalidDataException($"{_file}: optim.name is '{name}'; elm lora follows adamw, adam and sgd here.");
        }

        if (name is not "adam")
            options.Add("weight_decay", Scalar(Number("optim.weight_decay") ?? 4e-5));
        _settings["optimizer"] = new YamlScalarNode(name);
        _settings["optimizer_config"] = new YamlMappingNode(name, options);
    }

    private void SetSchedule(long updates)
    {
        string kind = Text("scheduler.name") ?? "cosine", section = $"scheduler.{kind}.";
        (string peak, string? final) = kind switch
        {
            "cosine" => ("max_lr", "min_lr"),
            "fixed" => ("lr", null),
            "polynomial" => ("start_lr", "end_lr"),
            _ => throw new InvalidDataException(
                $"{_file}: scheduler.name is '{kind}'; elm lora follows cosine, fixed and polynomial here."),
        };
        _settings["lr_schedule"] = new YamlMappingNode(
            "name", "corenet", "kind", kind, "max_iterations", Plain(updates),
            "peak", Plain(Number(section + peak) ?? throw new InvalidDataException($"{_file} has no {section}{peak}.")),
            "final", Plain(final is null ? 0 : Number(section + final) ?? 0),
            "power", Plain((kind == "polynomial" ? Number(section + "power") : null) ?? 1),
            "warmup_iterations", Plain(Whole("scheduler.warmup_iterations") ?? 0),
            "warmup_init", Plain(Number("scheduler.warmup_init_lr") ?? 0));
    }

    private void SetAdapters()
    {
        if (!Flag("model.lora.use_lora") || !_entries.Remove("model.lora.config", out YamlNode? listed)
            || listed is not YamlSequenceNode { Children.Count: > 0 } list)
            throw new InvalidDataException(
                $"{_file} has no model.lora.config with use_lora: it is the recipe of another kind of training (elm train).");
        _taken.Add("model.lora.config");
        List<string> patterns = [];
        HashSet<(double Rank, double Scale, double Dropout, bool IsDora)> numbers = [];
        foreach (YamlNode entry in list)
        {
            CoreNetLoraRecipe rule = new(_file, entry);
            patterns.Add(rule.Text("regex") ?? throw new InvalidDataException($"{_file}: an entry of model.lora.config has no regex."));
            double rank = rule.Whole("params.r") ?? throw new InvalidDataException(
                $"{_file}: the entry '{patterns[^1]}' of model.lora.config has no params.r.");
            bool isStabilised = rule.Flag("params.use_rslora");
            numbers.Add((
                rank, (rule.Number("params.lora_alpha") ?? 1) / (isStabilised ? Math.Sqrt(rank) : rank),
                rule.Number("params.lora_dropout") ?? 0, rule.Flag("params.use_dora")));
        }

        if (numbers.Count > 1)
            throw new InvalidDataException(
                $"{_file}: the entries of model.lora.config have different r, alpha, dropout or use_dora; elm lora puts the " +
                "same adapters on all modules: make them equal.");
        (double r, double scale, double dropout, bool isDora) = numbers.Single();
        _settings["fine_tune_type"] = new YamlScalarNode(isDora ? "dora" : "lora");
        Set("num_layers", 0);
        _settings["lora_parameters"] = new YamlMappingNode(
            "rank", Plain(r), "scale", Plain(scale), "dropout", Plain(dropout),
            // Python's re.match, on CoreNet's names: those here begin with transformer.
            "pattern", $@"^(?:transformer\.)?(?:{string.Join('|', patterns)})");
    }

    private CoreNetLoraRecipe(string file, YamlNode entry)
    {
        _file = file;
        Flatten("", entry as YamlMappingNode ?? throw new InvalidDataException(
            $"{file}: an entry of model.lora.config is no mapping."));
    }

    private void Copy(string key, string setting)
    {
        if (Text(key) is { } text)
            _settings[setting] = new YamlScalarNode(text);
    }

    private void Set(string setting, long value) => _settings[setting] = Scalar(value);

    private string? Text(string key)
    {
        if (!_entries.Remove(key, out YamlNode? node))
            return null;
        _taken.Add(key);
        return node is YamlScalarNode { Value: { } text } ? (text is "" or "null" or "~" ? null : text)
            : throw new InvalidDataException($"{_file}, line {node.Start.Line}: {key} must be one value.");
    }

    private double? Number(string key) => Text(key) is not { } text ? null
        : double.TryParse(text.Replace("_", "", StringComparison.Ordinal), CultureInfo.InvariantCulture, out double number)
            && double.IsFinite(number)
            ? number
            : throw new InvalidDataException($"{_file}: {key} is '{text}', not a number.");

    private long? Whole(string key) => Number(key) is not { } number ? null
        : number == Math.Floor(number) && Math.Abs(number) < 1L << 50 ? (long)number
        : throw new InvalidDataException($"{_file}: {key} is {Plain(number)}, not a whole number.");

    private bool Flag(string key) => Text(key)?.ToLowerInvariant() switch
    {
        null or "false" or "no" or "off" => false,
        "true" or "yes" or "on" => true,
        string text => throw new InvalidDataException($"{_file}: {key} is '{text}', neither true nor false."),
    };

    private static YamlScalarNode Scalar(double value) => new(Plain(value));

    private static string Plain(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
