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

    // A cotangent meets the conjugate of f′; real arrays are their own conjugates.
    public override Node?[] Gradient(Backward backward) => [Ops.Conjugate(
        TimesSlope(Ops.Conjugate(backward.Cotangent), backward.X, backward.Output))];

    protected abstract void Run(Node x, Node y);

    /// <summary>g · f′(x), where y = f(x).</summary>
    protected virtual Node TimesSlope(Node g, Node x, Node y) =>
        throw new NotSupportedException($"[{Name}] has no gradient.");
}

/// <summary>A function of any real number.</summary>
internal abstract class NumberElementwise<TFormula> : Elementwise
    where TFormula : struct, INumberUnary
{
    public override ElementKernel OfElements(Operation operation) =>
        ElementKernel.OfNumber<TFormula>(operation.Inputs[0].Type);

    protected override void Run(Node x, Node y) => UnaryKernels.Number<TFormula>(x, y);
}

/// <summary>A function of any number, complex ones too.</summary>
internal abstract class AnyElementwise<TFormula> : Elementwise
    where TFormula : struct, INumberUnary, IComplexUnary
{
    public override ElementKernel OfElements(Operation operation) =>
        ElementKernel.OfNumber<TFormula>(operation.Inputs[0].Type);

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
    public override ElementKernel OfElements(Operation operation) =>
        ElementKernel.OfFloat<TFormula>(operation.Inputs[0].Type);

    protected override void Run(Node x, Node y) => UnaryKernels.Float<TFormula>(x, y);
}

/// <summary>A function of floating-point and complex numbers.</summary>
internal abstract class InexactElementwise<TFormula> : Elementwise
    where TFormula : struct, IFloatUnary, IComplexUnary
{
    public override ElementKernel OfElements(Operation operation) =>
        ElementKernel.OfFloat<TFormula>(operation.Inputs[0].Type);

    protected override void Run(Node x, Node y)
    {
        if (x.Type == mlx_dtype.MLX_COMPLEX64)
            UnaryKernels.Complex<TFormula>(x, y);
        else
            UnaryKernels.Float<TFormula>(x, y);
    }
}

/// <summary>|x|; 0 has the slope 0.</summary>
internal sealed class Abs : AnyElementwise<AbsFormula>
{
    public override Node?[] Gradient(Backward backward) =>
        [Ops.Multiply(backward.Cotangent, Ops.Sign(backward.X))];
}

internal sealed class Negative : AnyElementwise<NegativeFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) => Ops.Negative(g);
}

internal sealed class Sign : AnyElementwise<SignFormula>
{
    public override Node?[] Gradient(Backward backward) => [null];
}

internal sealed class Square : AnyElementwise<SquareFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(x, Ops.Multiply(Ops.Scalar(2, x.Type), g));
}

internal sealed class BitwiseInvert : NumberElementwise<BitwiseInvertFormula>;

internal sealed class Exp : InexactElementwise<ExpFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) => Ops.Multiply(g, y);
}

internal sealed class Expm1 : InexactElementwise<Expm1Formula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(g, Ops.Add(y, Ops.Scalar(1, y.Type)));
}

internal sealed class Log : InexactElementwise<LogFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) => Ops.Divide(g, x);
}

internal sealed class Log2 : InexactElementwise<Log2Formula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Divide(Ops.Multiply(g, Ops.Scalar(1 / Math.Log(2), x.Type)), x);
}

internal sealed class Log10 : InexactElementwise<Log10Formula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Divide(Ops.Multiply(g, Ops.Scalar(1 / Math.Log(10), x.Type)), x);
}

internal sealed class Log1p : InexactElementwise<Log1pFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) => Ops.Divide(g, Ops.Add(Ops.Scalar(1, x.Type), x));
}

internal sealed class Sin : InexactElementwise<SinFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) => Ops.Multiply(g, Ops.Cos(x));
}

internal sealed class Cos : InexactElementwise<CosFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) => Ops.Multiply(g, Ops.Negative(Ops.Sin(x)));
}

internal sealed class Tan : InexactElementwise<TanFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(g, Ops.Add(Ops.Scalar(1, y.Type), Ops.Square(y)));
}

internal sealed class ArcSin : InexactElementwise<ArcSinFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(g, Ops.Rsqrt(Ops.Subtract(Ops.Scalar(1, x.Type), Ops.Square(x))));
}

internal sealed class ArcCos : InexactElementwise<ArcCosFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(g, Ops.Negative(Ops.Rsqrt(Ops.Subtract(Ops.Scalar(1, x.Type), Ops.Square(x)))));
}

internal sealed class ArcTan : InexactElementwise<ArcTanFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Divide(g, Ops.Add(Ops.Scalar(1, x.Type), Ops.Square(x)));
}

internal sealed class Sinh : InexactElementwise<SinhFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) => Ops.Multiply(g, Ops.Cosh(x));
}

internal sealed class Cosh : InexactElementwise<CoshFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) => Ops.Multiply(g, Ops.Sinh(x));
}

internal sealed class Tanh : InexactElementwise<TanhFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(g, Ops.Subtract(Ops.Scalar(1, y.Type), Ops.Square(y)));
}

internal sealed class ArcSinh : InexactElementwise<ArcSinhFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(g, Ops.Rsqrt(Ops.Add(Ops.Square(x), Ops.Scalar(1, x.Type))));
}

/// <summary>Its slope is 1 / √(x² − 1), with the branch cut of √(x − 1) · √(x + 1).</summary>
internal sealed class ArcCosh : InexactElementwise<ArcCoshFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y)
    {
        Node one = Ops.Scalar(1, x.Type);
        return Ops.Multiply(g, x.Type == mlx_dtype.MLX_COMPLEX64
            ? Ops.Multiply(Ops.Rsqrt(Ops.Subtract(x, one)), Ops.Rsqrt(Ops.Add(x, one)))
            : Ops.Rsqrt(Ops.Subtract(Ops.Square(x), one)));
    }
}

internal sealed class ArcTanh : InexactElementwise<ArcTanhFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Divide(g, Ops.Subtract(Ops.Scalar(1, x.Type), Ops.Square(x)));
}

internal sealed class Sigmoid : InexactElementwise<SigmoidFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(g, Ops.Multiply(y, Ops.Subtract(Ops.Scalar(1, y.Type), y)));
}

internal sealed class Erf : FloatElementwise<ErfFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(Ops.Multiply(Ops.Scalar(2 / Math.Sqrt(Math.PI), x.Type), g), Ops.Exp(Ops.Negative(Ops.Square(x))));
}

internal sealed class ErfInv : FloatElementwise<ErfInvFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(Ops.Multiply(Ops.Scalar(Math.Sqrt(Math.PI) / 2, x.Type), g), Ops.Exp(Ops.Square(y)));
}

internal sealed class Sqrt : InexactElementwise<SqrtFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Divide(Ops.Multiply(Ops.Scalar(0.5, y.Type), g), y);
}

internal sealed class Rsqrt : InexactElementwise<RsqrtFormula>
{
    protected override Node TimesSlope(Node g, Node x, Node y) =>
        Ops.Multiply(Ops.Multiply(Ops.Scalar(-0.5, y.Type), g), Ops.Divide(y, x));
}

internal sealed class Floor : FloatElementwise<FloorFormula>
{
    public override Node?[] Gradient(Backward backward) => [null];
}

internal sealed class Ceil : FloatElementwise<CeilFormula>
{
    public override Node?[] Gradient(Backward backward) => [null];
}

internal sealed class Round : InexactElementwise<RoundFormula>
{
    public override Node?[] Gradient(Backward backward) => [null];
}

internal sealed class Conjugate : Elementwise
{
    public override Node?[] Gradient(Backward backward) => [Ops.Conjugate(backward.Cotangent)];

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

    public override Node?[] Gradient(Backward backward)
    {
        Node real = Ops.AsType(backward.Cotangent, mlx_dtype.MLX_COMPLEX64);
        return [isImaginary ? Ops.Multiply(Ops.ImaginaryUnit(), real) : real];
    }
}
