using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

// A key that is null means the thread's own, see RandomState. The same key gives the same numbers as MLX: the order of
// operations and the dtype of each are part of that.
internal static partial class Ops
{
    private const float AboveMinusOne = -0.99999994f;       // the float32 next to −1

    /// <summary>The key of a seed: uint32 [2].</summary>
    public static Node RandomKey(ulong seed) => KeyOf((uint)(seed >> 32), (uint)seed);

    /// <summary>Random bits: uint8, uint16 or uint32 by <paramref name="width"/> in bytes.</summary>
    public static Node RandomBits(int[] shape, int width, Node? key)
    {
        mlx_dtype type = width switch
        {
            4 => MLX_UINT32,
            2 => MLX_UINT16,
            1 => MLX_UINT8,
            _ => throw new ArgumentException($"[bits] Bit width must be in {{1, 2, 4}} but got {width}."),
        };
        key ??= NextKey();
        if (key.Type != MLX_UINT32)
            throw new ArgumentException($"[bits] Expected key type uint32 but received {key.Type.Name()}.");
        if (key.Rank != 1 || key.Shape[0] != 2)
            throw new ArgumentException($"[bits] Expected key shape (2) but received {Text(key.Shape)}.");
        return Make(Shared.Of<RandomBits>(), shape, type, key);
    }

    /// <summary>New keys [<paramref name="count"/>, 2].</summary>
    public static Node RandomSplit(Node key, int count) => RandomBits([count, 2], 4, key);

    /// <summary>Two new keys.</summary>
    public static (Node First, Node Second) RandomSplit(Node key)
    {
        ReadOnlySpan<Node> halves = Split(RandomSplit(key, 2), 2, 0);
        return (Reshape(halves[0], [2]), Reshape(halves[1], [2]));
    }

    /// <summary>Even over [low, high).</summary>
    public static Node RandomUniform(Node low, Node high, int[] shape, mlx_dtype type, Node? key)
    {
        if (!type.IsFloating())
            throw new ArgumentException("[uniform] Can only generate uniform numbers with real floating point type.");
        Node from = AsType(low, type), range = Subtract(AsType(high, type), from);
        int[] joint = BroadcastShapes("broadcast_shapes", shape, range.Shape);
        if (!joint.AsSpan().SequenceEqual(shape))
            throw new ArgumentException($"[uniform] Cannot generate random values of shape {Text(shape)} "
                + $"from broadcasted shape {Text(joint)}.");
        float belowOne = type switch
        {
            MLX_FLOAT32 => 0.99999994f,
            MLX_FLOAT16 => 0.99951172f,
            MLX_BFLOAT16 => 0.99609375f,
            _ => throw new ArgumentException($"[uniform] Unsupported type {type.Name()}: draw float32 and cast."),
        };
        Node unit = Divide(RandomBits(shape, 4, key), Scalar(4294967296.0, MLX_FLOAT32));
        unit = AsType(Minimum(unit, Scalar(belowOne, MLX_FLOAT32)), type);
        return Add(Multiply(range, unit), from);
    }

    /// <summary>Normal with a mean and a standard deviation; null: 0 and 1.</summary>
    public static Node RandomNormal(int[] shape, mlx_dtype type, Node? loc, Node? scale, Node? key)
    {
        if (type == MLX_COMPLEX64)
            return ComplexNormal(shape, loc, scale, key);
        if (!type.IsFloating())
            throw new ArgumentException("[normal] Can only generate normal numbers with floating point type.");
        Node factor = Scalar(Math.Sqrt(2), type);
        if (scale is not null)
            factor = Multiply(factor, AsType(scale, type));
        Node samples = Multiply(factor, AsType(ErfInv(BothSides(shape, key)), type));
        return loc is null ? samples : Add(AsType(loc, type), samples);
    }

    /// <summary>Normal vectors of a mean [.., n] and a covariance [.., n, n].</summary>
    public static Node RandomMultivariateNormal(Node mean, Node covariance, int[] shape, mlx_dtype type, Node? key)
    {
        const string Operation = "multivariate_normal";
        if (type != MLX_FLOAT32)
            throw new ArgumentException($"[{Operation}] dtype must be float32.");
        if (mean.Rank < 1)
            throw new ArgumentException($"[{Operation}] mean must have at least one dimension.");
        if (covariance.Rank < 2)
            throw new ArgumentException($"[{Operation}] cov must have at least two dimensions.");
        int n = mean.Shape[^1];
        if (covariance.Shape[^1] != covariance.Shape[^2])
            throw new ArgumentException($"[{Operation}] last two dimensions of cov must be equal.");
        if (covariance.Shape[^1] != n)
            throw new ArgumentException($"[{Operation}] mean and cov must have compatible shapes.");
        int[] joint = BroadcastShapes("broadcast_shapes", covariance.Shape[..^2], mean.Shape[..^1]);
        joint = [.. BroadcastShapes("broadcast_shapes", joint, shape), n];
        Node root = Make(Shared.Of<CovarianceRoot>(), covariance.Shape, type, AsType(covariance, type));
        Node standard = RandomNormal(joint, type, loc: null, scale: null, key);
        return Add(mean, Squeeze(MatMul(ExpandDims(standard, -2), root), -2));
    }

    /// <summary>Normal, cut off outside [lower, upper].</summary>
    public static Node RandomTruncatedNormal(Node lower, Node upper, int[] shape, mlx_dtype type, Node? key)
    {
        if (!type.IsFloating())
            throw new ArgumentException("[trunc_normal] trunc_normal only accepts floating point dtypes.");
        Node root = Scalar(Math.Sqrt(2), type), from = AsType(lower, type), to = AsType(upper, type);
        Node uniform = RandomUniform(Erf(Divide(from, root)), Erf(Divide(to, root)), shape, type, key);
        return Maximum(Minimum(to, Multiply(root, ErfInv(uniform))), from);
    }

    /// <summary>−log(−log u), u even over [0, 1).</summary>
    public static Node RandomGumbel(int[] shape, mlx_dtype type, Node? key) =>
        Negative(Log(Negative(Log(RandomUniform(Scalar(0, type), Scalar(1, type), shape, type, key)))));

    /// <summary>Laplace's distribution.</summary>
    public static Node RandomLaplace(int[] shape, mlx_dtype type, float loc, float scale, Node? key)
    {
        if (!type.IsFloating())
            throw new ArgumentException("[laplace] Can only generate uniform numbers with real floating point type.");
        Node uniform = BothSides(shape, key);
        Node samples = AsType(Multiply(Sign(uniform), Log1p(Multiply(Scalar(-1, type), Abs(uniform)))), type);
        if (scale != 1)
            samples = Multiply(Scalar(scale, type), samples);
        return loc == 0 ? samples : Add(Scalar(loc, type), samples);
    }

    /// <summary>Integers of [low, high).</summary>
    public static Node RandomInt(Node low, Node high, int[] shape, mlx_dtype type, Node? key)
    {
        if (type.IsInexact())
            throw new ArgumentException("[randint] randint only accepts integer dtypes and bool.");
        return AsType(Maximum(RandomUniform(low, high, shape, MLX_FLOAT32, key), low), type);
    }

    /// <summary>True with probability <paramref name="p"/>.</summary>
    public static Node RandomBernoulli(Node p, int[] shape, Node? key)
    {
        if (!p.Type.IsFloating())
            throw new ArgumentException("[bernoulli] bernoulli probability `p` must be a float type.");
        // The float32 above 2^32 − 1, so that every draw lies below probability 1
        Node limit = Multiply(p, Scalar(MathF.BitIncrement(uint.MaxValue), MLX_FLOAT32));
        Node result = Less(RandomBits(shape, 4, key), limit);
        return result.Shape.AsSpan().SequenceEqual(shape) ? result : throw new ArgumentException(
            "[bernoulli] shape of `p` is incompatible with argument `shape`.");
    }

    /// <summary>One index a row of logits, by the Gumbel trick.</summary>
    public static Node RandomCategorical(Node logits, int axis, Node? key)
    {
        axis = CategoricalAxis(logits, axis);
        return Categorical(logits, axis, Without(logits.Shape, axis), key);
    }

    /// <summary>Indices of a given shape, to which the other axes of the logits must broadcast.</summary>
    public static Node RandomCategorical(Node logits, int axis, int[] shape, Node? key)
    {
        axis = CategoricalAxis(logits, axis);
        int[] reduced = Without(logits.Shape, axis);
        if (!BroadcastShapes("broadcast_shapes", shape, reduced).AsSpan().SequenceEqual(shape))
            throw new ArgumentException($"[categorical] Requested shape {Text(shape)} is not broadcast compatible "
                + $"with reduced logits shape{Text(reduced)}.");
        return Categorical(logits, axis, shape, key);
    }

    /// <summary><paramref name="count"/> indices a row, in a new last axis.</summary>
    public static Node RandomCategorical(Node logits, int axis, int count, Node? key)
    {
        axis = CategoricalAxis(logits, axis);
        return Categorical(ExpandDims(logits, -1), axis, [.. Without(logits.Shape, axis), count], key);
    }

    /// <summary>0 … n − 1 in random order; uint32.</summary>
    public static Node RandomPermutation(int n, Node? key) => ArgSort(RandomBits([n], 4, key), 0);

    /// <summary>Slices along an axis in random order.</summary>
    public static Node RandomPermutation(Node x, int axis, Node? key) =>
        Take(x, RandomPermutation(x.Shape[Axis("permutation", axis, x.Rank)], key), axis);

    // float32, even over (−1, 1)
    private static Node BothSides(int[] shape, Node? key) => RandomUniform(
        Scalar(AboveMinusOne, MLX_FLOAT32), Scalar(1.0, MLX_FLOAT32), shape, MLX_FLOAT32, key);

    private static Node ComplexNormal(int[] shape, Node? loc, Node? scale, Node? key)
    {
        Node samples = Reshape(View(ErfInv(BothSides([.. shape, 2], key)), MLX_COMPLEX64), shape);
        if (scale is not null)
            samples = Multiply(scale, samples);
        return loc is null ? samples : Add(loc, samples);
    }

    private static Node Categorical(Node logits, int axis, int[] shape, Node? key)
    {
        int offset = axis + shape.Length - logits.Rank + 1;
        Node noise = RandomGumbel([.. shape[..offset], logits.Shape[axis], .. shape[offset..]], MLX_FLOAT32, key);
        return ArgMax(Add(noise, logits), offset, keepDims: false);
    }

    private static int CategoricalAxis(Node logits, int axis)
    {
        int positive = axis < 0 ? axis + logits.Rank : axis;
        return positive >= 0 && positive < logits.Rank ? positive : throw new ArgumentException(
            $"[categorical] Invalid axis {axis} for logits with {logits.Rank} dimensions.");
    }

    private static int[] Without(int[] shape, int axis) => [.. shape[..axis], .. shape[(axis + 1)..]];

    private static Node NextKey()
    {
        (uint high, uint low) = RandomState.Next();
        return KeyOf(high, low);
    }

    private static unsafe Node KeyOf(uint high, uint low)
    {
        var key = Node.New([2], MLX_UINT32, Buffer.Allocate(2 * sizeof(uint)));
        ((uint*)key.Data)[0] = high;
        ((uint*)key.Data)[1] = low;
        return key;
    }
}
