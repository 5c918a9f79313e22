using ElmMlx.Nn;

namespace ElmMlx.Lora;

/// <summary>Makes adapted layers of any kind.</summary>
internal static class AdapterLayers
{
    /// <summary>
    /// The sides of a module's matrix as an adapter sees them: what goes into A, what comes out of B.
    /// </summary>
    public static (int Inputs, int Outputs) SizeOf(Module module) => module switch
    {
        LinearLayer linear => (linear.InputSize, linear.OutputSize),
        EmbeddingLayer embedding => (embedding.Count, embedding.Size),
        _ => throw new ArgumentException($"A {module.GetType().Name} is no layer that an adapter can be put on."),
    };

    /// <summary>Puts an adapter around a layer, which the new one owns.</summary>
    /// <param name="module">A linear layer or an embedding.</param>
    /// <param name="a">[in, r].</param>
    /// <param name="b">[r, out].</param>
    /// <param name="magnitudes">DoRA's lengths, one a row of the matrix; null for LoRA.</param>
    /// <param name="scale">Factor of the product.</param>
    /// <param name="dropout">Probability in training mode.</param>
    /// <param name="adaptsOutput">Whether a tied output layer has the adapter too.</param>
    public static Module Wrap(
        Module module, MlxArray a, MlxArray b, MlxArray? magnitudes, double scale, double dropout,
        bool adaptsOutput = true) =>
        (module, magnitudes) switch
        {
            (LinearLayer linear, null) => new LoraLinear(linear, a, b, (float)scale, dropout),
            (LinearLayer linear, _) => new DoraLinear(linear, a, b, magnitudes, (float)scale, dropout),
            (EmbeddingLayer embedding, null) => new LoraEmbedding(embedding, a, b, (float)scale, dropout, adaptsOutput),
            (EmbeddingLayer embedding, _) => new DoraEmbedding(embedding, a, b, magnitudes, (float)scale, dropout),
            _ => throw new ArgumentException($"A {module.GetType().Name} is no layer that an adapter can be put on."),
        };

    /// <summary>The layer's matrix in a floating-point type, as it is without an adapter around it.</summary>
    public static MlxArray DenseWeight(Module module) => module switch
    {
        LinearLayer linear => linear.DenseWeight(),
        EmbeddingLayer embedding => embedding.DenseWeight(),
        _ => throw new ArgumentException($"A {module.GetType().Name} has no matrix."),
    };
}
