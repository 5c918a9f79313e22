namespace ElmMlx.Nn;

/// <summary>A matrix [rows, columns] in MLX's quantised form.</summary>
/// <param name="Weight">uint32 [rows, columns · bits / 32].</param>
/// <param name="Scales">[rows, columns / group size].</param>
/// <param name="Biases">Like the scales; null in the modes that have none.</param>
/// <param name="GroupSize">Elements of a row that share one scale.</param>
/// <param name="Bits">Bits an element.</param>
/// <param name="Mode">MLX's mode, for example <c>affine</c>.</param>
public sealed record PackedMatrix(
    MlxArray Weight, MlxArray Scales, MlxArray? Biases, int GroupSize, int Bits, string Mode)
{
    /// <summary>Quantises a matrix and evaluates the result.</summary>
    /// <param name="weight">[rows, columns].</param>
    /// <param name="groupSize">Elements of a row that share one scale; null for the mode's own.</param>
    /// <param name="bits">Bits an element; null for the mode's own.</param>
    /// <param name="mode">MLX's mode, for example <c>affine</c>.</param>
    public static PackedMatrix Quantize(MlxArray weight, int? groupSize, int? bits, string mode)
    {
        (int size, int width) = Defaults(groupSize, bits, mode);
        (MlxArray packed, MlxArray scales, MlxArray? biases) = Quantized.Quantize(weight, size, width, mode);
        if (biases is null)
            MlxArray.Eval(packed, scales);
        else
            MlxArray.Eval(packed, scales, biases);
        return new PackedMatrix(packed, scales, biases, size, width, mode);
    }

    /// <summary>What was asked for, or the mode's own.</summary>
    internal static (int GroupSize, int Bits) Defaults(int? groupSize, int? bits, string mode)
    {
        (int ownGroupSize, int ownBits) = mode switch
        {
            "mxfp4" => (32, 4),
            "mxfp8" => (32, 8),
            "nvfp4" => (16, 4),
            _ => (64, 4),
        };
        return (groupSize ?? ownGroupSize, bits ?? ownBits);
    }

    /// <summary>Elements of a row of packed words.</summary>
    internal static int Columns(MlxArray words, int bits) => (int)(words.Dim(1) * 32L / bits);
}
