using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>a + b; of bool: or.</summary>
    public static Node Add(Node a, Node b) => Pair(Shared.Of<Add>(), DTypes.Promote(a.Type, b.Type), a, b);

    /// <summary>a − b; of bool: whether they differ.</summary>
    public static Node Subtract(Node a, Node b) => Pair(Shared.Of<Subtract>(), DTypes.Promote(a.Type, b.Type), a, b);

    /// <summary>a · b; of bool: and.</summary>
    public static Node Multiply(Node a, Node b) => Pair(Shared.Of<Multiply>(), DTypes.Promote(a.Type, b.Type), a, b);

    /// <summary>a / b; integers become float32.</summary>
    public static Node Divide(Node a, Node b) =>
        Pair(Shared.Of<Divide>(), DTypes.Promote(a.Type, b.Type).ToInexact(), a, b);

    /// <summary>⌊a / b⌋ of floating-point numbers; of integers the truncated quotient.</summary>
    public static Node FloorDivide(Node a, Node b)
    {
        mlx_dtype type = DTypes.Promote(a.Type, b.Type);
        return type.IsInexact() ? Floor(Divide(a, b)) : Pair(Shared.Of<Divide>(), type, a, b);
    }

    /// <summary>What division leaves over, with the divisor's sign.</summary>
    public static Node Remainder(Node a, Node b) =>
        Pair(Shared.Of<Remainder>(), DTypes.Promote(a.Type, b.Type), a, b);

    /// <summary>The truncated quotient and what it leaves over.</summary>
    public static Node[] DivMod(Node a, Node b)
    {
        mlx_dtype type = DTypes.Promote(a.Type, b.Type);
        if (type == MLX_COMPLEX64)
            throw new ArgumentException("[divmod] Not supported for complex64.");
        int[] shape = BroadcastShapes("broadcast_shapes", a.Shape, b.Shape);
        Node[] inputs = [BroadcastTo(AsType(a, type), shape), BroadcastTo(AsType(b, type), shape)];
        return Operation.New(Shared.Of<DivMod>(), inputs, [shape, shape], [type, type]).Outputs.ToArray();
    }

    /// <summary>aᵇ; of integers by squaring.</summary>
    public static Node Power(Node a, Node b) => Pair(Shared.Of<Power>(), DTypes.Promote(a.Type, b.Type), a, b);

    /// <summary>The larger one; NaN if either is.</summary>
    public static Node Maximum(Node a, Node b) => IsComplex(a, b)
        ? Where(LogicalOr(IsNaN(a), Greater(a, b)), a, b)
        : Pair(Shared.Of<Maximum>(), DTypes.Promote(a.Type, b.Type), a, b);

    /// <summary>The smaller one; NaN if either is.</summary>
    public static Node Minimum(Node a, Node b) => IsComplex(a, b)
        ? Where(LogicalOr(IsNaN(a), Less(a, b)), a, b)
        : Pair(Shared.Of<Minimum>(), DTypes.Promote(a.Type, b.Type), a, b);

    /// <summary>The angle of the point (b, a).</summary>
    public static Node ArcTan2(Node a, Node b) =>
        Pair(Shared.Of<ArcTan2>(), DTypes.Promote(a.Type, b.Type).ToInexact(), a, b);

    /// <summary>log(eᵃ + eᵇ).</summary>
    public static Node LogAddExp(Node a, Node b) =>
        Pair(Shared.Of<LogAddExp>(), DTypes.Promote(a.Type, b.Type).ToInexact(), a, b);

    /// <summary>Both not 0.</summary>
    public static Node LogicalAnd(Node a, Node b) => Pair(Shared.Of<LogicalAnd>(), MLX_BOOL, a, b);

    /// <summary>Either not 0.</summary>
    public static Node LogicalOr(Node a, Node b) => Pair(Shared.Of<LogicalOr>(), MLX_BOOL, a, b);

    /// <summary>Bit by bit, of integers and bool.</summary>
    public static Node BitwiseAnd(Node a, Node b) => Bitwise("bitwise_and", Shared.Of<BitwiseAnd>(), a, b);

    /// <inheritdoc cref="BitwiseAnd"/>
    public static Node BitwiseOr(Node a, Node b) => Bitwise("bitwise_or", Shared.Of<BitwiseOr>(), a, b);

    /// <inheritdoc cref="BitwiseAnd"/>
    public static Node BitwiseXor(Node a, Node b) => Bitwise("bitwise_xor", Shared.Of<BitwiseXor>(), a, b);

    /// <summary>a · 2ᵇ by shifting; bool becomes uint8.</summary>
    public static Node LeftShift(Node a, Node b) =>
        Bitwise("left_shift", Shared.Of<LeftShift>(), a, b, ofBool: MLX_UINT8);

    /// <summary>a / 2ᵇ by shifting, the sign kept; bool becomes uint8.</summary>
    public static Node RightShift(Node a, Node b) =>
        Bitwise("right_shift", Shared.Of<RightShift>(), a, b, ofBool: MLX_UINT8);

    /// <summary>Whether a = b; bool.</summary>
    public static Node Equal(Node a, Node b) => Comparison(Shared.Of<Equal>(), a, b);

    /// <summary>Whether a ≠ b; true of NaN.</summary>
    public static Node NotEqual(Node a, Node b) => Comparison(Shared.Of<NotEqual>(), a, b);

    /// <summary>Whether a &gt; b.</summary>
    public static Node Greater(Node a, Node b) => IsComplex(a, b)
        ? InOrder(a, b, Greater)
        : Comparison(Shared.Of<Greater>(), a, b);

    /// <summary>Whether a ≥ b.</summary>
    public static Node GreaterEqual(Node a, Node b) => IsComplex(a, b)
        ? LogicalOr(Greater(a, b), Equal(a, b))
        : Comparison(Shared.Of<GreaterEqual>(), a, b);

    /// <summary>Whether a &lt; b.</summary>
    public static Node Less(Node a, Node b) => IsComplex(a, b)
        ? InOrder(a, b, Less)
        : Comparison(Shared.Of<Less>(), a, b);

    /// <summary>Whether a ≤ b.</summary>
    public static Node LessEqual(Node a, Node b) => IsComplex(a, b)
        ? LogicalOr(Less(a, b), Equal(a, b))
        : Comparison(Shared.Of<LessEqual>(), a, b);

    /// <summary><paramref name="a"/> where the condition is not 0, else <paramref name="b"/>.</summary>
    public static Node Where(Node condition, Node a, Node b)
    {
        mlx_dtype type = DTypes.Promote(a.Type, b.Type);
        int[] shape = BroadcastShapes("broadcast_shapes", condition.Shape, a.Shape);
        shape = BroadcastShapes("broadcast_shapes", shape, b.Shape);
        return Make(Shared.Of<Select>(), shape, type, BroadcastTo(AsType(condition, MLX_BOOL), shape),
            BroadcastTo(AsType(a, type), shape), BroadcastTo(AsType(b, type), shape));
    }

    /// <summary>Not below <paramref name="low"/>, then not above <paramref name="high"/>.</summary>
    public static Node Clip(Node a, Node? low, Node? high)
    {
        if (low is null && high is null)
            throw new ArgumentException("[clip] At most one of a_min and a_max may be empty.");
        if (low is not null)
            a = Maximum(a, low);
        return high is null ? a : Minimum(a, high);
    }

    /// <summary>Whether |a − b| ≤ atol + rtol · |b|; equal infinities are close.</summary>
    public static Node IsClose(Node a, Node b, double rtol, double atol, bool equalNan)
    {
        Node limit = Add(Scalar(atol, MLX_FLOAT32), Multiply(Scalar(rtol, MLX_FLOAT32), Abs(b)));
        Node isNear = LogicalAnd(LessEqual(Abs(Subtract(a, b)), limit), LogicalNot(LogicalOr(IsInf(a), IsInf(b))));
        Node isSameInfinity = LogicalOr(
            LogicalAnd(IsPosInf(a), IsPosInf(b)), LogicalAnd(IsNegInf(a), IsNegInf(b)));
        Node isClose = LogicalOr(isNear, isSameInfinity);
        return equalNan ? LogicalOr(isClose, LogicalAnd(IsNaN(a), IsNaN(b))) : isClose;
    }

    /// <summary>Whether all elements are close, see <see cref="IsClose"/>.</summary>
    public static Node AllClose(Node a, Node b, double rtol, double atol, bool equalNan) =>
        All(IsClose(a, b, rtol, atol, equalNan), AllAxes(a.Rank > b.Rank ? a : b), keepDims: false);

    /// <summary>Whether shape and elements are equal.</summary>
    public static Node ArrayEqual(Node a, Node b, bool equalNan)
    {
        if (!a.Shape.AsSpan().SequenceEqual(b.Shape))
            return Scalar(false);
        mlx_dtype type = DTypes.Promote(a.Type, b.Type);
        Primitive equal = equalNan && type.IsInexact() ? Shared.Of<NaNEqual>() : Shared.Of<Equal>();
        return All(Make(equal, a.Shape, MLX_BOOL, AsType(a, type), AsType(b, type)), AllAxes(a), keepDims: false);
    }

    // Both as one dtype and shape
    private static Node Pair(Primitive primitive, mlx_dtype type, Node a, Node b)
    {
        int[] shape = BroadcastShapes("broadcast_shapes", a.Shape, b.Shape);
        return Make(primitive, shape, type, BroadcastTo(AsType(a, type), shape), BroadcastTo(AsType(b, type), shape));
    }

    private static bool IsComplex(Node a, Node b) => a.Type == MLX_COMPLEX64 || b.Type == MLX_COMPLEX64;

    // Complex numbers by their real parts, those of equal real parts by their imaginary parts
    private static Node InOrder(Node a, Node b, Func<Node, Node, Node> compare) =>
        LogicalOr(compare(Real(a), Real(b)), LogicalAnd(Equal(Real(a), Real(b)), compare(Imag(a), Imag(b))));

    private static Node Comparison(Primitive primitive, Node a, Node b)
    {
        mlx_dtype type = DTypes.Promote(a.Type, b.Type);
        int[] shape = BroadcastShapes("broadcast_shapes", a.Shape, b.Shape);
        return Make(primitive, shape, MLX_BOOL,
            BroadcastTo(AsType(a, type), shape), BroadcastTo(AsType(b, type), shape));
    }

    private static Node Bitwise(
        string operation, Primitive primitive, Node a, Node b, mlx_dtype ofBool = MLX_BOOL)
    {
        mlx_dtype type = DTypes.Promote(a.Type, b.Type);
        if (type.IsInexact())
            throw new ArgumentException($"[{operation}] Only allowed on integer or boolean types but got types "
                + $"{a.Type.Name()} and {b.Type.Name()}.");
        return Pair(primitive, type == MLX_BOOL ? ofBool : type, a, b);
    }
}
