namespace ElmMlx.Cpu.Kernels;

/// <summary>The numbers by which float16 and float32 are turned into each other with integer arithmetic.</summary>
internal static class HalfFormat
{
    /// <summary>2¹¹²: moves an exponent read with float16's bias to float32's.</summary>
    public const float Rebias = 5.192296858534828e33f;

    /// <summary>The smallest magnitude, shifted into float32's place, that is an infinity or NaN.</summary>
    public const uint Special = 0x7C00u << 13;

    /// <summary>Rebiases a float32 magnitude and adds just under half of float16's last place.</summary>
    public const uint RoundNormal = unchecked((uint)((15 - 127) << 23)) + 0xFFF;

    /// <summary>0.5: added to a magnitude below float16's normal range, it leaves the rounded subnormal in the low bits.</summary>
    public const float Magic = 0.5f;

    /// <summary>Bits of 2⁻¹⁴, float16's smallest normal number.</summary>
    public const uint SmallestNormal = 113u << 23;

    /// <summary>Bits of 2¹⁶: from here on only infinity and NaN.</summary>
    public const uint Overflow = 143u << 23;
}
