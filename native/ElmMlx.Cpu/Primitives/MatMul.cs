using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>
/// alpha · a·b + beta · c over the last two axes. a and b have the same axes in front of those, or b has none; the
/// addend, when there is one, has the shape of the result. a and b may have narrower floating dtypes than the result.
/// </summary>
internal sealed class MatMul(float alpha = 1, float beta = 0) : Primitive
{
    /// <summary>
    /// Multiplications below which whole matrices, rather than parts of one, are shared out to threads.
    /// </summary>
    private const long SmallProduct = 1 << 21;

    public override string Name => "Matmul";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        Node? addend = inputs.Length > 2 && beta != 0 ? inputs[2] : null;
        output.Allocate();
        if (output.Size == 0 || (inputs.Length == 2 && TryThin(inputs[0], inputs[1], output)))
            return;
        using var wideA = new Widened(inputs[0], output.Type);
        using var wideB = new Widened(inputs[1], output.Type);
        Node a = wideA.Node, b = wideB.Node;
        MatMulArguments whole = Arguments(a, b, output);
        whole.Beta = addend is null ? 0 : beta;
        if (addend is not null)
        {
            whole.Addend = addend.Data;
            (whole.AddendRow, whole.AddendColumn) = (addend.Strides[^2], addend.Strides[^1]);
        }

        long batch = output.Size / whole.M / whole.N;
        if (batch == 1 || TryMerge(ref whole, a, b, addend))
            MatMulKernels.Run(whole);
        else
            MultiplyEach(whole, a, b, addend, output, batch);
    }

    private unsafe MatMulArguments Arguments(Node a, Node b, Node output) => new()
    {
        M = a.Shape[^2],
        N = b.Shape[^1],
        K = a.Shape[^1],
        Type = output.Type,
        A = a.Data,
        ARow = a.Strides[^2],
        AColumn = a.Strides[^1],
        B = b.Data,
        BRow = b.Strides[^2],
        BColumn = b.Strides[^1],
        C = output.Data,
        CRow = output.Shape[^1],
        Alpha = alpha,
    };

    private bool TryThin(Node a, Node b, Node output)
    {
        MatMulArguments whole = Arguments(a, b, output);
        return (output.Size == (long)whole.M * whole.N || TryMerge(ref whole, a, b, addend: null))
            && ThinProduct.TryRun(whole, a.Type, b.Type);
    }

    // One matrix after another, or small ones side by side.
    private static unsafe void MultiplyEach(
        MatMulArguments whole, Node a, Node b, Node? addend, Node output, long batch)
    {
        RowOffsets aOffsets = Matrices(a), bOffsets = Matrices(b), cOffsets = Matrices(addend ?? a);
        int size = output.Type.Size();
        nint aData = (nint)a.Data, bData = (nint)b.Data, cData = addend is null ? 0 : (nint)addend.Data;
        nint outputData = (nint)output.Data;
        bool isSmall = (long)whole.M * whole.N * whole.K < SmallProduct;
        if (isSmall)
        {
            WorkerPool.Run((int)batch, Multiply);
        }
        else
        {
            for (int i = 0; i < batch; i++)
                Multiply(i);
        }

        void Multiply(int i) => MatMulKernels.Run(whole with
        {
            A = (byte*)aData + aOffsets[i] * size,
            B = (byte*)bData + (b.Rank > 2 ? bOffsets[i] * size : 0),
            C = (byte*)outputData + (long)i * whole.M * whole.N * size,
            Addend = (byte*)cData + (cData == 0 ? 0 : cOffsets[i] * size),
        });
    }

    // d(α a·b + β c): g·bᵀ α, aᵀ·g α, g β; one b for all matrices of a adds up over their rows
    public override Node?[] Gradient(Backward backward)
    {
        Node a = backward.X, b = backward.Y;
        Node g = ThinProduct.IsThin(a, b) ? Unwidened(backward.Cotangent) : backward.Cotangent;
        mlx_dtype type = backward.Output.Type;
        Func<Node> ofA = () => Ops.AsType(Product(g, Ops.SwapAxes(b, -1, -2), type), a.Type);
        Func<Node> ofB = () => Ops.AsType(
            b.Rank == 2 && a.Rank > 2
                ? Product(Ops.Transpose(Rows(a)), Rows(g), type)
                : Product(Ops.SwapAxes(a, -1, -2), g, type),
            b.Type);
        return backward.Inputs.Length == 2
            ? backward.Each(ofA, ofB)
            : backward.Each(ofA, ofB, () => beta == 1 ? g : Ops.Multiply(g, Ops.Scalar(beta, g.Type)));
    }

    /// <summary>The last axis of all matrices as the rows of one.</summary>
    internal static Node Rows(Node a) => Ops.Reshape(a, [Count(a.Shape.AsSpan(..^1)), a.Shape[^1]]);

    /// <summary>Elements of a shape; a reshape cannot tell where another axis has none.</summary>
    internal static int Count(ReadOnlySpan<int> shape)
    {
        int count = 1;
        foreach (int length in shape)
            count = checked(count * length);
        return count;
    }

    private Node Product(Node a, Node b, mlx_dtype type) =>
        Ops.Make(new MatMul(alpha), [.. a.Shape[..^1], b.Shape[^1]], type, a, b);

    // What a cast to float32 that has not run would read: a thin product widens it by itself.
    private static Node Unwidened(Node node)
    {
        if (node.Type != mlx_dtype.MLX_FLOAT32)
            return node;
        lock (Evaluator.Gate)       // no operation ends while it is read
            return node.Operation is { Primitive: AsType } cast && ThinProduct.Reads(cast.Inputs[0].Type)
                ? Ops.Identity(cast.Inputs[0])
                : node;
    }

    // One b for all: the matrices of a are the rows of one tall matrix, where its strides allow.
    private static bool TryMerge(ref MatMulArguments whole, Node a, Node b, Node? addend)
    {
        for (int axis = 0; axis < b.Rank - 2; axis++)
        {
            if (b.Shape[axis] != 1 && b.Strides[axis] != 0)
                return false;
        }

        var rows = new RowOffsets(a.Shape, a.Strides);
        if (!rows.IsUniform(out long step))
            return false;
        if (addend is not null)
        {
            if (!new RowOffsets(addend.Shape, addend.Strides).IsUniform(out long addendStep))
                return false;
            whole.AddendRow = addendStep;
        }

        whole.M = checked((int)rows.Count);
        whole.ARow = step;
        return true;
    }

    /// <summary>Where the matrices of a node start.</summary>
    internal static RowOffsets Matrices(Node node) => new(node.Shape.AsSpan(..^1), node.Strides.AsSpan(..^1));
}

/// <summary>Products of matrices that two arrays of indices pick, from a [.., M, K] and b [.., K, N].</summary>
internal sealed class GatherMM : Primitive
{
    public override string Name => "GatherMM";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node a = inputs[0], b = inputs[1], output = outputs[0];
        output.Allocate();
        if (output.Size == 0)
            return;
        RowOffsets aOffsets = MatMul.Matrices(a), bOffsets = MatMul.Matrices(b);
        using var lhs = new ContiguousRows(inputs[2], inputs[2].Rank);
        using var rhs = new ContiguousRows(inputs[3], inputs[3].Rank);
        int size = output.Type.Size();
        for (long i = 0; i < inputs[2].Size; i++)
        {
            uint left = ((uint*)lhs.Node.Data)[i], right = ((uint*)rhs.Node.Data)[i];
            if (left >= aOffsets.Count || right >= bOffsets.Count)
                throw new ArgumentException(
                    $"[gather_mm] Index {left} or {right} is out of bounds for {aOffsets.Count} and " +
                        $"{bOffsets.Count} matrices.");
            int m = a.Shape[^2], n = b.Shape[^1];
            MatMulKernels.Run(new MatMulArguments
            {
                M = m,
                N = n,
                K = a.Shape[^1],
                Type = output.Type,
                A = (byte*)a.Data + aOffsets[left] * size,
                ARow = a.Strides[^2],
                AColumn = a.Strides[^1],
                B = (byte*)b.Data + bOffsets[right] * size,
                BRow = b.Strides[^2],
                BColumn = b.Strides[^1],
                C = (byte*)output.Data + i * m * n * size,
                CRow = n,
            });
        }
    }

    public override Node?[] Gradient(Backward backward)
    {
        Node a = backward.X, b = backward.Y, lhs = backward.Inputs[2], rhs = backward.Inputs[3];
        Node g = Matrices(backward.Cotangent, backward.Cotangent);
        return backward.Each(
            () => PutBack(Ops.MatMul(g, Ops.SwapAxes(Picked(b, rhs), -1, -2)), lhs, a),
            () => PutBack(Ops.MatMul(Ops.SwapAxes(Picked(a, lhs), -1, -2), g), rhs, b));
    }

    /// <summary>The matrices that indices pick, one after another.</summary>
    internal static Node Picked(Node matrices, Node indices) =>
        Ops.Take(Matrices(matrices, matrices), Ops.Flatten(indices), 0);

    /// <summary>Adds matrices up where the indices took them from.</summary>
    internal static Node PutBack(Node picked, Node indices, Node like)
    {
        Node zeros = Matrices(Ops.ZerosLike(like), like);
        Node sum = Ops.Make(
            new Scatter([0], ScatterMode.Sum), zeros.Shape, like.Type, zeros, Ops.Flatten(indices),
            Ops.ExpandDims(Ops.AsType(picked, like.Type), 1));
        return Ops.Reshape(sum, like.Shape);
    }

    private static Node Matrices(Node node, Node like) =>
        Ops.Reshape(node, [MatMul.Count(like.Shape.AsSpan(..^2)), like.Shape[^2], like.Shape[^1]]);
}

/// <summary>Products over parts of the inner axis: result i uses k from segment[i, 0] up to segment[i, 1].</summary>
internal sealed class SegmentedMM : Primitive
{
    public override string Name => "SegmentedMM";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node a = inputs[0], b = inputs[1], output = outputs[0];
        output.Allocate();
        using var segments = new ContiguousRows(inputs[2], inputs[2].Rank);
        int m = a.Shape[0], n = b.Shape[1], size = output.Type.Size();
        for (long i = 0; i < segments.Node.Size / 2; i++)
        {
            uint start = ((uint*)segments.Node.Data)[2 * i], end = ((uint*)segments.Node.Data)[2 * i + 1];
            if (end > a.Shape[1])
                throw new ArgumentException(
                    $"[segmented_mm] Segment {start} to {end} is out of bounds for an inner axis of {a.Shape[1]}.");
            int k = end > start ? (int)(end - start) : 0;
            MatMulKernels.Run(new MatMulArguments
            {
                M = m,
                N = n,
                K = k,
                Type = output.Type,
                A = (byte*)a.Data + (k == 0 ? 0 : start * a.Strides[1]) * size,
                ARow = a.Strides[0],
                AColumn = a.Strides[1],
                B = (byte*)b.Data + (k == 0 ? 0 : start * b.Strides[0]) * size,
                BRow = b.Strides[0],
                BColumn = b.Strides[1],
                C = (byte*)output.Data + i * m * n * size,
                CRow = n,
            });
        }
    }
}
