using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Random numbers, as MLX's: the same key or seed gives the same numbers on every provider.</summary>
/// <remarks>Without a key the numbers come from a state of the process, which <see cref="Seed"/>
/// sets.</remarks>
public static unsafe class MlxRandom
{
    /// <summary>Sets the state that numbers without a key come from.</summary>
    public static void Seed(ulong seed)
    {
        RuntimeLoader.EnsureLoaded();
        Checked.mlx_random_seed(seed);
    }

    /// <summary>A key: [2] uint32.</summary>
    public static MlxArray Key(ulong seed)
    {
        RuntimeLoader.EnsureLoaded();
        return MlxArray.Adopt(Checked.mlx_random_key(seed));
    }

    /// <summary>Two new keys from one.</summary>
    public static (MlxArray First, MlxArray Second) Split(MlxArray key)
    {
        mlx_array first = default, second = default;
        Checked.mlx_random_split(&first, &second, key.Handle, Stream);
        GC.KeepAlive(key);
        return (MlxArray.Adopt(first), MlxArray.Adopt(second));
    }

    /// <summary>New keys from one: [count, 2].</summary>
    public static MlxArray Split(MlxArray key, int count) =>
        New(Checked.mlx_random_split_num(key.Handle, count, Stream), key);

    /// <summary>Random bits: uint8, uint16 or uint32 by their width in bytes.</summary>
    public static MlxArray Bits(ReadOnlySpan<int> shape, int width = 4, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(Checked.mlx_random_bits(sizes, (nuint)shape.Length, width, Raw(key), stream), key);
    }

    /// <summary>Evenly from low, included, to high, excluded.</summary>
    public static MlxArray Uniform(
        ReadOnlySpan<int> shape, double low = 0, double high = 1, DType dtype = DType.Float32, MlxArray? key = null) =>
        Uniform(MlxArray.Scalar(low), MlxArray.Scalar(high), shape, dtype, key);

    /// <summary>Evenly between bounds that broadcast to the shape.</summary>
    public static MlxArray Uniform(
        MlxArray low, MlxArray high, ReadOnlySpan<int> shape, DType dtype = DType.Float32, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_random_uniform(
                    low.Handle, high.Handle, sizes, (nuint)shape.Length, (mlx_dtype)dtype, Raw(key), stream),
                key,
                low,
                high);
    }

    /// <summary>
    /// From the normal distribution with mean <paramref name="loc"/> and deviation <paramref name="scale"/>.
    /// </summary>
    public static MlxArray Normal(
        ReadOnlySpan<int> shape, DType dtype = DType.Float32, float loc = 0, float scale = 1, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_random_normal(
                    sizes, (nuint)shape.Length, (mlx_dtype)dtype, loc, scale, Raw(key), stream),
                key);
    }

    /// <summary>From normal distributions whose means and deviations broadcast to the shape.</summary>
    /// <param name="loc">The means.</param>
    /// <param name="scale">The deviations.</param>
    /// <param name="shape">Of the result.</param>
    /// <param name="dtype">Floating.</param>
    /// <param name="key">The key.</param>
    public static MlxArray Normal(
        MlxArray loc, MlxArray scale, ReadOnlySpan<int> shape, DType dtype = DType.Float32, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_random_normal_broadcast(
                    sizes, (nuint)shape.Length, (mlx_dtype)dtype, loc.Handle, scale.Handle, Raw(key), stream),
                key,
                loc,
                scale);
    }

    /// <summary>From the normal distribution, cut off at bounds that broadcast to the shape.</summary>
    public static MlxArray TruncatedNormal(
        MlxArray lower, MlxArray upper, ReadOnlySpan<int> shape, DType dtype = DType.Float32, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_random_truncated_normal(
                    lower.Handle, upper.Handle, sizes, (nuint)shape.Length, (mlx_dtype)dtype, Raw(key), stream),
                key,
                lower,
                upper);
    }

    /// <summary>From several normal distributions that hang together.</summary>
    /// <param name="mean">[…, n]</param>
    /// <param name="covariance">[…, n, n]</param>
    /// <param name="shape">The leading sizes of the result, [shape, n].</param>
    /// <param name="dtype">Float32.</param>
    /// <param name="key">The key.</param>
    public static MlxArray MultivariateNormal(
        MlxArray mean, MlxArray covariance, ReadOnlySpan<int> shape, DType dtype = DType.Float32, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_random_multivariate_normal(
                    mean.Handle, covariance.Handle, sizes, (nuint)shape.Length, (mlx_dtype)dtype, Raw(key), stream),
                key,
                mean,
                covariance);
    }

    /// <summary>From the standard Gumbel distribution.</summary>
    public static MlxArray Gumbel(ReadOnlySpan<int> shape, DType dtype = DType.Float32, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_random_gumbel(sizes, (nuint)shape.Length, (mlx_dtype)dtype, Raw(key), stream), key);
    }

    /// <summary>From the Laplace distribution.</summary>
    public static MlxArray Laplace(
        ReadOnlySpan<int> shape, DType dtype = DType.Float32, float loc = 0, float scale = 1, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_random_laplace(
                    sizes, (nuint)shape.Length, (mlx_dtype)dtype, loc, scale, Raw(key), stream),
                key);
    }

    /// <summary>One place along an axis for each row of unnormalised log-probabilities, as uint32.</summary>
    public static MlxArray Categorical(MlxArray logits, int axis = -1, MlxArray? key = null) =>
        New(Checked.mlx_random_categorical(logits.Handle, axis, Raw(key), Stream), key, logits);

    /// <summary>Several places along an axis for each row: a new last axis.</summary>
    public static MlxArray Categorical(MlxArray logits, int axis, int samples, MlxArray? key = null) =>
        New(Checked.mlx_random_categorical_num_samples(logits.Handle, axis, samples, Raw(key), Stream), key, logits);

    /// <summary>Places along an axis in the given shape, which the other axes of the logits broadcast to.</summary>
    public static MlxArray Categorical(MlxArray logits, int axis, ReadOnlySpan<int> shape, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_random_categorical_shape(
                    logits.Handle, axis, sizes, (nuint)shape.Length, Raw(key), stream),
                key,
                logits);
    }

    /// <summary>Whole numbers from low, included, to high, excluded.</summary>
    public static MlxArray RandInt(
        int low, int high, ReadOnlySpan<int> shape, DType dtype = DType.Int32, MlxArray? key = null) =>
        RandInt(MlxArray.Scalar(low), MlxArray.Scalar(high), shape, dtype, key);

    /// <summary>Whole numbers between bounds that broadcast to the shape.</summary>
    public static MlxArray RandInt(
        MlxArray low, MlxArray high, ReadOnlySpan<int> shape, DType dtype = DType.Int32, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_random_randint(
                    low.Handle, high.Handle, sizes, (nuint)shape.Length, (mlx_dtype)dtype, Raw(key), stream),
                key,
                low,
                high);
    }

    /// <summary>True with a probability that broadcasts to the shape.</summary>
    public static MlxArray Bernoulli(MlxArray probability, ReadOnlySpan<int> shape, MlxArray? key = null)
    {
        mlx_stream stream = Stream;
        fixed (int* sizes = shape)
            return New(
                Checked.mlx_random_bernoulli(
                    probability.Handle, sizes, (nuint)shape.Length, Raw(key), stream),
                key,
                probability);
    }

    /// <summary>True with one probability.</summary>
    public static MlxArray Bernoulli(double probability, ReadOnlySpan<int> shape, MlxArray? key = null) =>
        Bernoulli(MlxArray.Scalar(probability), shape, key);

    /// <summary>The elements of an axis in random order.</summary>
    public static MlxArray Permutation(MlxArray x, int axis = 0, MlxArray? key = null) =>
        New(Checked.mlx_random_permutation(x.Handle, axis, Raw(key), Stream), key, x);

    /// <summary>The numbers below <paramref name="count"/> in random order.</summary>
    public static MlxArray Permutation(int count, MlxArray? key = null) =>
        New(Checked.mlx_random_permutation_arange(count, Raw(key), Stream), key);

    private static mlx_stream Stream => ArrayThread.Current.Stream;

    private static mlx_array Raw(MlxArray? array) => array is null ? default : array.Handle;

    private static MlxArray New(mlx_array result, MlxArray? a, MlxArray? b = null, MlxArray? c = null)
    {
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
        return MlxArray.Adopt(result);
    }
}
