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
    protected override void Run(Node x, Node y, Node z) => BinaryKernels.Number<TFormula>(x, y, z);
}

/// <summary>A function of any two numbers, complex ones too.</summary>
internal abstract class AnyBinary<TFormula> : Binary
    where TFormula : struct, INumberBinary, IComplexBinary
{
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
    protected override void Run(Node x, Node y, Node z)
    {
        if (x.Type == mlx_dtype.MLX_COMPLEX64)
            BinaryKernels.Complex<TFormula>(x, y, z);
        else
            BinaryKernels.Float<TFormula>(x, y, z);
    }
}

internal sealed class Add : AnyBinary<AddFormula>;

internal sealed class Subtract : AnyBinary<SubtractFormula>;

internal sealed class Multiply : AnyBinary<MultiplyFormula>;

internal sealed class Divide : AnyBinary<DivideFormula>;

/// <summary>
/// With the divisor's sign, but in half precision the nearest remainder: so does MLX's CPU device.
/// </summary>
internal sealed class Remainder : Binary
{
    protected override void Run(Node x, Node y, Node z)
    {
        if (x.Type is mlx_dtype.MLX_FLOAT16 or mlx_dtype.MLX_BFLOAT16)
            BinaryKernels.Float<NearestRemainderFormula>(x, y, z);
        else
            BinaryKernels.Number<RemainderFormula>(x, y, z);
    }
}

internal sealed class Maximum : NumberBinary<MaximumFormula>;

internal sealed class Minimum : NumberBinary<MinimumFormula>;

internal sealed class BitwiseAnd : IntegerBinary<BitwiseAndFormula>;

internal sealed class BitwiseOr : IntegerBinary<BitwiseOrFormula>;

internal sealed class BitwiseXor : IntegerBinary<BitwiseXorFormula>;

internal sealed class LeftShift : IntegerBinary<LeftShiftFormula>;

internal sealed class RightShift : IntegerBinary<RightShiftFormula>;

internal sealed class LogicalAnd : IntegerBinary<BitwiseAndFormula>;

internal sealed class LogicalOr : IntegerBinary<BitwiseOrFormula>;

internal sealed class ArcTan2 : InexactBinary<ArcTan2Formula>;

internal sealed class LogAddExp : InexactBinary<LogAddExpFormula>;

internal sealed class Power : Binary
{
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
}
