using System.Text.Json;

namespace ElmMlx.OpenElm;

/// <summary>
/// Reads a configuration from JSON. The files are hostile until checked: every number is bounded here.
/// </summary>
internal sealed class OpenElmConfigReader
{
    // Fields that become properties; every other one is kept as text and written back.
    private static readonly HashSet<string> KnownFields =
    [
        "model_name", "model_type", "vocab_size", "padding_index", "max_context_length", "num_transformer_layers",
        "model_dim",
        "head_dim", "num_gqa_groups", "num_query_heads", "num_kv_heads", "qkv_multipliers", "ffn_multipliers",
        "ffn_with_glu",
        "ffn_dim_divisor", "activation_fn_name", "normalization_layer_name", "normalize_qk_projections",
        "share_input_output_layers", "rms_norm_eps", "rope_freq_constant", "rope_max_length", "quantization",
        "quantization_config", "derived",
    ];

    private readonly JsonElement _json;
    private readonly string _source;

    public OpenElmConfigReader(JsonElement json, string source)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{source} is not a JSON object.");
        _json = json;
        _source = source;
    }

    public OpenElmConfig ReadMlxLm()
    {
        string? type = Text("model_type");
        if (type is not null && type != "openelm")
            throw new InvalidDataException($"{_source}: model_type is '{type}', and only openelm models are " +
                "understood.");
        return Read();
    }

    public OpenElmConfig ReadCoreNetPort()
    {
        string? name = Text("model_name");
        if (name is not null && !_json.TryGetProperty("num_transformer_layers", out _))
        {
            int vocabulary = Integer("vocab_size", 1, OpenElmConfig.MaxVocabulary, 32000);
            if (!OpenElmConfig.TryFromName(name, vocabulary, out OpenElmConfig? known))
                throw new InvalidDataException(
                    $"{_source}: the model name '{name}' is not known and the file does not describe the model; add " +
                        "the fields of its architecture (num_transformer_layers, model_dim, …).");
            return (known with
            {
                MaxContextLength = Integer("max_context_length", 1, OpenElmConfig.MaxContext, 2048),
                Quantization = ReadQuantization(),
                OtherFields = ReadOtherFields(),
            }).Checked(_source);
        }
        return Read();
    }

    public OpenElmConfig Read()
    {
        int layers = Integer("num_transformer_layers", 1, OpenElmConfig.MaxLayers);
        int model = Integer("model_dim", 1, OpenElmConfig.MaxSize);
        int head = Integer("head_dim", 1, 1024);
        int groups = Integer("num_gqa_groups", 1, OpenElmConfig.MaxSize, 1);
        int divisor = Integer("ffn_dim_divisor", 1, OpenElmConfig.MaxSize, 256);
        double[] queryMultipliers = Numbers("qkv_multipliers", layers);
        double[] feedForward = PerLayer("ffn_multipliers", Numbers("ffn_multipliers", layers), layers);
        int[] queryHeads = Integers("num_query_heads", layers);
        int[] keyHeads = Integers("num_kv_heads", layers);
        if (queryHeads.Length == 0 && queryMultipliers.Length == 0)
            throw new InvalidDataException($"{_source}: neither num_query_heads nor qkv_multipliers is there.");
        if (feedForward.Length == 0)
            throw new InvalidDataException($"{_source}: ffn_multipliers is missing.");

        OpenElmLayer[] widths;
        if (queryHeads.Length > 0)
        {
            widths = new OpenElmLayer[layers];
            for (int i = 0; i < layers; i++)
                widths[i] = new OpenElmLayer(
                    queryHeads[i],
                    keyHeads.Length > 0 ? keyHeads[i] : Math.Max(1, queryHeads[i] / groups),
                    FeedForward(feedForward[i] * model, divisor));
        }
        else
        {
            widths = ComputeLayers(
                model, head, groups, divisor, PerLayer("qkv_multipliers", queryMultipliers, layers), feedForward,
                _source);
        }

        if (Text("normalization_layer_name") is { } norm && norm is not ("rms_norm" or "rms"))
            throw new InvalidDataException($"{_source}: normalization_layer_name is '{norm}', and only rms_norm is " +
                "implemented.");
        int vocabulary = Integer("vocab_size", 1, OpenElmConfig.MaxVocabulary);
        var config = new OpenElmConfig
        {
            ModelName = Text("model_name") ?? "OpenELM",
            VocabularySize = vocabulary,
            PaddingIndex = OptionalInteger("padding_index", 0, vocabulary - 1),
            MaxContextLength = Integer("max_context_length", 1, OpenElmConfig.MaxContext, 2048),
            ModelSize = model,
            HeadSize = head,
            Layers = widths,
            NormalizeQueryKey = Flag("normalize_qk_projections", true),
            FeedForwardWithGlu = Flag("ffn_with_glu", true),
            Activation = ReadActivation(),
            TieEmbeddings = Flag("share_input_output_layers", true),
            RmsNormEpsilon = (float)Number("rms_norm_eps", 1e-6),
            RopeBase = (float)Number("rope_freq_constant", 10000),
            RopeMaxLength = Integer("rope_max_length", 1, OpenElmConfig.MaxContext, 4096),
            Quantization = ReadQuantization(),
            QueryGroups = groups,
            FeedForwardDivisor = divisor,
            QueryMultipliers = queryMultipliers,
            FeedForwardMultipliers = feedForward,
            OtherFields = ReadOtherFields(),
        }.Checked(_source);
        CheckDerived(config);
        return config;
    }

    /// <summary>
    /// CoreNet's rule: attention widths are multiples of head size times groups, feed-forward widths of the divisor.
    /// </summary>
    public static OpenElmLayer[] ComputeLayers(
        int modelSize, int headSize, int groups, int divisor, double[] query, double[] feedForward,
        string source = "the configuration")
    {
        var layers = new OpenElmLayer[query.Length];
        for (int i = 0; i < layers.Length; i++)
        {
            double width = modelSize * query[i];
            if (width > OpenElmConfig.MaxSize || (long)headSize * groups > OpenElmConfig.MaxSize)
                throw new InvalidDataException($"{source}: the attention of layer {i} is wider than " +
                    $"{OpenElmConfig.MaxSize}.");
            int queryHeads = LayerWidths.MakeDivisible(width, headSize * groups) / headSize;
            layers[i] = new OpenElmLayer(
                queryHeads, queryHeads / groups, FeedForward(feedForward[i] * modelSize, divisor));
        }
        return layers;
    }

    // Too wide is caught by Checked; here it must only not overflow.
    private static int FeedForward(double width, int divisor) =>
        LayerWidths.MakeDivisible(Math.Min(width, 2.0 * OpenElmConfig.MaxFeedForwardSize), divisor);

    private double[] PerLayer(string field, double[] values, int layers)
    {
        if (values.Length == 0 || values.Length == layers && values.Length != 2)
            return values;
        return values.Length switch
        {
            1 => Enumerable.Repeat(values[0], layers).ToArray(),
            2 => LayerWidths.Interpolate(values[0], values[1], layers),
            _ => throw new InvalidDataException(
                $"{_source}: {field} has {values.Length} numbers; it must be one, a pair, or one for each of the " +
                    $"{layers} layers."),
        };
    }

    private void CheckDerived(OpenElmConfig config)
    {
        if (!_json.TryGetProperty("derived", out JsonElement derived) || derived.ValueKind != JsonValueKind.Object)
            return;
        var reader = new OpenElmConfigReader(derived, _source + ": derived");
        Compare("num_query_heads", layer => layer.QueryHeads);
        Compare("num_kv_heads", layer => layer.KeyValueHeads);
        Compare("ffn_intermediate_dims", layer => layer.FeedForwardSize);

        void Compare(string field, Func<OpenElmLayer, int> width)
        {
            int[] expected = reader.Integers(field, config.Layers.Count);
            for (int i = 0; i < expected.Length; i++)
                if (expected[i] != width(config.Layers[i]))
                    throw new InvalidDataException(
                        $"{_source}: derived.{field}[{i}] is {expected[i]}, but the other fields give " +
                            $"{width(config.Layers[i])}.");
        }
    }

    private OpenElmActivation ReadActivation() => Text("activation_fn_name") switch
    {
        null or "swish" or "silu" => OpenElmActivation.Swish,
        "gelu" => OpenElmActivation.Gelu,
        "relu" => OpenElmActivation.Relu,
        string other => throw new InvalidDataException(
            $"{_source}: activation_fn_name is '{other}'; swish, gelu and relu are implemented."),
    };

    private OpenElmQuantization? ReadQuantization()
    {
        if (!_json.TryGetProperty("quantization", out JsonElement json) &&
            !_json.TryGetProperty("quantization_config", out json) || json.ValueKind == JsonValueKind.Null)
            return null;
        var outer = new OpenElmConfigReader(json, _source + ": quantization");
        var settings = outer.ReadSettings(new QuantizationSettings());
        var overrides = new Dictionary<string, QuantizationSettings?>();
        foreach (JsonProperty property in json.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.False)
                overrides[property.Name] = null;
            else if (property.Value.ValueKind == JsonValueKind.Object)
                overrides[property.Name] =
                    new OpenElmConfigReader(property.Value, $"{_source}: quantization of " +
                        $"{property.Name}").ReadSettings(settings);
        }
        return new OpenElmQuantization(settings, overrides);
    }

    private QuantizationSettings ReadSettings(QuantizationSettings fallback)
    {
        string mode = Text("mode") ?? fallback.Mode;
        (int group, int bits) = mode switch
        {
            "affine" => (64, 4),
            "mxfp4" => (32, 4),
            "mxfp8" => (32, 8),
            "nvfp4" => (16, 4),
            _ => throw new InvalidDataException($"{_source}: mode is '{mode}'; affine, mxfp4, mxfp8 and nvfp4 exist."),
        };
        return new QuantizationSettings(Integer("group_size", 16, 128, group), Integer("bits", 2, 8, bits), mode);
    }

    private Dictionary<string, string> ReadOtherFields()
    {
        var fields = new Dictionary<string, string>();
        foreach (JsonProperty property in _json.EnumerateObject())
            if (!KnownFields.Contains(property.Name))
                fields[property.Name] = property.Value.GetRawText();
        return fields;
    }

    private JsonElement? Field(string name) =>
        _json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private string? Text(string name) => Field(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Wrong(name, "a text");

    private bool Flag(string name, bool fallback) => Field(name) is not { } value ? fallback
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Wrong(name, "true or false");

    private double Number(string name, double fallback) => Field(name) is not { } value ? fallback
        : value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out double number) && double.IsFinite(number) ? number
        : throw Wrong(name, "a number");

    private int Integer(string name, int least, int most, int? fallback = null) =>
        OptionalInteger(name, least, most) ?? fallback
        ?? throw new InvalidDataException($"{_source}: {name} is missing.");

    private int? OptionalInteger(string name, int least, int most) =>
        Field(name) is not { } value ? null : Bounded(name, value, least, most);

    private int Bounded(string name, JsonElement value, int least, int most) =>
        value.ValueKind == JsonValueKind.Number
            && value.TryGetInt64(out long number)
            && number >= least
            && number <= most
            ? (int)number
            : throw Wrong(name, $"a whole number from {least} to {most}");

    private int[] Integers(string name, int layers)
    {
        if (Field(name) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != layers)
            throw Wrong(name, $"a list of {layers} whole numbers, one a layer");
        return [.. value.EnumerateArray()
            .Select(element => Bounded(name, element, 1, OpenElmConfig.MaxFeedForwardSize))];
    }

    // One number, a pair, or one a layer; a multiplier above 1024 belongs to no model and would overflow later.
    private double[] Numbers(string name, int layers)
    {
        if (Field(name) is not { } value)
            return [];
        JsonElement[] elements = value.ValueKind == JsonValueKind.Array
            ? value.GetArrayLength() is 1 or 2 || value.GetArrayLength() == layers ? [.. value.EnumerateArray()] : []
            : [value];
        var numbers = new double[elements.Length];
        for (int i = 0; i < numbers.Length; i++)
            if (elements[i].ValueKind != JsonValueKind.Number || !elements[i].TryGetDouble(out numbers[i]) ||
                !(numbers[i] > 0 && numbers[i] <= 1024))
                throw Wrong(name, "made of numbers above 0 and up to 1024");
        return numbers.Length > 0 ? numbers : throw Wrong(name, "one number, a pair, or one for each of the " +
            $"{layers} layers");
    }

    private InvalidDataException Wrong(string name, string expected) =>
        new($"{_source}: {name} must be {expected}.");
}
