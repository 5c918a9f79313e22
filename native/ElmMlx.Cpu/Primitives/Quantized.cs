using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>How a matrix is quantised.</summary>
internal readonly record struct Quantization(QuantizationMode Mode, int GroupSize, int Bits)
{
    public bool IsAffine => Mode == QuantizationMode.Affine;

    /// <summary>
    /// Gradients of scales and biases from that of the matrix in full, [.., rows, columns]: a group's sum, for scales
    /// with the whole numbers that the words stand for.
    /// </summary>
    /// <param name="backward">Of the operation; the inputs after the scales are the biases.</param>
    /// <param name="words">The packed matrix.</param>
    /// <param name="place">Which input the scales are.</param>
    /// <param name="matrix">Makes the gradient of the matrix.</param>
    public Node?[] Gradients(Backward backward, Node words, int place, Func<Node> matrix)
    {
        var gradients = new Node?[backward.Inputs.Length];
        if (backward.IsWanted[place - 1] && backward.Inputs[place - 1] == words)
            throw new NotSupportedException("[quantized_matmul] Packed weights have no gradient.");
        if (!backward.IsWanted[place] && !backward.IsWanted[place + 1])
            return gradients;
        Node scales = backward.Inputs[place], biases = backward.Inputs[place + 1];
        int[] groups = [.. scales.Shape, GroupSize];
        Node whole = Ops.Reshape(Ops.AsType(matrix(), mlx_dtype.MLX_FLOAT32), groups);
        whole.Retain();
        if (backward.IsWanted[place])
        {
            Node numbers = Ops.Make(
                new Dequantize(this), [.. words.Shape[..^1], scales.Shape[^1] * GroupSize], mlx_dtype.MLX_FLOAT32,
                words, Like(1L), Like(0L));
            gradients[place] = Ops.AsType(
                Ops.Sum(Ops.Multiply(whole, Ops.Reshape(numbers, groups)), [-1], keepDims: false), scales.Type);
        }

        if (backward.IsWanted[place + 1])
            gradients[place + 1] = Ops.AsType(Ops.Sum(whole, [-1], keepDims: false), biases.Type);
        whole.Release();
        return gradients;

        Node Like(long value) => Ops.BroadcastTo(Ops.Scalar(value, mlx_dtype.MLX_FLOAT32), scales.Shape);
    }

    /// <summary>The matrix at <paramref name="index"/> of nodes whose last two axes lie in one piece.</summary>
    public unsafe QuantizedMatrix Matrix(Node w, Node scales, Node? biases, long index)
    {
        int rows = w.Shape[^2], columns = (int)((long)w.Shape[^1] * 32 / Bits);
        return new QuantizedMatrix
        {
            Mode = Mode,
            Bits = Bits,
            GroupSize = GroupSize,
            Rows = rows,
            Columns = columns,
            Words = (uint*)w.Data + MatMul.Matrices(w)[index],
            Scales = (byte*)scales.Data + MatMul.Matrices(scales)[index] * scales.Type.Size(),
            Biases = biases is null
                ? null
                : (byte*)biases.Data + MatMul.Matrices(biases)[index] * biases.Type.Size(),
            ScaleType = scales.Type,
        };
    }
}

/// <summary>Packs w; outputs are the words, the scales and in affine mode the biases.</summary>
internal sealed class Quantize(Quantization form) : Primitive
{
    public override string Name => "Quantize";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        foreach (Node output in outputs)
            output.Allocate();
        if (inputs[0].Size == 0)
            return;
        using var w = new ContiguousRows(inputs[0], inputs[0].Rank);
        var target = new QuantizedMatrix
        {
            Mode = form.Mode,
            Bits = form.Bits,
            GroupSize = form.GroupSize,
            Words = (uint*)outputs[0].Data,
            Scales = outputs[1].Data,
            Biases = outputs.Length > 2 ? outputs[2].Data : null,
        };
        float globalScale = inputs.Length > 1 ? *(float*)inputs[1].Data : float.NaN;
        QuantizeKernels.Quantize(w.Node.Data, w.Node.Size, w.Node.Type, target, globalScale);
    }
}

/// <summary>Unpacks w. Inputs: words, scales, and biases or the global scale where they are.</summary>
internal sealed class Dequantize(Quantization form) : Primitive
{
    public override string Name => "Dequantize";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.Allocate();
        if (output.Size == 0)
            return;
        using var w = new ContiguousRows(inputs[0], inputs[0].Rank);
        using var scales = new ContiguousRows(inputs[1], inputs[1].Rank);
        using var biases = new ContiguousRows(inputs[^1], inputs[^1].Rank);
        QuantizedMatrix matrix = form.Matrix(w.Node, scales.Node, form.IsAffine ? biases.Node : null, 0);
        matrix.Rows = (int)(output.Size / matrix.Columns);
        float globalScale = !form.IsAffine && inputs.Length > 2 ? *(float*)inputs[2].Data : float.NaN;
        QuantizeKernels.Dequantize(matrix, output.Type, output.Data, globalScale);
    }

    public override Node?[] Gradient(Backward backward)
    {
        if (!form.IsAffine)
            throw new NotSupportedException("[dequantize] Only scales and biases of mode affine have gradients.");
        return form.Gradients(backward, backward.Inputs[0], 1, () => backward.Cotangent);
    }
}

/// <summary>
/// x·wᵀ or x·w with quantised w. Inputs: x, words, scales and in affine mode biases. w is one matrix, or as many as x
/// has.
/// </summary>
internal sealed class QuantizedMatmul(Quantization form, bool isTransposed) : Primitive
{
    public override string Name => "QuantizedMatmul";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.Allocate();
        if (output.Size == 0)
            return;
        using var w = new ContiguousRows(inputs[1], 2);
        using var scales = new ContiguousRows(inputs[2], 2);
        using var biases = new ContiguousRows(inputs[^1], 2);
        bool isOne = w.Node.Rank == 2;
        bool isUniform = new RowOffsets(inputs[0].Shape, inputs[0].Strides).IsUniform(out long xRow);
        using var x = new ContiguousRows(inputs[0], isOne && !isUniform ? inputs[0].Rank : 0);
        int rank = x.Node.Rank, k = x.Node.Shape[^1];
        if (isOne && !isUniform)
            xRow = k;
        int m = isOne ? (int)(x.Node.Size / Math.Max(k, 1)) : rank > 1 ? x.Node.Shape[^2] : 1;
        long count = isOne ? 1 : x.Node.Size / Math.Max(1, (long)m * k);
        for (long i = 0; i < count; i++)
        {
            QuantizedKernels.Run(new QuantizedMatMulArguments
            {
                W = form.Matrix(w.Node, scales.Node, form.IsAffine ? biases.Node : null, i),
                IsTransposed = isTransposed,
                M = m,
                Type = output.Type,
                X = (byte*)x.Node.Data + (isOne ? 0 : MatMul.Matrices(x.Node)[i]) * output.Type.Size(),
                XRow = isOne ? xRow : x.Node.Strides[^2],
                XColumn = x.Node.Strides[^1],
                Y = (byte*)output.Data + i * m * output.Shape[^1] * output.Type.Size(),
            });
        }
    }

    public override Node?[] Gradient(Backward backward)
    {
        Node x = backward.X, w = backward.Y, g = backward.Cotangent;
        Node?[] gradients = !form.IsAffine
            ? new Node?[backward.Inputs.Length]
            : form.Gradients(backward, w, 2, () => w.Rank == 2
                ? Outer(MatMul.Rows(x), MatMul.Rows(g))
                : Outer(x, g));
        if (!form.IsAffine && backward.IsWanted[2])
            throw new NotSupportedException("[quantized_matmul] Only scales and biases of mode affine have gradients.");
        if (backward.IsWanted[0])
            gradients[0] = Ops.Make(
                new QuantizedMatmul(form, !isTransposed), x.Shape, x.Type, [g, .. backward.Inputs[1..]]);
        return gradients;

        // the gradient of the matrix in full, as its words lie: [.., rows, columns]
        Node Outer(Node a, Node b) => isTransposed
            ? Ops.MatMul(Ops.SwapAxes(b, -1, -2), a)
            : Ops.MatMul(Ops.SwapAxes(a, -1, -2), b);
    }
}

/// <summary>
/// Like <see cref="QuantizedMatmul"/> for matrices that indices pick. The last two inputs are the indices.
/// </summary>
internal sealed class GatherQMM(Quantization form, bool isTransposed) : Primitive
{
    public override string Name => "GatherQMM";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0], x = inputs[0];
        output.Allocate();
        if (output.Size == 0)
            return;
        using var w = new ContiguousRows(inputs[1], 2);
        using var scales = new ContiguousRows(inputs[2], 2);
        using var biases = new ContiguousRows(inputs[form.IsAffine ? 3 : 2], 2);
        using var lhs = new ContiguousRows(inputs[^2], inputs[^2].Rank);
        using var rhs = new ContiguousRows(inputs[^1], inputs[^1].Rank);
        RowOffsets xOffsets = MatMul.Matrices(x);
        long nMatrices = MatMul.Matrices(w.Node).Count;
        int m = x.Shape[^2], size = output.Type.Size();
        for (long i = 0; i < inputs[^2].Size; i++)
        {
            uint left = ((uint*)lhs.Node.Data)[i], right = ((uint*)rhs.Node.Data)[i];
            if (left >= xOffsets.Count || right >= nMatrices)
                throw new ArgumentException(
                    $"[gather_qmm] Index {left} or {right} is out of bounds for {xOffsets.Count} and {nMatrices} " +
                        "matrices.");
            QuantizedKernels.Run(new QuantizedMatMulArguments
            {
                W = form.Matrix(w.Node, scales.Node, form.IsAffine ? biases.Node : null, right),
                IsTransposed = isTransposed,
                M = m,
                Type = output.Type,
                X = (byte*)x.Data + xOffsets[left] * size,
                XRow = x.Strides[^2],
                XColumn = x.Strides[^1],
                Y = (byte*)output.Data + i * m * output.Shape[^1] * size,
            });
        }
    }

    public override Node?[] Gradient(Backward backward)
    {
        Node x = backward.X, w = backward.Y, g = backward.Cotangent, lhs = backward.Inputs[^2],
            rhs = backward.Inputs[^1];
        if (backward.IsWanted[1])
            throw new NotSupportedException("[gather_qmm] Packed weights have no gradient.");
        bool wantsScales = backward.IsWanted[2] || (form.IsAffine && backward.IsWanted[3]);
        if (wantsScales && !form.IsAffine)
            throw new NotSupportedException("[gather_qmm] Only scales and biases of mode affine have gradients.");
        Node?[] gradients =
            form.Gradients(backward with { IsWanted = [.. backward.IsWanted[..4], false, false] }, w, 2, () =>
        {
            Node left = GatherMM.Picked(x, lhs), right = Ops.Reshape(g, [-1, g.Shape[^2], g.Shape[^1]]);
            Node products = isTransposed
                ? Ops.MatMul(Ops.SwapAxes(right, -1, -2), left)
                : Ops.MatMul(Ops.SwapAxes(left, -1, -2), right);
            int[] shape = [.. w.Shape[..^1], products.Shape[^1]];
            return GatherMM.PutBack(products, rhs, Ops.BroadcastTo(Ops.Scalar(0L, products.Type), shape));
        });
        if (backward.IsWanted[0])
        {
            // one x a pick: the picks of g are in order already
            Node order = Ops.Reshape(Ops.Arange((int)lhs.Size, mlx_dtype.MLX_UINT32), lhs.Shape);
            Node picked = Ops.Make(
                new GatherQMM(form, !isTransposed), [.. lhs.Shape, g.Shape[^2], x.Shape[^1]], x.Type,
                [g, .. backward.Inputs[1..^2], order, rhs]);
            gradients[0] = GatherMM.PutBack(Ops.Reshape(picked, [-1, x.Shape[^2], x.Shape[^1]]), lhs, x);
        }

        return gradients;
    }
}

/// <summary>To or from e4m3 bytes.</summary>
internal sealed class ConvertFP8(bool isTo) : Primitive
{
    /// <summary>Elements of a task.</summary>
    private const int TaskSize = 1 << 15;

    public override string Name => isTo ? "ToFP8" : "FromFP8";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.Allocate();
        using var x = new ContiguousRows(inputs[0], inputs[0].Rank);
        nint from = (nint)x.Node.Data, to = (nint)output.Data;
        long size = output.Size;
        mlx_dtype type = isTo ? x.Node.Type : output.Type;
        WorkerPool.Run((int)((size + TaskSize - 1) / TaskSize), task =>
        {
            long end = Math.Min((task + 1L) * TaskSize, size);
            for (long i = (long)task * TaskSize; i < end; i++)
            {
                if (isTo)
                    ((byte*)to)[i] = Float8.ToE4M3(Read((void*)from, i, type));
                else
                    Write((void*)to, i, type, Float8.FromE4M3(((byte*)from)[i]));
            }
        });
    }

    private static unsafe float Read(void* from, long index, mlx_dtype type) => type switch
    {
        mlx_dtype.MLX_FLOAT32 => ((float*)from)[index],
        mlx_dtype.MLX_BFLOAT16 => SimdScalar.LoadBFloat16((ushort*)from + index),
        mlx_dtype.MLX_FLOAT16 => SimdScalar.LoadFloat16((ushort*)from + index),
        _ => (float)((double*)from)[index],
    };

    private static unsafe void Write(void* to, long index, mlx_dtype type, float value)
    {
        if (type == mlx_dtype.MLX_FLOAT32)
            ((float*)to)[index] = value;
        else if (type == mlx_dtype.MLX_BFLOAT16)
            SimdScalar.StoreBFloat16(value, (ushort*)to + index);
        else if (type == mlx_dtype.MLX_FLOAT16)
            SimdScalar.StoreFloat16(value, (ushort*)to + index);
        else
            ((double*)to)[index] = value;
    }
}
