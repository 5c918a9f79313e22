using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>Words, scales and, in affine mode, biases of a matrix or of a stack of them.</summary>
    public static Node[] Quantize(Node w, int? groupSize, int? bits, string mode, Node? globalScale)
    {
        Quantization form = QuantizationOf("quantize", groupSize, bits, mode);
        if (!w.Type.IsFloating())
            throw new ArgumentException(
                $"[quantize] Only real floating types can be quantized but w has type {w.Type.Name()}.");
        if (w.Rank < 2)
            throw new ArgumentException(
                $"[quantize] The matrix to be quantized must have at least 2 dimension but it has only {w.Rank}.");
        if (form.GroupSize <= 0 || w.Shape[^1] % form.GroupSize != 0)
            throw new ArgumentException(
                "[quantize] The last dimension of the matrix needs to be divisible by the quantization group size "
                + $"{form.GroupSize}. However the provided  matrix has shape {Text(w.Shape)}");
        RefuseGlobalScale("quantize", form, globalScale);
        RefuseForm("quantize", form);
        if (w.Type == MLX_FLOAT64)
            throw new ArgumentException("[quantize] Only float32, float16 and bfloat16 can be quantized.");
        int[] words = [.. w.Shape[..^1], (int)((long)w.Shape[^1] * form.Bits / 32)];
        int[] groups = [.. w.Shape[..^1], w.Shape[^1] / form.GroupSize];
        Node[] inputs = globalScale is null ? [w] : [w, globalScale];
        Operation made = form.IsAffine
            ? Operation.New(new Quantize(form), inputs, [words, groups, groups], [MLX_UINT32, w.Type, w.Type])
            : Operation.New(new Quantize(form), inputs, [words, groups], [MLX_UINT32, MLX_UINT8]);
        return made.Outputs.ToArray();
    }

    /// <summary>The numbers that words, scales and biases stand for.</summary>
    public static Node Dequantize(
        Node w, Node scales, Node? biases, int? groupSize, int? bits, string mode, Node? globalScale, mlx_dtype? type)
    {
        Quantization form = QuantizationOf("dequantize", groupSize, bits, mode);
        mlx_dtype result = QuantizedType("dequantize", form, scales, biases, type);
        if (form.Bits <= 0)
            throw new ArgumentException($"[dequantize] Invalid value for bits: {form.Bits}");
        if (form.GroupSize <= 0)
            throw new ArgumentException($"[dequantize] Invalid value for group_size: {form.GroupSize}");
        if (w.Type != MLX_UINT32)
            throw new ArgumentException("[dequantize] The matrix should be given as a uint32");
        if (w.Rank < 2)
            throw new ArgumentException(
                $"[dequantize] The matrix to be dequantized must have at least 2 dimension but it has only {w.Rank}.");
        RefuseGlobalScale("dequantize", form, globalScale);
        RefuseForm("dequantize", form);
        string what = form.IsAffine ? "scales and biases" : "scales";
        bool fits = w.Shape.AsSpan(..^1).SequenceEqual(scales.Shape.AsSpan(..^1))
            && (biases is null || biases.Shape.AsSpan().SequenceEqual(scales.Shape));
        if (!fits)
            throw new ArgumentException($"[dequantize] Shape of {what} does not match the matrix");
        long columns = (long)w.Shape[^1] * 32 / form.Bits;
        if (columns != (long)scales.Shape[^1] * form.GroupSize)
            throw new ArgumentException(
                $"[dequantize] Shape of {what} does not match the matrix given the quantization parameters. "
                    + "Provided matrix "
                + $"of shape {Text(w.Shape)} and {what} of shape {Text(scales.Shape)} with "
                    + $"group_size={form.GroupSize} and "
                + $"bits={form.Bits}.");
        int[] shape = WithLength(w.Shape, w.Rank - 1, checked((int)columns));
        if (!form.IsAffine)
        {
            mlx_dtype computed = result == MLX_FLOAT64 ? MLX_FLOAT32 : result;
            Node[] inputs = globalScale is null ? [w, scales] : [w, scales, globalScale];
            return AsType(Make(new Dequantize(form), shape, computed, inputs), result);
        }

        mlx_dtype met = DTypes.Promote(scales.Type, biases!.Type);
        return AsType(
            Make(
                Shared.Of(ValueTuple.Create(form), static key => new Dequantize(key.Item1)), shape, met, w,
                AsType(scales, met), AsType(biases, met)),
            result);
    }

    /// <summary>x·wᵀ, or x·w, with quantised w.</summary>
    public static Node QuantizedMatmul(
        Node x, Node w, Node scales, Node? biases, bool isTransposed, int? groupSize, int? bits, string mode)
    {
        const string Op = "quantized_matmul";
        Quantization form = QuantizationOf(Op, groupSize, bits, mode);
        mlx_dtype met = QuantizedType(Op, form, scales, biases, null);
        int width = QuantizedWidth(Op, form, x, w, scales, biases, isTransposed);
        mlx_dtype type = form.IsAffine ? DTypes.Promote(x.Type, met) : x.Type;
        RefuseQuantizedInput(Op, x, type);
        RefuseForm(Op, form);
        x = AsType(x, type);
        if (x.Rank <= 2 && w.Rank > 2)
            throw new ArgumentException(
                $"[{Op}] A stack of quantized matrices of shape {Text(w.Shape)} needs an x of more than two "
                    + "dimensions but "
                + $"got shape {Text(x.Shape)}.");
        if (w.Rank > 2)
        {
            int[] batch = BroadcastShapes("broadcast_shapes", x.Shape[..^2], w.Shape[..^2]);
            x = BroadcastTo(x, [.. batch, .. x.Shape[^2..]]);
            w = BroadcastTo(w, [.. batch, .. w.Shape[^2..]]);
            scales = BroadcastTo(scales, [.. batch, .. scales.Shape[^2..]]);
            biases = biases is null ? null : BroadcastTo(biases, [.. batch, .. biases.Shape[^2..]]);
        }

        QuantizedMatmul product = Shared.Of(
            (form, isTransposed), static key => new QuantizedMatmul(key.form, key.isTransposed));
        int[] shape = WithLength(x.Shape, x.Rank - 1, width);
        return biases is null
            ? Make(product, shape, type, x, w, scales)
            : Make(product, shape, type, x, w, AsType(scales, met), AsType(biases, met));
    }

    /// <summary>Products with the quantised matrices that indices pick.</summary>
    public static Node GatherQMM(
        Node x, Node w, Node scales, Node? biases, Node? lhsIndices, Node? rhsIndices, bool isTransposed,
        int? groupSize,
        int? bits, string mode)
    {
        if (lhsIndices is null && rhsIndices is null)
            return QuantizedMatmul(x, w, scales, biases, isTransposed, groupSize, bits, mode);
        const string Op = "gather_qmm";
        Quantization form = QuantizationOf(Op, groupSize, bits, mode);
        mlx_dtype met = QuantizedType(Op, form, scales, biases, null);
        int width = QuantizedWidth(Op, form, x, w, scales, biases, isTransposed);
        mlx_dtype type = form.IsAffine ? DTypes.Promote(x.Type, met) : x.Type;
        RefuseQuantizedInput(Op, x, type);
        RefuseForm(Op, form);
        if (x.Rank < 2)
            throw new ArgumentException(
                "[gather_qmm] Non-quantized input must have at least two dimensions but got input with shape "
                + $"{Text(x.Shape)}.");
        (Node lhs, Node rhs) = MatrixIndices(Op, lhsIndices, x, rhsIndices, w);
        x = AsType(x, type);
        Node[] inputs = biases is null
            ? [x, w, scales, lhs, rhs]
            : [x, w, AsType(scales, met), AsType(biases, met), lhs, rhs];
        return Make(new GatherQMM(form, isTransposed), [.. lhs.Shape, x.Shape[^2], width], type, inputs);
    }

    /// <summary>To bytes of e4m3.</summary>
    public static Node ToFP8(Node x) => x.Type.IsFloating()
        ? Make(new ConvertFP8(isTo: true), x.Shape, MLX_UINT8, x)
        : throw new ArgumentException(
            $"[to_fp8] Only real floating types are supported but x.dtype() == {x.Type.Name()}.");

    /// <summary>From bytes of e4m3.</summary>
    public static Node FromFP8(Node x, mlx_dtype type)
    {
        if (x.Type != MLX_UINT8)
            throw new ArgumentException($"[from_fp8] Input must have type uint8 but x.dtype() == {x.Type.Name()}.");
        if (!type.IsFloating())
            throw new ArgumentException(
                $"[from_fp8] Only real floating types are supported but dtype == {type.Name()}.");
        return Make(new ConvertFP8(isTo: false), x.Shape, type, x);
    }

    /// <summary>A mode by its name, with its own group size and bits where none are given.</summary>
    private static Quantization QuantizationOf(string operation, int? groupSize, int? bits, string mode) => mode switch
    {
        "affine" => new(QuantizationMode.Affine, groupSize ?? 64, bits ?? 4),
        "mxfp4" => new(QuantizationMode.Mxfp4, groupSize ?? 32, bits ?? 4),
        "mxfp8" => new(QuantizationMode.Mxfp8, groupSize ?? 32, bits ?? 8),
        "nvfp4" => new(QuantizationMode.Nvfp4, groupSize ?? 16, bits ?? 4),
        _ => throw new ArgumentException($"[{operation}] Invalid quantization mode '{mode}'."),
    };

    private static void RefuseForm(string operation, Quantization form)
    {
        if (form.IsAffine)
        {
            if (form.GroupSize is not (32 or 64 or 128))
                throw new ArgumentException(
                    $"[{operation}] The requested group size {form.GroupSize} is not supported. The supported group "
                        + "sizes are "
                    + "32, 64, and 128.");
            if (form.Bits is not (2 or 3 or 4 or 5 or 6 or 8))
                throw new ArgumentException(
                    $"[{operation}] The requested number of bits {form.Bits} is not supported. The supported bits "
                        + "are 2, 3, "
                    + "4, 5, 6 and 8.");
            return;
        }

        string name = form.Mode.ToString().ToLowerInvariant();
        int groupSize = form.Mode == QuantizationMode.Nvfp4 ? 16 : 32;
        if (form.GroupSize != groupSize)
            throw new ArgumentException(
                $"[{operation}] {name} quantization requires group size {groupSize} but got {form.GroupSize}.");
        int bits = form.Mode == QuantizationMode.Mxfp8 ? 8 : 4;
        if (form.Bits != bits)
            throw new ArgumentException(
                $"[{operation}] {name} quantization requires bits to be {bits} but got {form.Bits}.");
    }

    /// <summary>The dtype of dequantised numbers.</summary>
    private static mlx_dtype QuantizedType(
        string operation, Quantization form, Node scales, Node? biases, mlx_dtype? type)
    {
        if (type is { } wanted && !wanted.IsFloating())
            throw new ArgumentException(
                $"[{operation}] Only real floating types are supported but output dtype == {wanted.Name()}.");
        if (form.IsAffine)
        {
            if (biases is null)
                throw new ArgumentException($"[{operation}] Biases must be provided for affine quantization.");
            mlx_dtype met = DTypes.Promote(scales.Type, biases.Type);
            if (!met.IsFloating() || met == MLX_FLOAT64)
                throw new ArgumentException(
                    $"[{operation}] Only real floating types are supported but scales.dtype() == "
                        + $"{scales.Type.Name()} and "
                    + $"biases.dtype() == {biases.Type.Name()}.");
            return type ?? met;
        }

        if (scales.Type != MLX_UINT8)
            throw new ArgumentException(
                $"[{operation}] Scale type must be uint8 but received type {scales.Type.Name()}.");
        if (biases is not null)
            throw new ArgumentException(
                $"[{operation}] Biases must be null for quantization mode "
                    + $"'{form.Mode.ToString().ToLowerInvariant()}'.");
        return type ?? MLX_BFLOAT16;
    }

    /// <summary>Checks words and scales against x; the width of the product.</summary>
    private static int QuantizedWidth(
        string operation, Quantization form, Node x, Node w, Node scales, Node? biases, bool isTransposed)
    {
        if (w.Type != MLX_UINT32)
            throw new ArgumentException(
                $"[{operation}] The weight matrix should be uint32 but received {w.Type.Name()}");
        if (w.Rank < 2 || x.Rank < 1)
            throw new ArgumentException(
                $"[{operation}] Expected a quantized matrix and a first input with dimensions but got shapes "
                + $"{Text(w.Shape)} and {Text(x.Shape)}.");
        if (biases is not null && !biases.Shape.AsSpan().SequenceEqual(scales.Shape))
            throw new ArgumentException(
                $"[{operation}] Scales and biases should have the same shape. Received scales with shape "
                + $"{Text(scales.Shape)} and biases with {Text(biases.Shape)}");
        if (scales.Rank != w.Rank || !w.Shape.AsSpan(..^1).SequenceEqual(scales.Shape.AsSpan(..^1)))
            throw new ArgumentException(
                $"[{operation}] Weight and scales should have the same batch shape. Received weight with shape "
                + $"{Text(w.Shape)}, scales with {Text(scales.Shape)}.");
        if (form.Bits <= 0 || (long)w.Shape[^1] * 32 / form.Bits != (long)scales.Shape[^1] * form.GroupSize)
            throw new ArgumentException(
                $"[{operation}] The shapes of the weight and scales are incompatible based on bits and group_size. "
                    + "w.shape() "
                + $"== {Text(w.Shape)} and scales.shape() == {Text(scales.Shape)} with group_size={form.GroupSize} and "
                + $"bits={form.Bits}");
        int packed = checked((int)((long)w.Shape[^1] * 32 / form.Bits));
        (int inner, int outer) = isTransposed ? (packed, w.Shape[^2]) : (w.Shape[^2], packed);
        if (inner != x.Shape[^1])
            throw new ArgumentException(
                $"[{operation}] Last dimension of first input with shape (..., {x.Shape[^1]}) does not match the "
                    + "expanded "
                + $"quantized matrix ({inner}, {outer}) computed from shape {Text(w.Shape)} with "
                + $"group_size={form.GroupSize}, bits={form.Bits} and transpose={(isTransposed ? "true" : "false")}");
        return outer;
    }

    private static void RefuseQuantizedInput(string operation, Node x, mlx_dtype type)
    {
        if (!type.IsFloating() || type == MLX_FLOAT64)
            throw new ArgumentException(
                $"[{operation}] Only real floating types are supported but x.dtype() == {x.Type.Name()}.");
    }

    private static void RefuseGlobalScale(string operation, Quantization form, Node? scale)
    {
        if (scale is null)
            return;
        if (form.Mode != QuantizationMode.Nvfp4)
            throw new ArgumentException(
                $"[{operation}] Global scale is only supported for 'nvfp4' quantization mode.");
        if (scale.Size != 1)
            throw new ArgumentException(
                $"[{operation}] Global scale must be a scalar but got shape {Text(scale.Shape)}.");
        if (scale.Type != MLX_FLOAT32)
            throw new ArgumentException(
                $"[{operation}] Global scale must have dtype float32 but got {scale.Type.Name()}.");
    }
}
