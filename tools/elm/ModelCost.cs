using ElmMlx.Lora;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// The least that a model's work costs, from its shape: weights that must be read, and two operations a weight and
/// token. Attention, norms and adapters are left out: a few percent.
/// </summary>
internal static class ModelCost
{
    /// <summary>Bytes that decoding one token reads: all weights once, and the keys and values so far.</summary>
    /// <param name="model">A tied embedding is read whole, as the output layer; of one that is not, a row.</param>
    /// <param name="cached">Tokens in the cache.</param>
    public static double DecodeBytes(OpenElmModel model, double cached) =>
        model.ByteCount - (model.Config.TieEmbeddings ? 0 : model.Embedding.ByteCount)
        + cached * CacheFloats(model.Config) * BenchmarkCache.TypeOf(model).Size();

    /// <summary>
    /// Operations of a prompt: the output layer, and the last layer behind its keys and values, are needed for the last
    /// token only.
    /// </summary>
    public static double PromptFlops(OpenElmConfig config, int tokens)
    {
        double ofLastToken = Weights(config, $"layers.{config.Layers.Count - 1}.")
            - (double)config.QkvSize(config.Layers[^1]) * config.ModelSize;
        return 2 * (tokens * (LayerWeights(config) - ofLastToken) + ofLastToken);
    }

    /// <summary>
    /// Operations of one token of a training step: forward, the gradients of what each matrix reads, and, where all
    /// weights learn, theirs. Adapters do not ask for the gradient of what the first matrix reads.
    /// </summary>
    public static double TrainingFlops(OpenElmConfig config, FineTuneType type)
    {
        double weights = LayerWeights(config) + (double)config.VocabularySize * config.ModelSize;
        return type is FineTuneType.Full
            ? 6 * weights
            : 4 * weights - 2.0 * config.QkvSize(config.Layers[0]) * config.ModelSize;
    }

    private static double LayerWeights(OpenElmConfig config) => Weights(config, "layers.");

    // Of the matrices whose names begin so
    private static double Weights(OpenElmConfig config, string prefix) => config.TensorShapes()
        .Where(tensor => tensor.Shape.Length == 2 && tensor.Name.StartsWith(prefix, StringComparison.Ordinal))
        .Sum(tensor => (double)tensor.Shape[0] * tensor.Shape[1]);

    // A key and a value of a token in all layers
    private static double CacheFloats(OpenElmConfig config) =>
        2.0 * config.HeadSize * config.Layers.Sum(layer => layer.KeyValueHeads);
}
