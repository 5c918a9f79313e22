using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>
/// Every operation as a function from nodes to nodes: it checks shapes and dtypes, promotes and broadcasts, and makes
/// the node. The exports call these; so will gradients, which are graphs.
/// </summary>
internal static partial class Ops
{
    /// <summary>A node of one output. Nobody may change the shape any more.</summary>
    public static Node Make(
        Primitive primitive, int[] shape, mlx_dtype type, params ReadOnlySpan<Node> inputs) =>
        Operation.New(primitive, inputs, new(in shape), new(in type)).Outputs[0];

    /// <summary>The same with a shape that is only lent.</summary>
    public static Node Make(
        Primitive primitive, ReadOnlySpan<int> shape, mlx_dtype type, params ReadOnlySpan<Node> inputs) =>
        Make(primitive, Interned.Of(shape), type, inputs);

    /// <summary>The shape in which two shapes meet; a shared array.</summary>
    /// <exception cref="ArgumentException">They do not meet.</exception>
    public static int[] BroadcastShapes(string operation, int[] a, int[] b) =>
        a == b ? a : MeetingShape(operation, a, b);

    private static int[] MeetingShape(string operation, int[] a, int[] b)
    {
        Span<int> shape = stackalloc int[Math.Max(a.Length, b.Length)];
        for (int i = 1; i <= shape.Length; i++)
        {
            int x = i <= a.Length ? a[^i] : 1, y = i <= b.Length ? b[^i] : 1;
            if (x != y && x != 1 && y != 1)
                throw new ArgumentException(
                    $"[{operation}] Shapes [{string.Join(", ", a)}] and [{string.Join(", ", b)}] cannot be broadcast.");
            shape[^i] = x == 1 ? y : x;
        }

        return Interned.Of(shape);
    }

    /// <summary>An axis counted from the start; negative ones count from the end.</summary>
    /// <exception cref="ArgumentException">There is no such axis.</exception>
    public static int Axis(string operation, int axis, int rank)
    {
        int positive = axis < 0 ? axis + rank : axis;
        return positive >= 0 && positive < rank
            ? positive
            : throw new ArgumentException(
                $"[{operation}] Axis {axis} is out of bounds for an array with {rank} dimensions.");
    }
}
