using System.Text.Json;

namespace ElmMlx.OpenElm;

/// <summary>
/// What an OpenELM is: sizes, and the widths of every layer. It comes from one of the four known names, from an
/// architecture file in CoreNet's words, from a model folder's <c>config.json</c>, or from the tensors' shapes.
/// </summary>
public sealed partial record OpenElmConfig
{
    /// <summary>CoreNet's name of the model, for example <c>OpenELM-270M</c>.</summary>
    public required string ModelName { get; init; }

    /// <summary>Rows of the embedding, V; padding rows count.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>
    /// The id that padding uses, when the checkpoint has one; the tokens that mean something lie below it.
    /// </summary>
    public int? PaddingIndex { get; init; }

    /// <summary>Tokens that the model was trained to see at once.</summary>
    public int MaxContextLength { get; init; } = 2048;

    /// <summary>Width of the residual stream, D.</summary>
    public required int ModelSize { get; init; }

    /// <summary>Width of one attention head, K.</summary>
    public required int HeadSize { get; init; }

    /// <summary>The layers' widths, first to last.</summary>
    public required IReadOnlyList<OpenElmLayer> Layers { get; init; }

    /// <summary>Whether queries and keys go through an RMSNorm, each head for itself.</summary>
    public bool NormalizeQueryKey { get; init; } = true;

    /// <summary>Whether the feed-forward is <c>proj_2(activation(a) · b)</c> with <c>[a, b] = proj_1(x)</c>.</summary>
    public bool FeedForwardWithGlu { get; init; } = true;

    /// <summary>The feed-forward activation.</summary>
    public OpenElmActivation Activation { get; init; }

    /// <summary>Whether the output layer is the embedding; otherwise it is <c>classifier.weight</c>.</summary>
    public bool TieEmbeddings { get; init; } = true;

    /// <summary>Epsilon of every RMSNorm.</summary>
    public float RmsNormEpsilon { get; init; } = 1e-6f;

    /// <summary>Base of the rotary embedding's frequencies (<c>rope_freq_constant</c>).</summary>
    public float RopeBase { get; init; } = 10000f;

    /// <summary>Length of the rotary tables that the source kept (<c>rope_max_length</c>); not a limit here.</summary>
    public int RopeMaxLength { get; init; } = 4096;

    /// <summary>How the matrices are quantised; null when they are not.</summary>
    public OpenElmQuantization? Quantization { get; init; }

    /// <summary>Query heads that share one key head, as CoreNet's <c>num_gqa_groups</c> counts them.</summary>
    public int QueryGroups { get; init; } = 1;

    /// <summary>The step of feed-forward widths (<c>ffn_dim_divisor</c>).</summary>
    public int FeedForwardDivisor { get; init; } = 256;

    /// <summary>
    /// Attention width over model width as the source gave it: one number, a (first, last) pair, or one a layer.
    /// Empty when the widths were read from heads or shapes.
    /// </summary>
    public IReadOnlyList<double> QueryMultipliers { get; init; } = [];

    /// <summary>Feed-forward width over model width, one a layer.</summary>
    public IReadOnlyList<double> FeedForwardMultipliers { get; init; } = [];

    /// <summary>
    /// Fields of the source's <c>config.json</c> that say nothing to us, as JSON text, kept for writing back.
    /// </summary>
    public IReadOnlyDictionary<string, string> OtherFields { get; init; } = new Dictionary<string, string>();

    /// <summary>The names CoreNet's code knows.</summary>
    public static IReadOnlyList<string> KnownNames { get; } =
        ["OpenELM-270M", "OpenELM-450M", "OpenELM-1_1B", "OpenELM-3B"];

    /// <summary>One of the four published sizes; <c>OpenELM-1.1B</c> is understood too.</summary>
    /// <param name="name">The model's name, upper or lower case, with or without <c>OpenELM-</c>.</param>
    /// <param name="vocabularySize">CoreNet's checkpoints have 32128 rows, Hugging Face's 32000.</param>
    /// <exception cref="ArgumentException">The name is none of them.</exception>
    public static OpenElmConfig FromName(string name, int vocabularySize = 32000) =>
        TryFromName(name, vocabularySize, out OpenElmConfig? config)
            ? config
            : throw new ArgumentException(
                $"The model name '{name}' is not known; use one of {string.Join(", ", KnownNames)}, or describe the " +
                    "model in a JSON file (--architecture FILE).",
                nameof(name));

    /// <summary>Whether the name is one of the four published sizes, and its configuration if so.</summary>
    public static bool TryFromName(
        string name, int vocabularySize, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out OpenElmConfig? config)
    {
        string key = name.Trim().Replace('.', '_');
        if (key.StartsWith("OpenELM-", StringComparison.OrdinalIgnoreCase))
            key = key["OpenELM-".Length..];
        (string Name, int Layers, int Model, int Head)? sizes = key.ToUpperInvariant() switch
        {
            "270M" => (KnownNames[0], 16, 1280, 64),
            "450M" => (KnownNames[1], 20, 1536, 64),
            "1_1B" => (KnownNames[2], 28, 2048, 64),
            "3B" => (KnownNames[3], 36, 3072, 128),
            _ => null,
        };
        config = sizes is { } s ? Create(s.Name, vocabularySize, s.Layers, s.Model, s.Head) : null;
        return config is not null;
    }

    private static OpenElmConfig Create(string name, int vocabularySize, int layers, int modelSize, int headSize)
    {
        const int groups = 4;
        const int divisor = 256;
        double[] query = [0.5, 1.0];
        double[] feedForward = LayerWidths.Interpolate(0.5, 4.0, layers);
        return new OpenElmConfig
        {
            ModelName = name,
            VocabularySize = vocabularySize,
            PaddingIndex = vocabularySize > 32000 ? 32000 : null,
            ModelSize = modelSize,
            HeadSize = headSize,
            QueryGroups = groups,
            FeedForwardDivisor = divisor,
            QueryMultipliers = query,
            FeedForwardMultipliers = feedForward,
            Layers = OpenElmConfigReader.ComputeLayers(
                modelSize, headSize, groups, divisor,
                LayerWidths.Interpolate(query[0], query[1], layers), feedForward),
        }.Checked("the model name " + name);
    }

    /// <summary>
    /// An architecture in CoreNet's words (<c>num_transformer_layers</c>, <c>qkv_multipliers</c>, …).
    /// </summary>
    /// <param name="json">The object; an entry <c>derived</c> is checked against what follows from the rest.</param>
    /// <param name="source">What to call it in errors, usually the file.</param>
    /// <exception cref="InvalidDataException">A field is missing, is not what it should be, or too large.</exception>
    public static OpenElmConfig FromArchitecture(JsonElement json, string source = "the architecture file") =>
        new OpenElmConfigReader(json, source).Read();

    /// <summary>The <c>config.json</c> of a Hugging Face or mlx-lm folder (<c>model_type</c> openelm).</summary>
    /// <inheritdoc cref="FromArchitecture"/>
    public static OpenElmConfig FromMlxLm(JsonElement json, string source = "config.json") =>
        new OpenElmConfigReader(json, source).ReadMlxLm();

    /// <summary>
    /// The <c>config.json</c> of CoreNet's MLX port: <c>model_name</c>, <c>vocab_size</c>, <c>max_context_length</c>;
    /// for a name that CoreNet does not know, the architecture's fields beside them.
    /// </summary>
    /// <inheritdoc cref="FromArchitecture"/>
    public static OpenElmConfig FromCoreNetPort(JsonElement json, string source = "config.json") =>
        new OpenElmConfigReader(json, source).ReadCoreNetPort();

    /// <summary>Any of the three forms of <c>config.json</c>, told apart by their fields.</summary>
    /// <inheritdoc cref="FromArchitecture"/>
    public static OpenElmConfig FromJson(JsonElement json, string source = "config.json")
    {
        if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty("model_type", out _))
            return FromMlxLm(json, source);
        return FromCoreNetPort(json, source);
    }

    /// <summary>Reads and parses a configuration file, whichever form it has.</summary>
    /// <param name="path">A JSON file of at most 16 MiB.</param>
    /// <exception cref="InvalidDataException">It is not JSON, or not an OpenELM.</exception>
    public static OpenElmConfig FromFile(string path)
    {
        const long limit = 16 << 20;
        if (new FileInfo(path) is { Exists: true, Length: > limit })
            throw new InvalidDataException($"{path} is larger than a configuration can be (16 MiB).");
        try
        {
            using var document = JsonDocument.Parse(
                File.ReadAllBytes(path),
                new JsonDocumentOptions { MaxDepth = 32, CommentHandling = JsonCommentHandling.Disallow });
            return FromJson(document.RootElement, path);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not valid JSON (line {e.LineNumber + 1}).", e);
        }
    }
}
