using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>All steps of a conversion, decided before the first byte is written.</summary>
internal sealed class ConversionPlan
{
    private readonly OpenedCheckpoint _input;
    private readonly ConvertOptions _options;
    private readonly QuantizationSettings? _default;
    private readonly MixedRecipe? _recipe;
    private readonly Dictionary<string, QuantizationSettings?> _overrides = new(StringComparer.Ordinal);
    private readonly bool _merge;

    public ConversionPlan(OpenedCheckpoint input, ConvertOptions options)
    {
        _input = input;
        _options = options;
        _merge = input.Adapters is not null && !options.KeepAdapter;
        (_default, _recipe) = Quantization();
        CheckCombination();

        OpenElmConfig config = input.Config;
        // A tied head of CoreNet's and PEFT's reads the base embedding, so an adapted one takes it with it no longer.
        bool untie = config.TieEmbeddings && input.Adapters is { AdaptsTiedOutput: false } adapters &&
            adapters.Adapters.ContainsKey("token_embeddings");
        if (untie)
            Notes.Add(
                "The embedding has an adapter and the output layer, which is tied to the embedding without it, does " +
                    "not: the output layer becomes a tensor of its own.");
        Config = config with
        {
            TieEmbeddings = config.TieEmbeddings && !untie,
            VocabularySize = Vocabulary(config),
            Quantization = null,
            OtherFields = WithType(config.OtherFields),
        };
        if (Config.PaddingIndex >= Config.VocabularySize)
            Config = Config with { PaddingIndex = null };
        if (Config.VocabularySize != config.VocabularySize)
            Notes.Add($"The vocabulary goes from {config.VocabularySize} rows to {Config.VocabularySize}.");

        var shapes = Config.TensorShapes().ToArray();
        foreach ((string name, _) in shapes)
            Plan(name, untie && name == "classifier.weight" ? "token_embeddings.weight" : name);
        if (options.Quantize)
            Config = Config with { Quantization = new OpenElmQuantization(_default!, _overrides) };
        else if (!options.Dequantize && config.Quantization is not null)
            Config = Config with { Quantization = Renamed(config.Quantization) };
        if (!options.Quantize && !Steps.Any(
            step => step.Outputs.Any(output => output.Name.EndsWith(".scales", StringComparison.Ordinal))))
            Config = Config with { Quantization = null };       // no packed matrix is left
    }

    /// <summary>The model that is written.</summary>
    public OpenElmConfig Config { get; }

    public List<ConversionStep> Steps { get; } = [];

    public List<string> Notes { get; } = [];

    /// <summary>
    /// The steps that merge an adapter, with the matrix's name and its element types before and after.
    /// </summary>
    public List<(ConversionStep Step, string Name, string Before, string After)> Merges { get; } = [];

    /// <summary>A weight as it is before casts and quantisation, for checking the result.</summary>
    public TensorRows FloatingRows(string name)
    {
        bool repeated = name == "classifier.weight" && !_input.Contains(name);
        return Resized(Merged(repeated ? "token_embeddings.weight" : name, repeated ? "" : name), name);
    }

    private (QuantizationSettings?, MixedRecipe?) Quantization()
    {
        if (!_options.Quantize)
        {
            if (_options.QuantizationBits is not null
                || _options.QuantizationGroupSize is not null
                || _options.QuantizationRecipe is not null)
                throw new ArgumentException("Bits, group size and recipe belong to --quantize; add it.");
            return (null, null);
        }
        string mode = _options.QuantizationMode;
        (int group, int bits) = mode switch
        {
            "affine" => (64, 4),
            "mxfp4" => (32, 4),
            "mxfp8" => (32, 8),
            "nvfp4" => (16, 4),
            _ => throw new ArgumentException($"--quantization-mode is '{mode}'; affine, mxfp4, mxfp8 and nvfp4 exist."),
        };
        MixedRecipe? recipe = _options.QuantizationRecipe is { } name ? MixedRecipe.Parse(name) : null;
        if (recipe is not null && (mode != "affine" || _options.QuantizationBits is not null))
            throw new ArgumentException("A recipe chooses the bits itself, in mode affine; leave --quantization-bits " +
                "and --quantization-mode away.");
        var settings = new QuantizationSettings(
            _options.QuantizationGroupSize ?? group, recipe?.LowBits ?? _options.QuantizationBits ?? bits, mode);
        if (mode == "affine" ? settings.GroupSize is not (32 or 64 or 128) : settings.GroupSize != group)
            throw new ArgumentException(
                $"--quantization-group-size is {settings.GroupSize}; " +
                    $"{(mode == "affine" ? "32, 64 and 128 exist" : $"{mode} has {group}")}.");
        if (mode == "affine" ? settings.Bits is not (2 or 3 or 4 or 5 or 6 or 8) : settings.Bits != bits)
            throw new ArgumentException(
                $"--quantization-bits is {settings.Bits}; " +
                    $"{(mode == "affine" ? "2, 3, 4, 5, 6 and 8 exist" : $"{mode} has {bits}")}.");
        return (settings, recipe);
    }

    private void CheckCombination()
    {
        bool quantized = _input.Config.Quantization is not null;
        if (_options.Quantize && _options.Dequantize && !quantized)
            throw new ArgumentException("Choose either --quantize or --dequantize.");
        if (_options.Dequantize && !quantized)
            throw new ArgumentException($"{_input.Source.Path} is not quantised; leave --dequantize away.");
        if (_options.Quantize && quantized && !_options.Dequantize)
            throw new ArgumentException(
                $"{_input.Source.Path} is quantised already; convert from the original, or add --dequantize to " +
                    "quantise what is left of it again.");
        if (_merge && quantized && !_options.Dequantize && _options.PackedMerge == PackedMerge.Refuse)
            throw new ArgumentException(
                "An adapter cannot be merged into quantised weights just so; add --dequantize, " +
                "use --keep-adapter, or let elm fuse decide matrix by matrix.");
        if (_options.KeepAdapter && _input.Replacements is not null)
            throw new ArgumentException(
                $"{_options.Adapter} holds whole weights, which take the place of the model's; leave " +
                "--keep-adapter away.");
        if (_options.KeepAdapter && _input.Adapters is null)
            throw new ArgumentException($"{_input.Source.Path} holds no adapter; leave --keep-adapter away.");
        bool folder = _options.Target is ConvertTarget.MlxLm or ConvertTarget.CoreNetPort;
        if (!folder && (_options.Quantize || quantized && !_options.Dequantize))
            throw new ArgumentException(
                _options.Quantize
                    ? "Only MLX model folders are quantised; leave --quantize away."
                    : "The model is quantised, and the target is not MLX's; add --dequantize.");
        if (_options.KeepAdapter && !folder)
            throw new ArgumentException("Adapters are kept beside an MLX model folder only; merge them for other " +
                "targets.");
        if (_options.Type is { } type && type is not (TensorType.Float32 or TensorType.Float16 or TensorType.BFloat16))
            throw new ArgumentException($"--dtype is {type.Name()}; float32, float16 and bfloat16 exist.");
    }

    private int Vocabulary(OpenElmConfig config)
    {
        if (_options.VocabularySize is { } rows)
        {
            return rows is > 0 and <= OpenElmConfig.MaxVocabulary
                ? rows
                : throw new ArgumentException($"The vocabulary cannot have {rows} rows.");
        }
        if (!_options.TrimVocabulary)
            return config.VocabularySize;
        return config.PaddingIndex is { } padding and > 0
            ? padding
            : throw new ArgumentException(
                "Which rows of the vocabulary are padding is not known: the checkpoint's configuration has no " +
                    "padding_index. Give the number of rows: --trim-vocabulary ROWS.");
    }

    private void Plan(string name, string sourceName)
    {
        string module = name[..^".weight".Length];
        string sourceModule = sourceName[..^".weight".Length];
        bool packed = _input.IsQuantized(sourceModule) && !_options.Dequantize;
        QuantizationSettings? own = packed ? _input.Config.Quantization!.For(sourceModule) : null;
        TensorRows rows = Resized(Merged(sourceName, name == sourceName ? name : ""), name);
        if (packed && rows is not MergedRows)
        {
            if (module != sourceModule && own != _input.Config.Quantization!.Default)
                _overrides[OutputName(module)] = own;
            foreach (string part in (string[])[".weight", ".scales", ".biases"])
                if (_input.Contains(sourceModule + part))
                    Add(Resized(_input.Rows(sourceModule + part), name), module + part, null);
            return;
        }
        QuantizationSettings? settings = packed && _options.PackedMerge == PackedMerge.Requantize ? own : null;
        if (packed && settings is null)
            _overrides[OutputName(module)] = null;
        if (_options.Quantize && rows.Shape.Count == 2)
        {
            settings = _recipe is null ? _default! : _default! with { Bits = _recipe.Bits(module, Config) };
            if (!MatrixQuantizer.Fits(rows.Columns, settings))
                settings = null;
            else if (settings != _default)
                _overrides[OutputName(module)] = settings;
        }
        Add(rows, name, settings);
        if (rows is MergedRows)
            Merges.Add((
                Steps[^1], OutputName(module),
                _input.IsQuantized(sourceModule)
                    ? $"{_input.Config.Quantization!.For(sourceModule).Bits}-bit"
                    : _input.FloatingType(sourceName).Name(),
                settings is null ? Steps[^1].Outputs[0].Type.Name() : $"{settings.Bits}-bit"));
    }

    private void Add(TensorRows rows, string name, QuantizationSettings? settings)
    {
        TensorType type = _options.Type ?? Floating(rows.Type);
        // What the weights were before a merge in float32 or a training, unless told otherwise.
        bool computed = rows is MergedRows or ResizedRows || _input.Replacements?.Tensors.ContainsKey(name) == true;
        if (_options.Type is null && computed && _input.Contains(name))
            type = Floating(_input.FloatingType(name));
        Steps.Add(new ConversionStep(rows, OutputName(name), type, settings));
    }

    private static TensorType Floating(TensorType type) => type == TensorType.Float64 ? TensorType.Float32 : type;

    private TensorRows Merged(string sourceName, string name) =>
        _merge && name.EndsWith(".weight", StringComparison.Ordinal) &&
        _input.Adapters!.Adapters.TryGetValue(name[..^".weight".Length], out Adapter? adapter)
            ? new MergedRows(_input.FloatingRows(sourceName, TensorType.Float32), adapter)
            : _input.FloatingRows(sourceName);

    private TensorRows Resized(TensorRows rows, string name) =>
        name is "token_embeddings.weight" or "classifier.weight" && rows.Rows != Config.VocabularySize
            ? new ResizedRows(rows, Config.VocabularySize)
            : rows;

    private string OutputName(string name) =>
        _options.Target is ConvertTarget.MlxLm or ConvertTarget.HuggingFace ? TensorNames.ToMlxLm(name) : name;

    private OpenElmQuantization Renamed(OpenElmQuantization quantization)
    {
        var overrides = new Dictionary<string, QuantizationSettings?>(StringComparer.Ordinal);
        foreach ((string path, QuantizationSettings? settings) in quantization.Overrides)
            overrides[OutputName(TensorNames.ToCoreNet(path))] = settings;
        foreach ((string path, QuantizationSettings? settings) in _overrides)
            overrides[path] = settings;
        return quantization with { Overrides = overrides };
    }

    // Hugging Face's and mlx-lm's config.json say the element type.
    private Dictionary<string, string> WithType(IReadOnlyDictionary<string, string> fields)
    {
        var result = new Dictionary<string, string>(fields, StringComparer.Ordinal);
        TensorType type = _options.Type ?? Floating(_input.FloatingType("token_embeddings.weight"));
        result["torch_dtype"] = $"\"{type.Name()}\"";
        return result;
    }
}
