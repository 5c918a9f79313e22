namespace ElmMlx.Nn;

/// <summary>
/// <see cref="AllToShardedLinear"/> with a quantised matrix, as mlx.nn.QuantizedAllToShardedLinear. Its parameters are
/// frozen.
/// </summary>
public sealed class QuantizedAllToShardedLinear : UnaryLayer
{
    private readonly DistributedGroup _group;
    private readonly PackedParameters _matrix;
    private readonly Parameter? _bias;

    private QuantizedAllToShardedLinear(DistributedGroup group, PackedMatrix matrix, MlxArray? bias)
    {
        _group = group;
        _matrix = new PackedParameters(matrix, AddParameter);
        _bias = bias is null ? null : AddParameter("bias", bias);
        Freeze();
    }

    /// <summary>This process's part of a quantised layer.</summary>
    /// <param name="linear">The whole layer, the same on every process; it stays as it is.</param>
    /// <param name="group">The processes; it stays the caller's.</param>
    /// <param name="segments">How many parts of one size its outputs have, each of which is spread.</param>
    /// <exception cref="ArgumentException">The outputs do not divide among the processes.</exception>
    public static QuantizedAllToShardedLinear From(QuantizedLinear linear, DistributedGroup group, int segments = 1)
    {
        ArgumentNullException.ThrowIfNull(linear);
        ArgumentNullException.ThrowIfNull(group);
        return new(
            group,
            Shards.Part(linear.Matrix, 0, segments, group),
            linear.Bias is { } bias ? Shards.Part(bias, 0, segments, group) : null);
    }

    /// <summary><c>x · Wᵀ + b</c> with this process's rows of W.</summary>
    /// <param name="x">[…, in], the same on every process; its gradient is the sum of all processes'.</param>
    /// <returns>[…, out / processes].</returns>
    public override MlxArray Forward(MlxArray x)
    {
        MlxArray product = _matrix.MatMul(Shards.WithSummedGradient(x, _group));
        return _bias is null ? product : product + _bias.Value;
    }
}
