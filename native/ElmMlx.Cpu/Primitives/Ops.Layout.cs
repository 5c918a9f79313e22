using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>The same values as <paramref name="type"/>; the node itself when it has that dtype.</summary>
    public static Node AsType(Node a, mlx_dtype type) =>
        a.Type == type ? a : Make(Shared.Of<AsType>(), a.Shape, type, a);

    /// <summary>Repeats axes of length 1, and new ones in front, up to <paramref name="shape"/>: a view.</summary>
    /// <exception cref="ArgumentException">The shape does not fit.</exception>
    public static Node BroadcastTo(Node a, int[] shape) => a.Shape == shape ? a : Stretch(a, shape);

    private static Node Stretch(Node a, int[] shape)
    {
        if (a.Shape.AsSpan().SequenceEqual(shape))
            return a;
        bool fits = a.Rank <= shape.Length;
        for (int i = 1; fits && i <= a.Rank; i++)
            fits = a.Shape[^i] == shape[^i] || a.Shape[^i] == 1;
        if (!fits)
            throw new ArgumentException($"[broadcast_to] Shape {Text(a.Shape)} cannot be broadcast to {Text(shape)}.");
        return Make(Shared.Of<Broadcast>(), shape, a.Type, a);
    }

    /// <summary>Sums over the axes that <see cref="BroadcastTo"/> repeats, from <paramref name="shape"/>.</summary>
    public static Node SumTo(Node a, int[] shape)
    {
        int nNew = a.Rank - shape.Length;
        int[] axes = [.. AllAxes(a).Where(axis => axis < nNew || (shape[axis - nNew] == 1 && a.Shape[axis] != 1))];
        return Reshape(Sum(a, axes, keepDims: true), shape);
    }

    /// <summary>Row-contiguous elements: a view when they are so already.</summary>
    public static Node Contiguous(Node a, bool allowsColumnMajor = false) =>
        Make(
            Shared.Of(ValueTuple.Create(allowsColumnMajor), static key => new Contiguous(key.Item1)),
            a.Shape, a.Type, a);

    /// <summary>A node over the same memory.</summary>
    public static Node Copy(Node a) => Make(Share.Copy, a.Shape, a.Type, a);

    /// <summary>A node through which gradients do not flow.</summary>
    public static Node StopGradient(Node a) => Make(Shared.Of<StopGradient>(), a.Shape, a.Type, a);

    /// <summary>The same elements under another node.</summary>
    public static Node Identity(Node a) => Make(Share.Identity, a.Shape, a.Type, a);

    /// <summary>Zeros in the shape and dtype of <paramref name="a"/>.</summary>
    public static Node ZerosLike(Node a) => BroadcastTo(Scalar(0L, a.Type), a.Shape);

    /// <summary>Ones in the shape and dtype of <paramref name="a"/>.</summary>
    public static Node OnesLike(Node a) => BroadcastTo(Scalar(1L, a.Type), a.Shape);

    /// <summary>An evaluated node of rank 0.</summary>
    public static unsafe Node Scalar(double value, mlx_dtype type)
    {
        Node node = NewScalar(type);
        switch (type)
        {
            case MLX_BOOL:
                *(bool*)node.Data = value != 0;
                break;
            case MLX_FLOAT16:
                *(Half*)node.Data = (Half)(float)value;
                break;
            case MLX_BFLOAT16:
                *(ushort*)node.Data = BFloat16Bits((float)value);
                break;
            case MLX_FLOAT32:
                *(float*)node.Data = (float)value;
                break;
            case MLX_FLOAT64:
                *(double*)node.Data = value;
                break;
            case MLX_COMPLEX64:
                ((float*)node.Data)[0] = (float)value;
                ((float*)node.Data)[1] = 0;
                break;
            case MLX_UINT64:
                *(ulong*)node.Data = value < 0 ? unchecked((ulong)(long)value) : (ulong)value;
                break;
            default:
                StoreInteger(node, (long)value);
                break;
        }

        return node;
    }

    /// <summary>An evaluated node of rank 0, exact for every integer dtype.</summary>
    public static unsafe Node Scalar(long value, mlx_dtype type)
    {
        if (!type.IsInteger())
            return Scalar((double)value, type);
        Node node = NewScalar(type);
        StoreInteger(node, value);
        return node;
    }

    /// <inheritdoc cref="Scalar(long, mlx_dtype)"/>
    public static Node Scalar(int value, mlx_dtype type) => Scalar((long)value, type);

    /// <inheritdoc cref="Scalar(long, mlx_dtype)"/>
    public static Node Scalar(bool value, mlx_dtype type = MLX_BOOL) => Scalar(value ? 1L : 0L, type);

    /// <summary>A shape in an error's words: <c>(2,37)</c>.</summary>
    internal static string Text(ReadOnlySpan<int> shape) => $"({string.Join(",", shape.ToArray())})";

    /// <summary>The bfloat16 nearest to <paramref name="value"/>, ties to even.</summary>
    internal static ushort BFloat16Bits(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static Node NewScalar(mlx_dtype type) => Node.New([], type, Buffer.Allocate(type.Size()));

    private static unsafe void StoreInteger(Node node, long value)
    {
        switch (node.Type.Size())
        {
            case 1:
                *(byte*)node.Data = unchecked((byte)value);
                break;
            case 2:
                *(ushort*)node.Data = unchecked((ushort)value);
                break;
            case 4:
                *(uint*)node.Data = unchecked((uint)value);
                break;
            default:
                *(long*)node.Data = value;
                break;
        }
    }
}
