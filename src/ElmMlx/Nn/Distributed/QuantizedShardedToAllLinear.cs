namespace ElmMlx.Nn;

/// <summary>
/// <see cref="ShardedToAllLinear"/> with a quantised matrix, as mlx.nn.QuantizedShardedToAllLinear. Its parameters are
/// frozen.
/// </summary>
public sealed class QuantizedShardedToAllLinear : UnaryLayer
{
    private readonly DistributedGroup _group;
    private readonly PackedParameters _matrix;
    private readonly Parameter? _bias;

    private QuantizedShardedToAllLinear(DistributedGroup group, PackedMatrix matrix, MlxArray? bias)
    {
        _group = group;
        _matrix = new PackedParameters(matrix, AddParameter);
        _bias = bias is null ? null : AddParameter("bias", bias);
        Freeze();
    }

    /// <summary>This process's part of a quantised layer.</summary>
    /// <param name="linear">The whole layer, the same on every process; it stays as it is.</param>
    /// <param name="group">The processes; it stays the caller's.</param>
    /// <param name="segments">How many parts of one size its inputs have, each of which is spread.</param>
    /// <exception cref="ArgumentException">
    /// The inputs do not divide among the processes, or a cut would go through a group of elements.
    /// </exception>
    public static QuantizedShardedToAllLinear From(QuantizedLinear linear, DistributedGroup group, int segments = 1)
    {
        ArgumentNullException.ThrowIfNull(linear);
        ArgumentNullException.ThrowIfNull(group);
        return new(group, Shards.Part(linear.Matrix, 1, segments, group), linear.Bias?.Copy());
    }

    /// <summary>The sum of all processes' <c>x · Wᵀ</c> with their columns of W, plus b.</summary>
    /// <param name="x">[…, in / processes], this process's part.</param>
    /// <returns>[…, out], the same on every process.</returns>
    public override MlxArray Forward(MlxArray x)
    {
        MlxArray sum = _group.AllSum(_matrix.MatMul(x));
        return _bias is null ? sum : sum + _bias.Value;
    }
}
