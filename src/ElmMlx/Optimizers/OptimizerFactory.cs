namespace ElmMlx.Optimizers;

/// <summary>Optimizers by MLX's names and options, as configuration files have them.</summary>
public static class OptimizerFactory
{
    /// <summary>The names that <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["adam", "adamw", "muon", "sgd", "adafactor", "lion", "rmsprop", "adagrad", "adadelta", "adamax"];

    /// <summary>Makes an optimizer.</summary>
    /// <param name="name">One of <see cref="Names"/>, in any case.</param>
    /// <param name="learningRate">
    /// The rate. Adafactor looks at it only where <c>relative_step</c> is off, and can go without.
    /// </param>
    /// <param name="options">
    /// The options other than the rate under MLX's names, as mlx-lm's <c>optimizer_config</c> has them; what is
    /// left out or null is MLX's default. Values may be numbers, bools, text that spells one, lists, a
    /// <see cref="System.Text.Json.JsonElement"/> or a YAML node.
    /// </param>
    /// <exception cref="ArgumentException">
    /// There is no such optimizer or option, or a value cannot be; the message names it and what is known.
    /// </exception>
    public static Optimizer Create(
        string name, Schedule? learningRate, IReadOnlyDictionary<string, object?>? options = null)
    {
        string key = name.ToLowerInvariant();
        if (!Names.Contains(key))
            throw new ArgumentException($"there is no optimizer '{name}': use one of {string.Join(", ", Names)}");
        if (learningRate is null && key != "adafactor")
            throw new ArgumentException($"the optimizer {key} needs a learning rate", nameof(learningRate));
        var reader = new OptionReader("the optimizer " + key, options ?? new Dictionary<string, object?>());
        Optimizer optimizer = Make(key, learningRate, reader);
        reader.Finish();
        return optimizer;
    }

    private static Optimizer Make(string name, Schedule? rate, OptionReader options) => name switch
    {
        "adam" => new Adam(
            rate!, options.Pair("betas", (0.9, 0.999)), options.Number("eps", 1e-8),
            options.Flag("bias_correction", false)),
        "adamw" => new AdamW(
            rate!, options.Pair("betas", (0.9, 0.999)), options.Number("eps", 1e-8),
            options.Number("weight_decay", 0.01),
            options.Flag("bias_correction", false)),
        "muon" => new Muon(
            rate!, options.Number("momentum", 0.95), options.Number("weight_decay", 0.01),
            options.Flag("nesterov", true),
            (int)Math.Min(options.Whole("ns_steps", 5), 1000)),
        "sgd" => new Sgd(
            rate!, options.Number("momentum", 0), options.Number("weight_decay", 0), options.Number("dampening", 0),
            options.Flag("nesterov", false)),
        "adafactor" => new Adafactor(
            rate, options.Pair("eps", (1e-30, 1e-3)), options.Number("clip_threshold", 1),
            options.Number("decay_rate", -0.8),
            options.OptionalNumber("beta_1"), options.Number("weight_decay", 0), options.Flag("scale_parameter", true),
            options.Flag("relative_step", true), options.Flag("warmup_init", false)),
        "lion" => new Lion(rate!, options.Pair("betas", (0.9, 0.99)), options.Number("weight_decay", 0)),
        "rmsprop" => new RmsProp(rate!, options.Number("alpha", 0.99), options.Number("eps", 1e-8)),
        "adagrad" => new Adagrad(rate!, options.Number("eps", 1e-8)),
        "adadelta" => new AdaDelta(rate!, options.Number("rho", 0.9), options.Number("eps", 1e-6)),
        _ => new Adamax(rate!, options.Pair("betas", (0.9, 0.999)), options.Number("eps", 1e-8)),
    };
}
