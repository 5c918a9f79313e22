using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// What an elementwise operation does in a <see cref="Chain"/>: a formula of one or two float32 numbers, or a cast.
/// Those of float16 and bfloat16 compute in float32, too, and round. The default is none.
/// </summary>
internal readonly unsafe struct ElementKernel
{
    private readonly delegate*<float*, long, float*, long, float*, int, void> _formula;

    private ElementKernel(delegate*<float*, long, float*, long, float*, int, void> formula) => _formula = formula;

    /// <summary>A cast between floating dtypes: no formula, only the rounding.</summary>
    public static ElementKernel Cast { get; } = new ElementKernel(null) with { IsCast = true };

    public bool IsCast { get; private init; }

    public bool Exists => IsCast || _formula != null;

    /// <summary>Whether elements of this dtype are computed in chains.</summary>
    public static bool Knows(mlx_dtype type) => type is MLX_FLOAT16 or MLX_BFLOAT16 or MLX_FLOAT32;

    public static ElementKernel OfNumber<TFormula>(mlx_dtype type)
        where TFormula : struct, INumberUnary =>
        Knows(type) ? new(&Unary<NumberUnaryOf<TFormula, float>>) : default;

    public static ElementKernel OfFloat<TFormula>(mlx_dtype type)
        where TFormula : struct, IFloatUnary => Knows(type) ? new(&Unary<SingleUnaryOf<TFormula>>) : default;

    public static ElementKernel OfNumbers<TFormula>(mlx_dtype type)
        where TFormula : struct, INumberBinary =>
        Knows(type) ? new(&Binary<NumberBinaryOf<TFormula, float>>) : default;

    public static ElementKernel OfFloats<TFormula>(mlx_dtype type)
        where TFormula : struct, IFloatBinary => Knows(type) ? new(&Binary<SingleBinaryOf<TFormula>>) : default;

    public static ElementKernel OfCast(mlx_dtype from, mlx_dtype to) => Knows(from) && Knows(to) ? Cast : default;

    /// <summary>
    /// z[i] = f(x[i], y[i]); strides of 1, or 0 for one number for all. A formula of one number takes x.
    /// </summary>
    public void Run(float* x, long xStride, float* y, long yStride, float* z, int n) =>
        _formula(x, xStride, y, yStride, z, n);

    private static void Unary<TFormula>(float* x, long xStride, float* y, long yStride, float* z, int n)
        where TFormula : struct, IUnary<float>
    {
        UnaryDriver<TFormula, float>.Run(x, z, xStride == 0 ? 1 : n);
        if (xStride == 0)
            new Span<float>(z, n).Fill(*z);
    }

    private static void Binary<TFormula>(float* x, long xStride, float* y, long yStride, float* z, int n)
        where TFormula : struct, IBinary<float> =>
        BinaryDriver<TFormula, float>.Run(x, xStride, y, yStride, z, n);
}
