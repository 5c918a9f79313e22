using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>aᵢ bⱼ of the flattened arrays: [size of a, size of b].</summary>
    public static Node Outer(Node a, Node b) => Multiply(Reshape(a, [(int)a.Size, 1]), Flatten(b));

    /// <summary>Sums over both last axes.</summary>
    public static Node Inner(Node a, Node b)
    {
        if (a.Rank == 0 || b.Rank == 0)
            return Multiply(a, b);
        return a.Shape[^1] == b.Shape[^1] ? TensorDot(a, b, [-1], [-1])
            : throw new ArgumentException("[inner] a and b must have the same last dimension.");
    }

    /// <summary>Every element of <paramref name="a"/> times all of <paramref name="b"/>, as blocks.</summary>
    public static Node Kron(Node a, Node b)
    {
        if (a.Size == 0 || b.Size == 0)
            throw new ArgumentException("[kron] Input arrays cannot be empty.");
        int rank = Math.Max(a.Rank, b.Rank);
        int[] left = new int[2 * rank], right = new int[2 * rank], shape = new int[rank];
        for (int axis = 0; axis < rank; axis++)
        {
            int outer = axis - (rank - a.Rank), inner = axis - (rank - b.Rank);
            left[2 * axis] = outer < 0 ? 1 : a.Shape[outer];
            right[2 * axis + 1] = inner < 0 ? 1 : b.Shape[inner];
            left[2 * axis + 1] = right[2 * axis] = 1;
            shape[axis] = left[2 * axis] * right[2 * axis + 1];
        }

        return Reshape(Multiply(Reshape(a, left), Reshape(b, right)), shape);
    }

    /// <summary>Sums over the last <paramref name="count"/> axes of a and the first ones of b.</summary>
    public static Node TensorDot(Node a, Node b, int count)
    {
        if (count < 0)
            throw new ArgumentException("[tensordot] axis must be greater or equal to 0.");
        if (count > Math.Min(a.Rank, b.Rank))
            throw new ArgumentException(
                "[tensordot] axis must be less than the number of dimensions of a and b.");
        return TensorDot(a, b, [.. Enumerable.Range(a.Rank - count, count)], [.. Enumerable.Range(0, count)]);
    }

    /// <summary>Sums over pairs of axes; what is left of a comes before what is left of b.</summary>
    public static Node TensorDot(Node a, Node b, int[] aAxes, int[] bAxes)
    {
        if (aAxes.Length != bAxes.Length)
            throw new ArgumentException("[tensordot] axes must have the same size.");
        int[] gone = [.. aAxes.Select(axis => Axis("tensordot", axis, a.Rank))];
        int[] alsoGone = [.. bAxes.Select(axis => Axis("tensordot", axis, b.Rank))];
        int inner = 1;
        for (int i = 0; i < gone.Length; i++)
        {
            if (a.Shape[gone[i]] != b.Shape[alsoGone[i]])
                throw new ArgumentException(
                    "[tensordot] a and b must have the same shape on the contracted axes.");
            inner *= a.Shape[gone[i]];
        }

        int[] rows = [.. AllAxes(a).Except(gone)], columns = [.. AllAxes(b).Except(alsoGone)];
        int[] shape = [.. rows.Select(axis => a.Shape[axis]), .. columns.Select(axis => b.Shape[axis])];
        Node left = Reshape(Transpose(a, [.. rows, .. gone]), [Count(rows, a), inner]);
        Node right = Reshape(Transpose(b, [.. alsoGone, .. columns]), [inner, Count(columns, b)]);
        return Reshape(MatMul(left, right), shape);

        static int Count(int[] axes, Node of) => axes.Aggregate(1, (count, axis) => count * of.Shape[axis]);
    }

    /// <summary>1 − |2 n / (M − 1) − 1|.</summary>
    public static Node Bartlett(int length) => Window(length, 2.0f / (length - 1),
        x => Subtract(Scalar(1, MLX_FLOAT32), Abs(Subtract(x, Scalar(1, MLX_FLOAT32)))));

    /// <summary>sin²(π n / (M − 1)).</summary>
    public static Node Hanning(int length) => Window(length, Math.PI / (length - 1), x => Square(Sin(x)));

    /// <summary>0.54 − 0.46 cos(2 π n / (M − 1)).</summary>
    public static Node Hamming(int length) => Window(length, 2 * Math.PI / (length - 1),
        x => Subtract(Scalar(0.54f, MLX_FLOAT32), Multiply(Scalar(0.46f, MLX_FLOAT32), Cos(x))));

    /// <summary>0.42 − 0.5 cos(2 π n / (M − 1)) + 0.08 cos(4 π n / (M − 1)).</summary>
    public static Node Blackman(int length) => Window(length, 2 * Math.PI / (length - 1), x =>
    {
        // cos 2y = 2 cos² y − 1
        Node cos = Cos(x);
        Node first = Subtract(Scalar(0.34f, MLX_FLOAT32), Multiply(Scalar(0.5f, MLX_FLOAT32), cos));
        return Add(first, Multiply(Scalar(0.16f, MLX_FLOAT32), Square(cos)));
    });

    private static Node Window(int length, double step, Func<Node, Node> shape)
    {
        if (length < 1)
            return Zeros([0], MLX_FLOAT32);
        return length == 1 ? Ones([1], MLX_FLOAT32)
            : shape(Multiply(Scalar(step, MLX_FLOAT32), Arange(length, MLX_FLOAT32)));
    }
}
