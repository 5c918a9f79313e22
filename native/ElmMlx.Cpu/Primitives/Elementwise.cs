using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>y = f(x), element by element, where y has x's dtype and shape.</summary>
internal abstract class Elementwise : Primitive
{
    /// <summary>MLX calls a primitive as its class is called.</summary>
    public override string Name => GetType().Name;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].AllocateOver(inputs[0]);
        Run(inputs[0], outputs[0]);
    }

    protected abstract void Run(Node x, Node y);
}

/// <summary>A function of any real number.</summary>
internal abstract class NumberElementwise<TFormula> : Elementwise
    where TFormula : struct, INumberUnary
{
    protected override void Run(Node x, Node y) => UnaryKernels.Number<TFormula>(x, y);
}

/// <summary>A function of any number, complex ones too.</summary>
internal abstract class AnyElementwise<TFormula> : Elementwise
    where TFormula : struct, INumberUnary, IComplexUnary
{
    protected override void Run(Node x, Node y)
    {
        if (x.Type == mlx_dtype.MLX_COMPLEX64)
            UnaryKernels.Complex<TFormula>(x, y);
        else
            UnaryKernels.Number<TFormula>(x, y);
    }
}

/// <summary>A function of floating-point numbers.</summary>
internal abstract class FloatElementwise<TFormula> : Elementwise
    where TFormula : struct, IFloatUnary
{
    protected override void Run(Node x, Node y) => UnaryKernels.Float<TFormula>(x, y);
}

/// <summary>A function of floating-point and complex numbers.</summary>
internal abstract class InexactElementwise<TFormula> : Elementwise
    where TFormula : struct, IFloatUnary, IComplexUnary
{
    protected override void Run(Node x, Node y)
    {
        if (x.Type == mlx_dtype.MLX_COMPLEX64)
            UnaryKernels.Complex<TFormula>(x, y);
        else
            UnaryKernels.Float<TFormula>(x, y);
    }
}

internal sealed class Abs : AnyElementwise<AbsFormula>;

internal sealed class Negative : AnyElementwise<NegativeFormula>;

internal sealed class Sign : AnyElementwise<SignFormula>;

internal sealed class Square : AnyElementwise<SquareFormula>;

internal sealed class BitwiseInvert : NumberElementwise<BitwiseInvertFormula>;

internal sealed class Exp : InexactElementwise<ExpFormula>;

internal sealed class Expm1 : InexactElementwise<Expm1Formula>;

internal sealed class Log : InexactElementwise<LogFormula>;

internal sealed class Log2 : InexactElementwise<Log2Formula>;

internal sealed class Log10 : InexactElementwise<Log10Formula>;

internal sealed class Log1p : InexactElementwise<Log1pFormula>;

internal sealed class Sin : InexactElementwise<SinFormula>;

internal sealed class Cos : InexactElementwise<CosFormula>;

internal sealed class Tan : InexactElementwise<TanFormula>;

internal sealed class ArcSin : InexactElementwise<ArcSinFormula>;

internal sealed class ArcCos : InexactElementwise<ArcCosFormula>;

internal sealed class ArcTan : InexactElementwise<ArcTanFormula>;

internal sealed class Sinh : InexactElementwise<SinhFormula>;

internal sealed class Cosh : InexactElementwise<CoshFormula>;

internal sealed class Tanh : InexactElementwise<TanhFormula>;

internal sealed class ArcSinh : FloatElementwise<ArcSinhFormula>;

internal sealed class ArcCosh : FloatElementwise<ArcCoshFormula>;

internal sealed class ArcTanh : FloatElementwise<ArcTanhFormula>;

internal sealed class Sigmoid : InexactElementwise<SigmoidFormula>;

internal sealed class Erf : FloatElementwise<ErfFormula>;

internal sealed class ErfInv : FloatElementwise<ErfInvFormula>;

internal sealed class Sqrt : InexactElementwise<SqrtFormula>;

internal sealed class Rsqrt : InexactElementwise<RsqrtFormula>;

internal sealed class Floor : FloatElementwise<FloorFormula>;

internal sealed class Ceil : FloatElementwise<CeilFormula>;

internal sealed class Round : InexactElementwise<RoundFormula>;

internal sealed class Conjugate : Elementwise
{
    protected override void Run(Node x, Node y) => UnaryKernels.Complex<ConjugateFormula>(x, y);
}

/// <summary>Real or imaginary part: every other float32 of complex64.</summary>
internal sealed class ComplexPart(bool isImaginary) : Primitive
{
    public override string Name => isImaginary ? "Imag" : "Real";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node x = inputs[0];
        long[] strides = Array.ConvertAll(x.Strides, stride => stride * 2);
        outputs[0].ShareWith(x, strides, x.Offset * 2 + (isImaginary ? 1 : 0));
    }
}
