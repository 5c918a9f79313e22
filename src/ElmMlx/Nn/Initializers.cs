namespace ElmMlx.Nn;

/// <summary>Makes an array of a shape: the first values of a parameter.</summary>
/// <param name="shape">For matrices [out, in], for kernels of convolutions [out, …, in].</param>
public delegate MlxArray Initializer(ReadOnlySpan<int> shape);

/// <summary>
/// First values of parameters, with the formulas and defaults of mlx.nn.init. Random ones come from the process's state
/// (<see cref="MlxRandom.Seed"/>).
/// </summary>
/// <example><code>
/// Initializer he = Initializers.HeNormal();
/// model.Apply(weight => he(weight.Shape), (name, weight) => weight.Value.Rank >= 2);
/// </code></example>
public static class Initializers
{
    /// <summary>One value everywhere.</summary>
    public static Initializer Constant(double value, DType dtype = DType.Float32) =>
        shape => MlxArray.Full(shape, value, dtype);

    /// <summary>From the normal distribution.</summary>
    public static Initializer Normal(double mean = 0, double std = 1, DType dtype = DType.Float32) =>
        shape => MlxRandom.Normal(shape, dtype, (float)mean, (float)std);

    /// <summary>Evenly from low, included, to high, excluded.</summary>
    public static Initializer Uniform(double low = 0, double high = 1, DType dtype = DType.Float32) =>
        shape => MlxRandom.Uniform(shape, low, high, dtype);

    /// <summary>The identity matrix; the shape must be [n, n].</summary>
    public static Initializer Identity(DType dtype = DType.Float32) => shape =>
        shape.Length == 2 && shape[0] == shape[1]
            ? MlxArray.Eye(shape[0], dtype: dtype)
            : throw new ArgumentException($"the identity is a square matrix, not {Shapes.Text(shape)}", nameof(shape));

    /// <summary>
    /// From the normal distribution with deviation <c>gain · √(2 / (in + out))</c> (Glorot and Bengio 2010).
    /// </summary>
    public static Initializer GlorotNormal(double gain = 1, DType dtype = DType.Float32) => shape =>
    {
        (double fanIn, double fanOut) = Fans(shape);
        return MlxRandom.Normal(shape, dtype, scale: (float)(gain * Math.Sqrt(2 / (fanIn + fanOut))));
    };

    /// <summary>Evenly from <c>±gain · √(6 / (in + out))</c> (Glorot and Bengio 2010).</summary>
    public static Initializer GlorotUniform(double gain = 1, DType dtype = DType.Float32) => shape =>
    {
        (double fanIn, double fanOut) = Fans(shape);
        double limit = gain * Math.Sqrt(6 / (fanIn + fanOut));
        return MlxRandom.Uniform(shape, -limit, limit, dtype);
    };

    /// <summary>
    /// From the normal distribution with deviation <c>gain / √fan</c> (He et al. 2015, arXiv:1502.01852, where gain is
    /// √2).
    /// </summary>
    public static Initializer HeNormal(FanMode mode = FanMode.FanIn, double gain = 1, DType dtype = DType.Float32) =>
        shape => MlxRandom.Normal(shape, dtype, scale: (float)(gain / Math.Sqrt(Fan(shape, mode))));

    /// <summary>Evenly from <c>±gain · √(3 / fan)</c> (He et al. 2015, arXiv:1502.01852, where gain is √2).</summary>
    public static Initializer HeUniform(FanMode mode = FanMode.FanIn, double gain = 1, DType dtype = DType.Float32) =>
        shape =>
        {
            double limit = gain * Math.Sqrt(3 / Fan(shape, mode));
            return MlxRandom.Uniform(shape, -limit, limit, dtype);
        };

    /// <summary>
    /// From the normal distribution, with zeros in a share of each row (rounded up): which ones is drawn too. The shape
    /// must be [rows, columns].
    /// </summary>
    /// <param name="sparsity">The share, from 0 to 1.</param>
    /// <param name="mean">Of the others.</param>
    /// <param name="std">Of the others.</param>
    /// <param name="dtype">A floating-point type.</param>
    public static Initializer Sparse(double sparsity, double mean = 0, double std = 1, DType dtype = DType.Float32) =>
        shape =>
        {
            CheckMatrix(shape);
            int nZeros = (int)Math.Ceiling(sparsity * shape[1]);
            MlxArray order = MlxRandom.Uniform(shape).ArgSort(1);
            MlxArray values = MlxRandom.Normal(shape, dtype, (float)mean, (float)std);
            return nZeros == 0 ? values
                : values.PutAlongAxis(order[.., ..nZeros], MlxArray.Zeros([shape[0], nZeros], dtype), 1);
        };

    /// <summary>
    /// <c>gain</c> times a random matrix with orthogonal rows, or columns where there are fewer of them (Saxe et al.
    /// 2013, arXiv:1312.6120). The shape must be [rows, columns].
    /// </summary>
    public static Initializer Orthogonal(double gain = 1, DType dtype = DType.Float32) => shape =>
    {
        CheckMatrix(shape);
        int n = Math.Max(shape[0], shape[1]);
        (MlxArray q, MlxArray r) = OnCpu(MlxRandom.Normal([n, n]));
        q *= r.Diag().Sign();                               // one of the many QR: that whose R has a positive diagonal
        return (q[..shape[0], ..shape[1]] * gain).AsType(dtype);
    };

    // MLX has this decomposition on the CPU only.
    private static (MlxArray Q, MlxArray R) OnCpu(MlxArray square)
    {
        using IDisposable usage = MlxStream.DefaultOf(new MlxDevice(MlxDeviceKind.Cpu)).Use();
        return square.Qr();
    }

    private static void CheckMatrix(ReadOnlySpan<int> shape)
    {
        if (shape.Length != 2)
            throw new ArgumentException($"this initializer makes matrices, not {Shapes.Text(shape)}", nameof(shape));
    }

    private static double Fan(ReadOnlySpan<int> shape, FanMode mode) =>
        mode is FanMode.FanIn ? Fans(shape).In : Fans(shape).Out;

    // How many numbers meet in one of the result, and in how many one of the input takes part.
    private static (double In, double Out) Fans(ReadOnlySpan<int> shape)
    {
        if (shape.Length < 2)
            throw new ArgumentException(
                $"Glorot's and He's initializers need at least 2 axes, and the shape is {Shapes.Text(shape)}",
                nameof(shape));
        double field = 1;
        foreach (int size in shape[1..^1])
            field *= size;
        return (shape[^1] * field, shape[0] * field);
    }
}
