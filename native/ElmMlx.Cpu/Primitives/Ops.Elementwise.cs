using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>|x|; of complex numbers a float32.</summary>
    public static Node Abs(Node a)
    {
        Node abs = Make(Shared.Of<Abs>(), a.Shape, a.Type, a);
        return a.Type == MLX_COMPLEX64 ? Real(abs) : abs;
    }

    /// <summary>−x; refused for bool.</summary>
    public static Node Negative(Node a) => a.Type == MLX_BOOL
        ? throw new ArgumentException("[negative] Not supported for bool, use logical_not instead.")
        : Make(Shared.Of<Negative>(), a.Shape, a.Type, a);

    /// <summary>−1, 0 or 1; of complex numbers x / |x|.</summary>
    public static Node Sign(Node a) => Make(Shared.Of<Sign>(), a.Shape, a.Type, a);

    /// <summary>x².</summary>
    public static Node Square(Node a) => Make(Shared.Of<Square>(), a.Shape, a.Type, a);

    /// <summary>The next integer below; integers stay.</summary>
    public static Node Floor(Node a) => Whole("floor", Shared.Of<Floor>(), a);

    /// <summary>The next integer above; integers stay.</summary>
    public static Node Ceil(Node a) => Whole("ceil", Shared.Of<Ceil>(), a);

    /// <summary>To <paramref name="decimals"/> decimal places, ties to even.</summary>
    public static Node Round(Node a, int decimals = 0)
    {
        if (decimals == 0)
            return a.Type.IsInexact() ? Make(Shared.Of<Round>(), a.Shape, a.Type, a) : a;
        mlx_dtype type = a.Type.ToInexact();
        float scale = (float)Math.Pow(10, decimals);
        Node scaled = Round(Multiply(a, Scalar(scale, type)));
        return AsType(Multiply(scaled, Scalar(1 / scale, type)), a.Type);
    }

    /// <summary>1 / x.</summary>
    public static Node Reciprocal(Node a) => Divide(Scalar(1.0, a.Type.ToInexact()), a);

    /// <summary>From radians.</summary>
    public static Node Degrees(Node a) => Multiply(a, Scalar(180 / Math.PI, a.Type.ToInexact()));

    /// <summary>From degrees.</summary>
    public static Node Radians(Node a) => Multiply(a, Scalar(Math.PI / 180, a.Type.ToInexact()));

    /// <summary>All bits turned over; of integers and bool.</summary>
    public static Node BitwiseInvert(Node a)
    {
        if (a.Type.IsInexact())
            throw new ArgumentException(
                "[bitwise_invert] Bitwise inversion is only allowed on integer and boolean arrays, "
                + $"but got {a.Type.Name()}.");
        return a.Type == MLX_BOOL ? LogicalNot(a) : Make(Shared.Of<BitwiseInvert>(), a.Shape, a.Type, a);
    }

    /// <summary>Whether x is 0.</summary>
    public static Node LogicalNot(Node a) => Equal(AsType(a, MLX_BOOL), Scalar(false));

    /// <summary>The complex conjugate; real arrays are their own.</summary>
    public static Node Conjugate(Node a) =>
        a.Type == MLX_COMPLEX64 ? Make(Shared.Of<Conjugate>(), a.Shape, a.Type, a) : a;

    /// <summary>The real part as float32; real arrays are their own.</summary>
    public static Node Real(Node a) =>
        a.Type == MLX_COMPLEX64 ? Make(new ComplexPart(isImaginary: false), a.Shape, MLX_FLOAT32, a) : a;

    /// <summary>The imaginary part as float32; 0 of real arrays.</summary>
    public static Node Imag(Node a) => a.Type == MLX_COMPLEX64
        ? Make(new ComplexPart(isImaginary: true), a.Shape, MLX_FLOAT32, a)
        : BroadcastTo(Scalar(0.0, a.Type), a.Shape);

    /// <summary>i, of rank 0.</summary>
    public static unsafe Node ImaginaryUnit()
    {
        Node node = NewScalar(MLX_COMPLEX64);
        ((float*)node.Data)[0] = 0;
        ((float*)node.Data)[1] = 1;
        return node;
    }

    /// <summary>Whether x is NaN.</summary>
    public static Node IsNaN(Node a) => a.Type.IsInexact() ? NotEqual(a, a) : Filled(a, false);

    /// <summary>Whether x is +∞ or −∞.</summary>
    public static Node IsInf(Node a) => a.Type.IsInexact() ? LogicalOr(IsPosInf(a), IsNegInf(a)) : Filled(a, false);

    /// <summary>Whether x is neither infinite nor NaN.</summary>
    public static Node IsFinite(Node a) =>
        a.Type.IsInexact() ? LogicalNot(LogicalOr(IsInf(a), IsNaN(a))) : Filled(a, true);

    /// <summary>Whether x is +∞.</summary>
    public static Node IsPosInf(Node a) => a.Type.IsInexact()
        ? Equal(a, Scalar(double.PositiveInfinity, a.Type)) : Filled(a, false);

    /// <summary>Whether x is −∞.</summary>
    public static Node IsNegInf(Node a) => a.Type.IsInexact()
        ? Equal(a, Scalar(double.NegativeInfinity, a.Type)) : Filled(a, false);

    /// <summary>
    /// NaN and infinities replaced. Where nothing is given, infinities become the largest finite numbers in float32,
    /// and 0 in half precision: so does MLX.
    /// </summary>
    public static Node NanToNum(Node a, float nan, float? positiveInfinity, float? negativeInfinity)
    {
        if (!a.Type.IsInexact())
            return a;
        bool isGiven = positiveInfinity is not null && negativeInfinity is not null;
        float largest = a.Type switch
        {
            MLX_FLOAT32 => float.MaxValue,
            MLX_FLOAT16 or MLX_BFLOAT16 => 0,
            _ when isGiven => 0,
            _ => throw new ArgumentException($"[nan_to_num] Does not yet support given type: {a.Type.Name()}."),
        };
        Node y = Where(IsNaN(a), Scalar(nan, a.Type), a);
        y = Where(IsPosInf(a), Scalar(positiveInfinity ?? largest, a.Type), y);
        return Where(IsNegInf(a), Scalar(negativeInfinity ?? -largest, a.Type), y);
    }

    /// <summary>eˣ.</summary>
    public static Node Exp(Node a) => Inexact(Shared.Of<Exp>(), a);

    /// <summary>eˣ − 1.</summary>
    public static Node Expm1(Node a) => Inexact(Shared.Of<Expm1>(), a);

    /// <summary>Natural logarithm.</summary>
    public static Node Log(Node a) => Inexact(Shared.Of<Log>(), a);

    /// <summary>Logarithm to base 2.</summary>
    public static Node Log2(Node a) => Inexact(Shared.Of<Log2>(), a);

    /// <summary>Logarithm to base 10.</summary>
    public static Node Log10(Node a) => Inexact(Shared.Of<Log10>(), a);

    /// <summary>log(1 + x).</summary>
    public static Node Log1p(Node a) => Inexact(Shared.Of<Log1p>(), a);

    /// <summary>Sine.</summary>
    public static Node Sin(Node a) => Inexact(Shared.Of<Sin>(), a);

    /// <summary>Cosine.</summary>
    public static Node Cos(Node a) => Inexact(Shared.Of<Cos>(), a);

    /// <summary>Tangent.</summary>
    public static Node Tan(Node a) => Inexact(Shared.Of<Tan>(), a);

    /// <summary>Inverse sine.</summary>
    public static Node ArcSin(Node a) => Inexact(Shared.Of<ArcSin>(), a);

    /// <summary>Inverse cosine.</summary>
    public static Node ArcCos(Node a) => Inexact(Shared.Of<ArcCos>(), a);

    /// <summary>Inverse tangent.</summary>
    public static Node ArcTan(Node a) => Inexact(Shared.Of<ArcTan>(), a);

    /// <summary>Hyperbolic sine.</summary>
    public static Node Sinh(Node a) => Inexact(Shared.Of<Sinh>(), a);

    /// <summary>Hyperbolic cosine.</summary>
    public static Node Cosh(Node a) => Inexact(Shared.Of<Cosh>(), a);

    /// <summary>Hyperbolic tangent.</summary>
    public static Node Tanh(Node a) => Inexact(Shared.Of<Tanh>(), a);

    /// <summary>Inverse hyperbolic sine.</summary>
    public static Node ArcSinh(Node a) => Inexact(Shared.Of<ArcSinh>(), a);

    /// <summary>Inverse hyperbolic cosine.</summary>
    public static Node ArcCosh(Node a) => Inexact(Shared.Of<ArcCosh>(), a);

    /// <summary>Inverse hyperbolic tangent.</summary>
    public static Node ArcTanh(Node a) => Inexact(Shared.Of<ArcTanh>(), a);

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    public static Node Sigmoid(Node a) => Inexact(Shared.Of<Sigmoid>(), a);

    /// <summary>Error function.</summary>
    public static Node Erf(Node a) => RealInexact("erf", Shared.Of<Erf>(), a);

    /// <summary>Inverse of the error function.</summary>
    public static Node ErfInv(Node a) => RealInexact("erfinv", Shared.Of<ErfInv>(), a);

    /// <summary>Square root.</summary>
    public static Node Sqrt(Node a) => Inexact(Shared.Of<Sqrt>(), a);

    /// <summary>1 / √x.</summary>
    public static Node Rsqrt(Node a) => Inexact(Shared.Of<Rsqrt>(), a);

    private static Node Inexact(Primitive primitive, Node a)
    {
        mlx_dtype type = a.Type.ToInexact();
        return Make(primitive, a.Shape, type, AsType(a, type));
    }

    private static Node RealInexact(string operation, Primitive primitive, Node a) => a.Type == MLX_COMPLEX64
        ? throw new ArgumentException($"[{operation}] Not supported for complex64.")
        : Inexact(primitive, a);

    private static Node Whole(string operation, Primitive primitive, Node a)
    {
        if (a.Type == MLX_COMPLEX64)
            throw new ArgumentException($"[{operation}] Not supported for complex64.");
        return a.Type.IsFloating() ? Make(primitive, a.Shape, a.Type, a) : a;
    }

    private static Node Filled(Node like, bool value) => BroadcastTo(Scalar(value), like.Shape);
}
