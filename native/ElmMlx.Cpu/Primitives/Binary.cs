using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>z = f(x, y), element by element, of inputs of one shape and dtype.</summary>
internal abstract class Binary : Primitive
{
    public override string Name => GetType().Name;

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].AllocateOver(inputs[inputs[0].IsRowContiguous ? 0 : 1]);
        try
        {
            Run(inputs[0], inputs[1], outputs[0]);
        }
        catch (DivideByZeroException)
        {
            throw new ArgumentException($"[{Name}] An integer is divided by 0: cast to a floating dtype first.");
        }
    }

    protected abstract void Run(Node x, Node y, Node z);
}

/// <summary>A function of any two real numbers.</summary>
internal abstract class NumberBinary<TFormula> : Binary
    where TFormula : struct, INumberBinary
{
    public override ElementKernel OfElements(Operation operation) =>
        ElementKernel.OfNumbers<TFormula>(operation.Inputs[0].Type);

    protected override void Run(Node x, Node y, Node z) => BinaryKernels.Number<TFormula>(x, y, z);
}

/// <summary>A function of any two numbers, complex ones too.</summary>
internal abstract class AnyBinary<TFormula> : Binary
    where TFormula : struct, INumberBinary, IComplexBinary
{
    public override ElementKernel OfElements(Operation operation) =>
        ElementKernel.OfNumbers<TFormula>(operation.Inputs[0].Type);

    protected override void Run(Node x, Node y, Node z)
    {
        if (x.Type == mlx_dtype.MLX_COMPLEX64)
            BinaryKernels.Complex<TFormula>(x, y, z);
        else
            BinaryKernels.Number<TFormula>(x, y, z);
    }
}

/// <summary>A function of two integers.</summary>
internal abstract class IntegerBinary<TFormula> : Binary
    where TFormula : struct, IIntegerBinary
{
    protected override void Run(Node x, Node y, Node z) => BinaryKernels.Integer<TFormula>(x, y, z);
}

/// <summary>A function of two floating-point or complex numbers.</summary>
internal abstract class InexactBinary<TFormula> : Binary
    where TFormula : struct, IFloatBinary, IComplexBinary
{
    public override ElementKernel OfElements(Operation operation) =>
        ElementKernel.OfFloats<TFormula>(operation.Inputs[0].Type);

    protected override void Run(Node x, Node y, Node z)
    {
        if (x.Type == mlx_dtype.MLX_COMPLEX64)
            BinaryKernels.Complex<TFormula>(x, y, z);
        else
            BinaryKernels.Float<TFormula>(x, y, z);
    }
}

internal sealed class Add : AnyBinary<AddFormula>
{
    public override Node?[] Gradient(Backward backward) =>
        backward.Each(() => backward.Cotangent, () => backward.Cotangent);
}

internal sealed class Subtract : AnyBinary<SubtractFormula>
{
    public override Node?[] Gradient(Backward backward) =>
        backward.Each(() => backward.Cotangent, () => Ops.Negative(backward.Cotangent));
}

internal sealed class Multiply : AnyBinary<MultiplyFormula>
{
    public override Node?[] Gradient(Backward backward) => backward.Each(
        () => Ops.Multiply(Ops.Conjugate(backward.Y), backward.Cotangent),
        () => Ops.Multiply(Ops.Conjugate(backward.X), backward.Cotangent));
}

internal sealed class Divide : AnyBinary<DivideFormula>
{
    // ∂(x / y)/∂y = −(x / y) / y
    public override Node?[] Gradient(Backward backward) => backward.Each(
        () => Ops.Divide(backward.Cotangent, Ops.Conjugate(backward.Y)),
        () => Ops.Negative(Ops.Divide(
            Ops.Multiply(backward.Cotangent, Ops.Conjugate(backward.Output)), Ops.Conjugate(backward.Y))));
}

/// <summary>
/// With the divisor's sign, but in half precision the nearest remainder: so does MLX's CPU device.
/// </summary>
internal sealed class Remainder : Binary
{
    public override Node?[] Gradient(Backward backward) => backward.Each(
        () => backward.Cotangent,
        () => Ops.Negative(Ops.Multiply(
            Ops.Floor(Ops.Divide(backward.X, backward.Y)), backward.Cotangent)));

    protected override void Run(Node x, Node y, Node z)
    {
        if (x.Type is mlx_dtype.MLX_FLOAT16 or mlx_dtype.MLX_BFLOAT16)
            BinaryKernels.Float<NearestRemainderFormula>(x, y, z);
        else if (x.Type == mlx_dtype.MLX_COMPLEX64)
            BinaryKernels.Complex<RemainderFormula>(x, y, z);
        else
            BinaryKernels.Number<RemainderFormula>(x, y, z);
    }
}

/// <summary>The larger one; of equal ones the second.</summary>
internal sealed class Maximum : NumberBinary<MaximumFormula>
{
    public override Node?[] Gradient(Backward backward) => backward.Each(
        () => backward.CotangentWhere(Ops.Greater(backward.X, backward.Y)),
        () => backward.CotangentWhere(Ops.LessEqual(backward.X, backward.Y)));
}

/// <summary>The smaller one; of equal ones the second.</summary>
internal sealed class Minimum : NumberBinary<MinimumFormula>
{
    public override Node?[] Gradient(Backward backward) => backward.Each(
        () => backward.CotangentWhere(Ops.Less(backward.X, backward.Y)),
        () => backward.CotangentWhere(Ops.GreaterEqual(backward.X, backward.Y)));
}

internal sealed class BitwiseAnd : IntegerBinary<BitwiseAndFormula>;

internal sealed class BitwiseOr : IntegerBinary<BitwiseOrFormula>;

internal sealed class BitwiseXor : IntegerBinary<BitwiseXorFormula>;

internal sealed class LeftShift : IntegerBinary<LeftShiftFormula>;

internal sealed class RightShift : IntegerBinary<RightShiftFormula>;

internal sealed class LogicalAnd : IntegerBinary<BitwiseAndFormula>;

internal sealed class LogicalOr : IntegerBinary<BitwiseOrFormula>;

/// <summary>The angle of the point (y, x).</summary>
internal sealed class ArcTan2 : InexactBinary<ArcTan2Formula>
{
    public override Node?[] Gradient(Backward backward)
    {
        Node overSquare = Ops.Divide(
            backward.Cotangent, Ops.Add(Ops.Square(backward.X), Ops.Square(backward.Y)));
        return backward.Each(
            () => Ops.Multiply(backward.Y, overSquare),
            () => Ops.Multiply(Ops.Negative(backward.X), overSquare));
    }
}

internal sealed class LogAddExp : InexactBinary<LogAddExpFormula>
{
    public override Node?[] Gradient(Backward backward)
    {
        Node share = Ops.Conjugate(Ops.Sigmoid(Ops.Subtract(backward.X, backward.Y)));
        return backward.Each(
            () => Ops.Multiply(backward.Cotangent, share),
            () => Ops.Multiply(backward.Cotangent, Ops.Subtract(Ops.Scalar(1, share.Type), share)));
    }
}

internal sealed class Power : Binary
{
    public override Node?[] Gradient(Backward backward)
    {
        (Node x, Node y, Node z) = (backward.X, backward.Y, backward.Output);
        return backward.Each(
            () => Ops.Multiply(backward.Cotangent, Ops.Conjugate(
                Ops.Multiply(Ops.Power(x, Ops.Subtract(y, Ops.Scalar(1, y.Type))), y))),
            // 0 · log 0 is 0
            () => Ops.Multiply(backward.Cotangent, Ops.Conjugate(
                Ops.Where(z, Ops.Multiply(Ops.Log(x), z), Ops.Scalar(0, z.Type)))));
    }

    protected override void Run(Node x, Node y, Node z)
    {
        if (x.Type == mlx_dtype.MLX_COMPLEX64)
            BinaryKernels.Complex<PowerFormula>(x, y, z);
        else if (x.Type.IsFloating())
            BinaryKernels.Float<PowerFormula>(x, y, z);
        else
            BinaryKernels.Integer<IntegerPowerFormula>(x, y, z);
    }
}

/// <summary>The truncated quotient and what it leaves over.</summary>
internal sealed class DivMod : Primitive
{
    public override string Name => "DivMod";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node x = inputs[0], y = inputs[1], quotient = outputs[0], rest = outputs[1];
        quotient.Allocate();
        rest.Allocate();
        try
        {
            BinaryKernels.Number<DivideFormula>(x, y, quotient);
            BinaryKernels.Number<TruncatedRemainderFormula>(x, y, rest);
        }
        catch (DivideByZeroException)
        {
            throw new ArgumentException("[divmod] An integer is divided by 0: cast to a floating dtype first.");
        }

        if (x.Type.IsFloating())
            UnaryKernels.Float<TruncateFormula>(quotient, quotient);
    }

    // MLX's rule: none flows through either result.
    public override Node?[] Gradient(Backward backward) => [null, null];
}
