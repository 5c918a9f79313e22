using ElmMlx.Nn;

namespace ElmMlx.OpenElm;

/// <summary>
/// An OpenELM: embedding, layers, norm, output layer. Its parameters have CoreNet's names
/// (<c>layers.0.attn.qkv_proj.weight</c>); mlx-lm's files put <c>transformer.</c> before them and say
/// <c>lm_head</c> for <c>classifier</c>.
/// </summary>
public sealed partial class OpenElmModel : Module
{
    private readonly Child<EmbeddingLayer> _embedding;
    private readonly Child<TransformerLayer>[] _layers;
    private readonly Child<RmsNorm> _norm;
    private readonly Child<LinearLayer>? _classifier;

    internal OpenElmModel(OpenElmConfig config, ModelWeights weights)
    {
        Config = config;
        _embedding = AddChild("token_embeddings", weights.Embedding("token_embeddings"));
        _layers = new Child<TransformerLayer>[config.Layers.Count];
        for (int i = 0; i < _layers.Length; i++)
            _layers[i] = AddChild($"layers.{i}", new TransformerLayer(config, i, weights));
        _norm = AddChild("norm", weights.Norm("norm", config.RmsNormEpsilon));
        if (!config.TieEmbeddings)
            _classifier = AddChild("classifier", weights.Linear("classifier"));
    }

    /// <summary>A model from its tensors, which it owns from here on.</summary>
    /// <param name="config">The sizes that the tensors must have.</param>
    /// <param name="tensors">
    /// By CoreNet's name. A matrix with <c>.scales</c> beside its <c>.weight</c> is quantised, with the
    /// numbers that the configuration gives.
    /// </param>
    /// <param name="source">What to call the tensors in errors, usually the file.</param>
    /// <exception cref="InvalidDataException">A tensor is missing, too many, or of another shape.</exception>
    public static OpenElmModel FromTensors(
        OpenElmConfig config, IReadOnlyDictionary<string, MlxArray> tensors, string source = "the model")
    {
        ModelWeights.Check(
            config,
            tensors.ToDictionary(entry => entry.Key, entry => new TensorShape(entry.Value.DType, entry.Value.Shape)),
            source);
        return new OpenElmModel(config, new ModelWeights(config, tensors));
    }

    /// <summary>
    /// A model with random weights: norms of ones, matrices with a standard deviation of <c>1 / √columns</c>.
    /// </summary>
    /// <param name="config">The sizes; its quantisation is applied.</param>
    /// <param name="type">A floating-point type.</param>
    /// <param name="seed">The same seed gives the same model.</param>
    public static OpenElmModel Random(OpenElmConfig config, DType type, ulong seed = 0)
    {
        MlxRandom.Seed(seed);
        var tensors = new Dictionary<string, MlxArray>();
        foreach ((string name, int[] shape) in config.TensorShapes())
        {
            using var scope = new ArrayScope();
            MlxArray value = shape.Length == 1
                ? MlxArray.Ones(shape, type)
                : (MlxRandom.Normal(shape) * (1f / MathF.Sqrt(shape[1]))).AsType(type);
            value.Eval();
            tensors.Add(name, Owned.Take(value));
        }
        var model = FromTensors(config with { Quantization = null }, tensors);
        if (config.Quantization is { } quantization)
            model.Quantize(quantization);
        return model;
    }

    /// <summary>The sizes.</summary>
    public OpenElmConfig Config { get; private set; }

    /// <summary>The embedding; adapters may have replaced it.</summary>
    public EmbeddingLayer Embedding => _embedding.Module;

    /// <summary>What makes logits: the embedding where it is tied.</summary>
    public Module OutputLayer => _classifier is null ? _embedding.Module : _classifier.Module;

    /// <summary>
    /// Whether a layer computes its forward pass again for the gradient instead of keeping what it computed: much less
    /// memory, about a third more work.
    /// </summary>
    public bool CheckpointsLayers { get; set; }

    /// <summary>Logits of every position.</summary>
    /// <param name="ids">Token ids [B, L].</param>
    /// <param name="cache">Keys and values so far, which grow by L; null for none.</param>
    /// <returns>[B, L, V].</returns>
    public MlxArray Forward(MlxArray ids, PromptCache? cache = null) => Logits(Hidden(ids, cache));

    /// <summary>Logits of every position, without a cache.</summary>
    /// <param name="ids">Token ids [B, L].</param>
    /// <param name="mask">
    /// Which tokens a token sees: only earlier ones, or fewer, where several texts share a row.
    /// </param>
    /// <returns>[B, L, V].</returns>
    public MlxArray Forward(MlxArray ids, AttentionMask mask) => Logits(Hidden(ids, mask));

    /// <summary>The last layer's states without a cache, normalised.</summary>
    /// <param name="ids">Token ids [B, L].</param>
    /// <param name="mask">Which tokens a token sees.</param>
    /// <returns>[B, L, D].</returns>
    public MlxArray Hidden(MlxArray ids, AttentionMask mask)
    {
        MlxArray h = _embedding.Module.Forward(ids);
        foreach (Child<TransformerLayer> layer in _layers)
            h = CheckpointsLayers ? Checkpointed(layer.Module, h, mask) : layer.Module.Forward(h, mask, null);
        return _norm.Module.Forward(h);
    }

    /// <summary>The last layer's states, normalised: what the output layer reads.</summary>
    /// <param name="ids">Token ids [B, L].</param>
    /// <param name="cache">Keys and values so far, which grow by L; null for none.</param>
    /// <param name="layers">
    /// When given, receives each layer's states before the last norm, [B, L, D] each.
    /// </param>
    /// <returns>[B, L, D].</returns>
    public MlxArray Hidden(MlxArray ids, PromptCache? cache = null, ICollection<MlxArray>? layers = null) =>
        Hidden(ids, cache, layers, onlyLast: false);

    /// <summary>
    /// The last layer's state of the last token, normalised; the last layer computes no more than that and its cache.
    /// </summary>
    /// <param name="ids">Token ids [B, L].</param>
    /// <param name="cache">Keys and values so far, which grow by L.</param>
    /// <returns>[B, 1, D].</returns>
    public MlxArray HiddenOfLast(MlxArray ids, PromptCache cache) => Hidden(ids, cache, layers: null, onlyLast: true);

    /// <summary>[B, L, …] → [B, 1, …].</summary>
    internal static MlxArray LastToken(MlxArray x) =>
        x.Dim(1) == 1 ? x : x.Slice([0, x.Dim(1) - 1, 0], [x.Dim(0), x.Dim(1), x.Dim(2)]);

    private MlxArray Hidden(MlxArray ids, PromptCache? cache, ICollection<MlxArray>? layers, bool onlyLast)
    {
        if (cache is not null && cache.Count != _layers.Length)
            throw new ArgumentException(
                $"The cache has {cache.Count} layers and the model {_layers.Length}; it belongs to " +
                "another model.", nameof(cache));
        int length = ids.Dim(1);
        if (cache is null && layers is null)
            return Hidden(ids, length == 1 ? AttentionMask.None : AttentionMask.Causal);
        AttentionMask mask = cache is not null ? cache[0].MakeMask(length)
            : length == 1 ? AttentionMask.None : AttentionMask.Causal;
        MlxArray h = _embedding.Module.Forward(ids);
        for (int i = 0; i < _layers.Length; i++)
        {
            h = _layers[i].Module.Forward(h, mask, cache?[i], onlyLast && i == _layers.Length - 1);
            layers?.Add(h);
        }
        return _norm.Module.Forward(h);
    }

    /// <summary>The output layer: the embedding again when it is tied.</summary>
    /// <param name="hidden">[…, D].</param>
    /// <returns>[…, V].</returns>
    public MlxArray Logits(MlxArray hidden) =>
        _classifier is null ? _embedding.Module.AsLinear(hidden) : _classifier.Module.Forward(hidden);

    private static MlxArray Checkpointed(TransformerLayer layer, MlxArray h, AttentionMask mask)
    {
        Parameter[] trainable = [.. layer.TrainableParameters().Select(entry => entry.Parameter)];
        return ModuleGradients.Checkpoint(trainable, inputs => [layer.Forward(inputs[0], mask, null)])([h])[0];
    }

    /// <summary>
    /// Quantises every matrix whose rows divide into whole groups; the others stay as they are.
    /// </summary>
    /// <param name="quantization">With which numbers; an entry of null keeps a matrix.</param>
    public void Quantize(OpenElmQuantization quantization)
    {
        foreach ((string path, Module module) in NamedModules().ToList())
        {
            if (Keeps(path))
                continue;
            (int groupSize, int bits, string mode) = quantization.For(path);
            using var scope = new ArrayScope();
            Module? packed = module switch
            {
                Linear linear when linear.InputSize % groupSize == 0 => linear.ToQuantized(groupSize, bits, mode),
                Embedding embedding when embedding.Size % groupSize == 0 =>
                    embedding.ToQuantized(groupSize, bits, mode),
                _ => null,
            };
            if (packed is null)
                continue;
            Replace(path, packed);
            module.Dispose();
        }
        Config = Config with { Quantization = quantization };

        bool Keeps(string path) =>
            quantization.Overrides.TryGetValue(path, out QuantizationSettings? own) && own is null ||
            quantization.Overrides.TryGetValue("transformer." + path, out own) && own is null;
    }
}
