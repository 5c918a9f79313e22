using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_random_key(mlx_array* res, ulong seed) =>
        Return(res, Ops.RandomKey(seed));

    public static int mlx_random_seed(ulong seed)
    {
        RandomState.Seed(seed);
        return 0;
    }

    public static int mlx_random_bits(
        mlx_array* res, int* shape, nuint shape_num, int width, mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomBits(Handles.Ints(shape, shape_num), width, Handles.NodeOrNull(key)));

    public static int mlx_random_split_num(mlx_array* res, mlx_array key, int num, mlx_stream s) =>
        Return(res, Ops.RandomSplit(Handles.Node(key), num));

    public static int mlx_random_split(mlx_array* res_0, mlx_array* res_1, mlx_array key, mlx_stream s)
    {
        (Node first, Node second) = Ops.RandomSplit(Handles.Node(key));
        Return(res_0, first);
        return Return(res_1, second);
    }

    public static int mlx_random_uniform(
        mlx_array* res, mlx_array low, mlx_array high, int* shape, nuint shape_num, mlx_dtype dtype,
        mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomUniform(Handles.Node(low), Handles.Node(high), Handles.Ints(shape, shape_num), dtype,
            Handles.NodeOrNull(key)));

    public static int mlx_random_normal(
        mlx_array* res, int* shape, nuint shape_num, mlx_dtype dtype, float loc, float scale, mlx_array key,
        mlx_stream s)
    {
        Node? mean = loc == 0 ? null : Ops.Scalar(loc, dtype), deviation = scale == 1 ? null : Ops.Scalar(scale, dtype);
        return Return(res, Ops.RandomNormal(
            Handles.Ints(shape, shape_num), dtype, mean, deviation, Handles.NodeOrNull(key)));
    }

    public static int mlx_random_normal_broadcast(
        mlx_array* res, int* shape, nuint shape_num, mlx_dtype dtype, mlx_array loc, mlx_array scale,
        mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomNormal(Handles.Ints(shape, shape_num), dtype, Handles.NodeOrNull(loc),
            Handles.NodeOrNull(scale),
            Handles.NodeOrNull(key)));

    public static int mlx_random_multivariate_normal(
        mlx_array* res, mlx_array mean, mlx_array cov, int* shape, nuint shape_num, mlx_dtype dtype, mlx_array key,
        mlx_stream s) => Return(res, Ops.RandomMultivariateNormal(
            Handles.Node(mean), Handles.Node(cov), Handles.Ints(shape, shape_num), dtype, Handles.NodeOrNull(key)));

    public static int mlx_random_truncated_normal(
        mlx_array* res, mlx_array lower, mlx_array upper, int* shape, nuint shape_num, mlx_dtype dtype,
        mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomTruncatedNormal(Handles.Node(lower), Handles.Node(upper),
            Handles.Ints(shape, shape_num), dtype,
            Handles.NodeOrNull(key)));

    public static int mlx_random_gumbel(
        mlx_array* res, int* shape, nuint shape_num, mlx_dtype dtype, mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomGumbel(Handles.Ints(shape, shape_num), dtype, Handles.NodeOrNull(key)));

    public static int mlx_random_laplace(
        mlx_array* res, int* shape, nuint shape_num, mlx_dtype dtype, float loc, float scale, mlx_array key,
        mlx_stream s) =>
        Return(res, Ops.RandomLaplace(Handles.Ints(shape, shape_num), dtype, loc, scale,
            Handles.NodeOrNull(key)));

    public static int mlx_random_randint(
        mlx_array* res, mlx_array low, mlx_array high, int* shape, nuint shape_num, mlx_dtype dtype,
        mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomInt(Handles.Node(low), Handles.Node(high), Handles.Ints(shape, shape_num), dtype,
            Handles.NodeOrNull(key)));

    public static int mlx_random_bernoulli(
        mlx_array* res, mlx_array p, int* shape, nuint shape_num, mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomBernoulli(Handles.Node(p), Handles.Ints(shape, shape_num),
            Handles.NodeOrNull(key)));

    public static int mlx_random_categorical(
        mlx_array* res, mlx_array logits, int axis, mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomCategorical(Handles.Node(logits), axis, Handles.NodeOrNull(key)));

    public static int mlx_random_categorical_shape(
        mlx_array* res, mlx_array logits, int axis, int* shape, nuint shape_num, mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomCategorical(Handles.Node(logits), axis, Handles.Ints(shape, shape_num),
            Handles.NodeOrNull(key)));

    public static int mlx_random_categorical_num_samples(
        mlx_array* res, mlx_array logits_, int axis, int num_samples, mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomCategorical(Handles.Node(logits_), axis, num_samples,
            Handles.NodeOrNull(key)));

    public static int mlx_random_permutation(
        mlx_array* res, mlx_array x, int axis, mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomPermutation(Handles.Node(x), axis, Handles.NodeOrNull(key)));

    public static int mlx_random_permutation_arange(mlx_array* res, int x, mlx_array key, mlx_stream s) =>
        Return(res, Ops.RandomPermutation(x, Handles.NodeOrNull(key)));
}
