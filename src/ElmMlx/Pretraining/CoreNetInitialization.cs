using ElmMlx.Nn;
using ElmMlx.OpenElm;

namespace ElmMlx.Pretraining;

/// <summary>
/// The weights that CoreNet begins pretraining with: norms of ones, and matrices from the normal distribution, not cut
/// off, the padding's row of the embedding included.
/// </summary>
public static class CoreNetInitialization
{
    /// <summary>A new model in float32.</summary>
    /// <param name="config">The sizes; not quantised.</param>
    /// <param name="seed">The same seed gives the same model, on every provider.</param>
    public static OpenElmModel Create(OpenElmConfig config, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        (string Name, int[] Shape)[] shapes = [.. config.TensorShapes()];
        var tensors = new Dictionary<string, MlxArray>(shapes.Length, StringComparer.Ordinal);
        using MlxArray keys = Owned.Take(MlxRandom.Split(MlxRandom.Key(seed), shapes.Length));
        for (int i = 0; i < shapes.Length; i++)
        {
            using var scope = new ArrayScope();
            (string name, int[] shape) = shapes[i];
            MlxArray value = shape.Length == 1
                ? MlxArray.Ones(shape)
                : MlxRandom.Normal(shape, scale: (float)Deviation(config, name, shape), key: keys[i]);
            value.Eval();
            tensors.Add(name, Owned.Take(value));
        }
        return OpenElmModel.FromTensors(config with { Quantization = null }, tensors);
    }

    /// <summary>The standard deviation of a matrix.</summary>
    /// <param name="config">The sizes.</param>
    /// <param name="name">CoreNet's name of the matrix.</param>
    /// <param name="shape">[out, in]; of the embedding [V, D].</param>
    internal static double Deviation(OpenElmConfig config, string name, int[] shape)
    {
        // Layers that add to the residual stream begin smaller the more of them there are, whatever their own width.
        bool addsToStream = name.EndsWith("attn.out_proj.weight", StringComparison.Ordinal)
            || name.EndsWith("ffn.proj_2.weight", StringComparison.Ordinal);
        return addsToStream
            ? 1 / Math.Sqrt(2.0 * config.Layers.Count * config.ModelSize)
            : 1 / Math.Sqrt(shape[1]);
    }
}
