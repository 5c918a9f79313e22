namespace ElmMlx.Nn;

/// <summary>
/// A linear layer whose inputs are spread over the processes of a group, as mlx.nn.ShardedToAllLinear: every process
/// has a part of x, and all of them have the same y.
/// </summary>
public sealed class ShardedToAllLinear : UnaryLayer
{
    private readonly DistributedGroup _group;
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    private ShardedToAllLinear(DistributedGroup group, MlxArray weight, MlxArray? bias)
    {
        _group = group;
        _weight = AddParameter("weight", weight);
        _bias = bias is null ? null : AddParameter("bias", bias);
    }

    /// <summary>A new layer; W and b are drawn evenly from ±1 / √in, float32.</summary>
    /// <param name="inputDims">in, of all processes together.</param>
    /// <param name="outputDims">out.</param>
    /// <param name="group">The processes; it stays the caller's.</param>
    /// <param name="bias">Whether there is a b.</param>
    /// <exception cref="ArgumentException">in does not divide among the processes.</exception>
    public ShardedToAllLinear(int inputDims, int outputDims, DistributedGroup group, bool bias = true)
        : this(
            group,
            Draw.Even(1 / Math.Sqrt(inputDims), outputDims, Shards.Size(inputDims, group)),
            bias ? Draw.Even(1 / Math.Sqrt(inputDims), outputDims) : null)
    {
    }

    /// <summary>This process's part of a linear layer.</summary>
    /// <param name="linear">The whole layer, the same on every process; it stays as it is.</param>
    /// <param name="group">The processes; it stays the caller's.</param>
    /// <param name="segments">How many parts of one size its inputs have, each of which is spread.</param>
    /// <exception cref="ArgumentException">The inputs do not divide among the processes.</exception>
    public static ShardedToAllLinear From(Linear linear, DistributedGroup group, int segments = 1)
    {
        ArgumentNullException.ThrowIfNull(linear);
        ArgumentNullException.ThrowIfNull(group);
        return new(group, Shards.Part(linear.DenseWeight(), 1, segments, group), linear.Bias?.Copy());
    }

    /// <summary>The sum of all processes' <c>x · Wᵀ</c> with their columns of W, plus b.</summary>
    /// <param name="x">[…, in / processes], this process's part.</param>
    /// <returns>[…, out], the same on every process.</returns>
    public override MlxArray Forward(MlxArray x)
    {
        MlxArray sum = _group.AllSum(x.MatMul(_weight.Transposed));
        return _bias is null ? sum : sum + _bias.Value;
    }
}
