using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>
/// Quantises rows with MLX's own operation, so that the words are MLX's. Rows do not depend on each other.
/// </summary>
internal static class MatrixQuantizer
{
    /// <summary>Whether MLX can quantise a matrix of this many columns.</summary>
    public static bool Fits(int columns, QuantizationSettings settings) =>
        columns % settings.GroupSize == 0 && (long)columns * settings.Bits % 32 == 0;

    /// <summary>The tensors that a quantised matrix becomes.</summary>
    /// <param name="module">The module's name in the output.</param>
    /// <param name="type">The element type before.</param>
    /// <param name="rows">Rows of the matrix.</param>
    /// <param name="columns">Columns of the matrix.</param>
    /// <param name="settings">How it is quantised.</param>
    public static TensorSpec[] Outputs(
        string module, TensorType type, int rows, int columns, QuantizationSettings settings)
    {
        var weight =
            new TensorSpec(module + ".weight", TensorType.UInt32, [rows, (int)((long)columns * settings.Bits / 32)]);
        int groups = columns / settings.GroupSize;
        return settings.Mode == "affine"
            ? [weight, new(module + ".scales", type, [rows, groups]), new(module + ".biases", type, [rows, groups])]
            : [weight, new(module + ".scales", TensorType.UInt8, [rows, groups])];
    }

    /// <summary>Packed words, scales and, for affine, biases.</summary>
    public static byte[][] Quantize(
        ReadOnlySpan<byte> elements, TensorType type, int rows, int columns, QuantizationSettings settings)
    {
        using var scope = new ArrayScope();
        MlxArray matrix = MlxArray.FromBytes(elements, TypeOf(type), [rows, columns]);
        (MlxArray weight, MlxArray scales, MlxArray? biases) =
            Quantized.Quantize(matrix, settings.GroupSize, settings.Bits, settings.Mode);
        return biases is null
            ? [weight.ToBytes(), scales.ToBytes()]
            : [weight.ToBytes(), scales.ToBytes(), biases.ToBytes()];
    }

    /// <summary>The floating elements of packed rows.</summary>
    public static byte[] Dequantize(
        ReadOnlySpan<byte> words, int wordColumns, ReadOnlySpan<byte> scales, ReadOnlySpan<byte> biases, int groups,
        TensorType scaleType,
        TensorType result, int rows, QuantizationSettings settings)
    {
        using var scope = new ArrayScope();
        MlxArray weight = MlxArray.FromBytes(words, DType.UInt32, [rows, wordColumns]);
        MlxArray scale = Widened(scales);
        MlxArray? bias = biases.IsEmpty ? null : Widened(biases);
        return Quantized.Dequantize(
            weight, scale, bias, settings.GroupSize, settings.Bits, settings.Mode, TypeOf(result)).ToBytes();

        // Elements are computed in the type of their scales: wider ones lose nothing on the way.
        MlxArray Widened(ReadOnlySpan<byte> bytes)
        {
            MlxArray array = MlxArray.FromBytes(bytes, TypeOf(scaleType), [rows, groups]);
            return result == TensorType.Float32 && scaleType.IsFloating() ? array.AsType(DType.Float32) : array;
        }
    }

    /// <summary>The floating elements of what <see cref="Quantize"/> gave.</summary>
    /// <param name="parts">Words, scales and, for affine, biases.</param>
    /// <param name="outputs">Their types and shapes.</param>
    /// <param name="rows">Rows of this piece.</param>
    /// <param name="result">The type to give.</param>
    /// <param name="settings">How they are quantised.</param>
    public static byte[] Dequantize(
        byte[][] parts, TensorSpec[] outputs, int rows, TensorType result, QuantizationSettings settings) => Dequantize(
            parts[0], outputs[0].Shape[1], parts[1], parts.Length > 2 ? parts[2] : [], outputs[1].Shape[1],
            outputs[1].Type,
            result, rows, settings);

    public static DType TypeOf(TensorType type) => type switch
    {
        TensorType.Float16 => DType.Float16,
        TensorType.BFloat16 => DType.BFloat16,
        TensorType.Float32 => DType.Float32,
        TensorType.UInt8 => DType.UInt8,
        TensorType.UInt32 => DType.UInt32,
        _ => throw new NotSupportedException($"{type.Name()} is not a type that MLX quantises."),
    };
}
