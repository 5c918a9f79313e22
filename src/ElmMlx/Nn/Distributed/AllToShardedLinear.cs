namespace ElmMlx.Nn;

/// <summary>
/// A linear layer whose outputs are spread over the processes of a group, as mlx.nn.AllToShardedLinear: every process
/// has all of x and computes its part of y.
/// </summary>
public sealed class AllToShardedLinear : UnaryLayer
{
    private readonly DistributedGroup _group;
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    private AllToShardedLinear(DistributedGroup group, MlxArray weight, MlxArray? bias)
    {
        _group = group;
        _weight = AddParameter("weight", weight);
        _bias = bias is null ? null : AddParameter("bias", bias);
    }

    /// <summary>A new layer; W and b are drawn evenly from ±1 / √in, float32.</summary>
    /// <param name="inputDims">in.</param>
    /// <param name="outputDims">out, of all processes together.</param>
    /// <param name="group">The processes; it stays the caller's.</param>
    /// <param name="bias">Whether there is a b.</param>
    /// <exception cref="ArgumentException">out does not divide among the processes.</exception>
    public AllToShardedLinear(int inputDims, int outputDims, DistributedGroup group, bool bias = true)
        : this(
            group,
            Draw.Even(1 / Math.Sqrt(inputDims), Shards.Size(outputDims, group), inputDims),
            bias ? Draw.Even(1 / Math.Sqrt(inputDims), Shards.Size(outputDims, group)) : null)
    {
    }

    /// <summary>This process's part of a linear layer.</summary>
    /// <param name="linear">The whole layer, the same on every process; it stays as it is.</param>
    /// <param name="group">The processes; it stays the caller's.</param>
    /// <param name="segments">How many parts of one size its outputs have, each of which is spread.</param>
    /// <exception cref="ArgumentException">The outputs do not divide among the processes.</exception>
    public static AllToShardedLinear From(Linear linear, DistributedGroup group, int segments = 1)
    {
        ArgumentNullException.ThrowIfNull(linear);
        ArgumentNullException.ThrowIfNull(group);
        return new(
            group,
            Shards.Part(linear.DenseWeight(), 0, segments, group),
            linear.Bias is { } bias ? Shards.Part(bias, 0, segments, group) : null);
    }

    /// <summary><c>x · Wᵀ + b</c> with this process's rows of W.</summary>
    /// <param name="x">[…, in], the same on every process; its gradient is the sum of all processes'.</param>
    /// <returns>[…, out / processes].</returns>
    public override MlxArray Forward(MlxArray x)
    {
        MlxArray all = Shards.WithSummedGradient(x, _group);
        return _bias is null ? all.MatMul(_weight.Transposed) : _bias.Value.AddMm(all, _weight.Transposed);
    }
}
