using ElmMlx.Nn;

namespace ElmMlx.Lora;

/// <summary>
/// An embedding with a low-rank adapter, <c>row + scale · A[id] B</c>. As an output layer it is adapted too,
/// as in mlx-lm; CoreNet's tied head reads the base table, so an imported adapter of CoreNet's comes with a
/// head of its own.
/// </summary>
public sealed class LoraEmbedding : EmbeddingLayer
{
    private readonly Child<EmbeddingLayer> _embedding;
    private readonly Parameter _a;
    private readonly Parameter _b;
    private readonly float _scale;

    /// <summary>Puts an adapter around an embedding, which the new one owns.</summary>
    /// <param name="embedding">The embedding.</param>
    /// <param name="a">[V, r].</param>
    /// <param name="b">[r, D].</param>
    /// <param name="scale">Factor of the adapter's part.</param>
    public LoraEmbedding(EmbeddingLayer embedding, MlxArray a, MlxArray b, float scale)
    {
        _embedding = AddChild("embedding", embedding);
        _a = AddParameter("lora_a", a);
        _b = AddParameter("lora_b", b);
        _scale = scale;
    }

    /// <inheritdoc/>
    public override int Count => _embedding.Module.Count;

    /// <inheritdoc/>
    public override int Size => _embedding.Module.Size;

    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray ids)
    {
        MlxArray rows = _embedding.Module.Forward(ids);
        return rows + (_a.Value.Take(ids, 0).MatMul(_b.Value) * _scale).AsType(rows.DType);
    }

    /// <inheritdoc/>
    public override MlxArray AsLinear(MlxArray x)
    {
        MlxArray low = x.MatMul(_b.Value.Transpose()).MatMul(_a.Value.Transpose());
        return _embedding.Module.AsLinear(x) + (low * _scale).AsType(x.DType);
    }

    /// <inheritdoc/>
    public override MlxArray DenseWeight()
    {
        MlxArray weight = _embedding.Module.DenseWeight();
        return weight + (_a.Value * _scale).MatMul(_b.Value).AsType(weight.DType);
    }
}
