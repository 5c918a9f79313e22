using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    private static readonly MatMul Product = new();

    /// <summary>a·b over the last two axes; a vector is a row on the left and a column on the right.</summary>
    public static Node MatMul(Node a, Node b)
    {
        RefuseScalars("matmul", a, b);
        bool isRow = a.Rank == 1, isColumn = b.Rank == 1;
        a = isRow ? ExpandDims(a, 0) : a;
        b = isColumn ? ExpandDims(b, 1) : b;
        RefuseInner("matmul", a, b);
        mlx_dtype type = DTypes.Promote(a.Type, b.Type);
        if (!type.IsInexact())
            throw new ArgumentException(
                $"[matmul] Only inexact types are supported but {a.Type.Name()} and {b.Type.Name()} were "
                    + "provided which "
                + $"results in {type.Name()}, which is not a floating point type.");
        if (!ThinProduct.IsThin(a, b) || !ThinProduct.Reads(a.Type) || !ThinProduct.Reads(b.Type))
            (a, b) = (AsType(a, type), AsType(b, type));
        if (b.Rank > 2)
            (a, b) = BroadcastMatrices(a, b);
        Node product = Make(Product, WithLength(a.Shape, a.Rank - 1, b.Shape[^1]), type, a, b);
        return DropInserted(product, isRow, isColumn);
    }

    /// <summary>alpha · a·b + beta · c.</summary>
    public static Node AddMM(Node c, Node a, Node b, float alpha, float beta)
    {
        RefuseScalars("addmm", a, b);
        mlx_dtype type = DTypes.Promote(DTypes.Promote(a.Type, b.Type), c.Type);
        if (type == MLX_COMPLEX64)
            return Add(
                Multiply(MatMul(a, b), Scalar(alpha, MLX_FLOAT32)), Multiply(Scalar(beta, MLX_FLOAT32), c));
        bool isRow = a.Rank == 1, isColumn = b.Rank == 1;
        a = isRow ? ExpandDims(a, 0) : a;
        b = isColumn ? ExpandDims(b, 1) : b;
        RefuseInner("addmm", a, b);
        if (!type.IsFloating())
            throw new ArgumentException(
                $"[addmm] Only real floating point types are supported but {c.Type.Name()}, {a.Type.Name()} and "
                + $"{b.Type.Name()} were provided which results in {type.Name()}, which is not a real floating "
                    + "point type.");
        (a, b, c) = (AsType(a, type), AsType(b, type), AsType(c, type));
        if (b.Rank > 2)
            (a, b) = BroadcastMatrices(a, b);
        int[] shape = [.. a.Shape[..^1], b.Shape[^1]];
        int[] visible =
            [.. a.Shape[..^2], .. isRow ? [] : (int[])[a.Shape[^2]], .. isColumn ? [] : (int[])[b.Shape[^1]]];
        int[] met = BroadcastShapes("broadcast_shapes", c.Shape, visible);
        if (!met.AsSpan().SequenceEqual(visible))
            throw new ArgumentException("[addmm] input c must broadcast to the output shape");
        c = BroadcastTo(c, visible);
        if (isColumn)
            c = ExpandDims(c, -1);
        if (isRow)
            c = ExpandDims(c, -2);
        return DropInserted(Make(new MatMul(alpha, beta), shape, type, a, b, c), isRow, isColumn);
    }

    /// <summary>a·b where masks scale or, as booleans, drop blocks of the operands and of the result.</summary>
    public static Node BlockMaskedMM(Node a, Node b, int blockSize, Node? outMask, Node? lhsMask, Node? rhsMask)
    {
        if (outMask is null && lhsMask is null && rhsMask is null)
            return MatMul(a, b);
        if (blockSize is not (32 or 64))
            throw new ArgumentException(
                $"[block_masked_mm] Only block_sizes 32, 64 are supported. Got block size {blockSize}.");
        RefuseScalars("block_masked_mm", a, b);
        bool isRow = a.Rank == 1, isColumn = b.Rank == 1;
        a = isRow ? ExpandDims(a, 0) : a;
        b = isColumn ? ExpandDims(b, 1) : b;
        RefuseInner("block_masked_mm", a, b);
        mlx_dtype type = FloatingType("block_masked_mm", a, b);
        (a, b) = (MaskBlocks(AsType(a, type), lhsMask, blockSize), MaskBlocks(AsType(b, type), rhsMask, blockSize));
        if (isRow && outMask is not null)
            outMask = ExpandDims(outMask, -2);
        if (isColumn && outMask is not null)
            outMask = ExpandDims(outMask, -1);
        return DropInserted(MaskBlocks(MatMul(a, b), outMask, blockSize), isRow, isColumn);
    }

    /// <summary>Products of the matrices that indices pick; all matrices in order where there are none.</summary>
    public static Node GatherMM(Node a, Node b, Node? lhsIndices, Node? rhsIndices)
    {
        if (lhsIndices is null && rhsIndices is null)
            return MatMul(a, b);
        RefuseScalars("gather_mm", a, b);
        bool isRow = a.Rank == 1, isColumn = b.Rank == 1;
        a = isRow ? ExpandDims(a, 0) : a;
        b = isColumn ? ExpandDims(b, 1) : b;
        RefuseInner("gather_mm", a, b);
        mlx_dtype type = FloatingType("gather_mm", a, b);
        (Node lhs, Node rhs) = MatrixIndices("gather_mm", lhsIndices, a, rhsIndices, b);
        Node product = Make(
            Shared.Of<GatherMM>(), [.. lhs.Shape, a.Shape[^2], b.Shape[^1]], type, AsType(a, type), AsType(b, type),
            lhs,
            rhs);
        return DropInserted(product, isRow, isColumn);
    }

    /// <summary>A product for each segment [start, end) of the inner axis.</summary>
    public static Node SegmentedMM(Node a, Node b, Node segments)
    {
        if (a.Rank != 2 || b.Rank != 2)
            throw new ArgumentException("[segmented_mm] Batched matmul not supported");
        if (segments.Rank < 1 || segments.Shape[^1] != 2)
            throw new ArgumentException(
                $"[segmented_mm] The segments should have shape (..., 2) but {Text(segments.Shape)} was provided.");
        RefuseInner("segmented_mm", a, b);
        mlx_dtype type = FloatingType("segmented_mm", a, b);
        if (!segments.Type.IsInteger())
            throw new ArgumentException(
                "[segmented_mm] Got segments with invalid dtype. Segments must be integral.");
        int[] shape = [.. segments.Shape[..^1], a.Shape[0], b.Shape[1]];
        return Make(
            Shared.Of<SegmentedMM>(), shape, type, AsType(a, type), AsType(b, type), AsType(segments, MLX_UINT32));
    }

    /// <summary>The indices of two gathered operands, broadcast together, as uint32.</summary>
    private static (Node Lhs, Node Rhs) MatrixIndices(string operation, Node? lhs, Node a, Node? rhs, Node b)
    {
        lhs ??= AllMatrices(a);
        rhs ??= AllMatrices(b);
        if (!lhs.Type.IsInteger())
            throw new ArgumentException($"[{operation}] Got lhs_indices with invalid dtype. Indices must be integral.");
        if (!rhs.Type.IsInteger())
            throw new ArgumentException($"[{operation}] Got rhs_indices with invalid dtype. Indices must be integral.");
        int[] shape = BroadcastShapes("broadcast_shapes", lhs.Shape, rhs.Shape);
        return (BroadcastTo(AsType(lhs, MLX_UINT32), shape), BroadcastTo(AsType(rhs, MLX_UINT32), shape));
    }

    private static Node AllMatrices(Node a)
    {
        int[] shape = a.Shape[..^2];
        int count = 1;
        foreach (int length in shape)
            count *= length;
        return Reshape(Arange(count, MLX_UINT32), shape);
    }

    /// <summary>Broadcasts everything in front of the last two axes.</summary>
    private static (Node A, Node B) BroadcastMatrices(Node a, Node b)
    {
        int[] batch = BroadcastShapes("broadcast_shapes", a.Shape[..^2], b.Shape[..^2]);
        return (BroadcastTo(a, [.. batch, .. a.Shape[^2..]]), BroadcastTo(b, [.. batch, .. b.Shape[^2..]]));
    }

    private static Node MaskBlocks(Node a, Node? mask, int blockSize)
    {
        if (mask is null)
            return a;
        int rows = a.Shape[^2], columns = a.Shape[^1];
        int[] blocks = [(rows + blockSize - 1) / blockSize, (columns + blockSize - 1) / blockSize];
        mask = BroadcastTo(mask, [.. a.Shape[..^2], .. blocks]);
        mask = Repeat(Repeat(mask, blockSize, mask.Rank - 2), blockSize, mask.Rank - 1);
        int[] starts = new int[mask.Rank], steps = new int[mask.Rank];
        Array.Fill(steps, 1);
        mask = Slice(mask, starts, a.Shape, steps);
        return mask.Type == MLX_BOOL ? Where(mask, a, Scalar(0, a.Type)) : Multiply(a, AsType(mask, a.Type));
    }

    private static Node DropInserted(Node product, bool isRow, bool isColumn)
    {
        if (isColumn)
            product = Squeeze(product, product.Rank - 1);
        return isRow ? Squeeze(product, product.Rank - (isColumn ? 1 : 2)) : product;
    }

    private static mlx_dtype FloatingType(string operation, Node a, Node b)
    {
        mlx_dtype type = DTypes.Promote(a.Type, b.Type);
        return type.IsFloating()
            ? type
            : throw new ArgumentException(
                $"[{operation}] Only real floating point types are supported but {a.Type.Name()} and "
                    + $"{b.Type.Name()} were "
                + $"provided which results in {type.Name()}, which is not a real floating point type.");
    }

    private static void RefuseScalars(string operation, Node a, Node b)
    {
        if (a.Rank == 0 || b.Rank == 0)
            throw new ArgumentException(
                $"[{operation}] Got 0 dimension input. Inputs must have at least one dimension.");
    }

    private static void RefuseInner(string operation, Node a, Node b)
    {
        if (a.Shape[^1] != b.Shape[^2])
            throw new ArgumentException(
                $"[{operation}] Last dimension of first input with shape {Text(a.Shape)} must match second to last "
                + $"dimension of second input with shape {Text(b.Shape)}.");
    }
}
