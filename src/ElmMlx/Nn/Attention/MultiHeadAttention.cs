namespace ElmMlx.Nn;

/// <summary>
/// Attention of several heads between projections, as mlx.nn.MultiHeadAttention (Vaswani et al. 2017,
/// arXiv:1706.03762).
/// </summary>
public sealed class MultiHeadAttention : Module
{
    private readonly int _numHeads;
    private readonly Child<LinearLayer> _query;
    private readonly Child<LinearLayer> _key;
    private readonly Child<LinearLayer> _value;
    private readonly Child<LinearLayer> _output;

    /// <summary>
    /// A new layer; <c>query_proj</c>, <c>key_proj</c>, <c>value_proj</c> and <c>out_proj</c> are <see cref="Linear"/>.
    /// </summary>
    /// <param name="dims">Width of all heads' queries and of their keys, a multiple of the number of heads.</param>
    /// <param name="numHeads">Number of heads, H.</param>
    /// <param name="queryInputDims">Width of the queries that come in; dims unless told.</param>
    /// <param name="keyInputDims">Width of the keys that come in; dims unless told.</param>
    /// <param name="valueInputDims">Width of the values that come in; that of the keys unless told.</param>
    /// <param name="valueDims">Width of all heads' values, a multiple of H; dims unless told.</param>
    /// <param name="valueOutputDims">Width of the result; dims unless told.</param>
    /// <param name="bias">Whether the projections have biases.</param>
    /// <exception cref="ArgumentException">A width does not divide into heads.</exception>
    public MultiHeadAttention(
        int dims, int numHeads, int? queryInputDims = null, int? keyInputDims = null, int? valueInputDims = null,
        int? valueDims = null, int? valueOutputDims = null, bool bias = false)
    {
        int values = valueDims ?? dims;
        if (numHeads < 1 || dims % numHeads != 0 || values % numHeads != 0)
            throw new ArgumentException(
                $"widths {dims} and {values} do not divide into {numHeads} heads", nameof(numHeads));
        int keyInput = keyInputDims ?? dims;
        _numHeads = numHeads;
        _query = AddChild<LinearLayer>("query_proj", new Linear(queryInputDims ?? dims, dims, bias));
        _key = AddChild<LinearLayer>("key_proj", new Linear(keyInput, dims, bias));
        _value = AddChild<LinearLayer>("value_proj", new Linear(valueInputDims ?? keyInput, values, bias));
        _output = AddChild<LinearLayer>("out_proj", new Linear(values, valueOutputDims ?? dims, bias));
    }

    /// <summary>For each query the values of the keys that are like it.</summary>
    /// <param name="queries">[B, L, queryInputDims].</param>
    /// <param name="keys">[B, S, keyInputDims].</param>
    /// <param name="values">[B, S, valueInputDims].</param>
    /// <param name="mask">Which keys a query sees: one that broadcasts to [B, H, L, S], or causal.</param>
    /// <returns>[B, L, valueOutputDims].</returns>
    public MlxArray Forward(MlxArray queries, MlxArray keys, MlxArray values, AttentionMask mask = default)
    {
        MlxArray q = Heads(_query.Module.Forward(queries));                                        // [B, H, L, D/H]
        MlxArray k = Heads(_key.Module.Forward(keys));
        MlxArray v = Heads(_value.Module.Forward(values));
        MlxArray mixed = Fast.ScaledDotProductAttention(q, k, v, (float)Math.Sqrt(1.0 / q.Dim(-1)), mask);
        return _output.Module.Forward(mixed.SwapAxes(1, 2).Flatten(-2, -1));
    }

    /// <summary>A mask of numbers: 0 for keys up to the query's place, the dtype's least number behind it.</summary>
    /// <param name="n">Number of queries and of keys.</param>
    /// <param name="dtype">A floating-point type.</param>
    /// <returns>[n, n].</returns>
    public static MlxArray CreateAdditiveCausalMask(int n, DType dtype = DType.Float32)
    {
        double least = dtype switch
        {
            DType.Float16 => (double)Half.MinValue,
            DType.BFloat16 => -3.3895313892515355e38,
            DType.Float32 => float.MinValue,
            DType.Float64 => double.MinValue,
            _ => throw new ArgumentException($"a mask of numbers is floating, not {dtype.Name()}", nameof(dtype)),
        };
        MlxArray places = MlxArray.Arange(n);
        return (places.ExpandDims(1) < places).AsType(dtype) * MlxArray.Scalar(least, dtype);
    }

    // [B, L, D] to [B, H, L, D/H]
    private MlxArray Heads(MlxArray x) => x.Unflatten(-1, _numHeads, -1).SwapAxes(1, 2);
}
