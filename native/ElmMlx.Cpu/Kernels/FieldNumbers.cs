namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// How small integers become floats without a conversion: put into the low bits of 2²³ they count as units, and
/// subtracting 2²³ leaves them.
/// </summary>
internal static class FieldNumbers
{
    /// <summary>The bits of 2²³.</summary>
    public const uint One = 0x4B000000;

    /// <summary>2²³ and half the range of a field: what is subtracted to leave the field around 0.</summary>
    public static float Centre(int bits) => 8388608 + (1 << (bits - 1));
}
