using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>A bfloat16 in memory: the upper half of a float32.</summary>
internal readonly struct BFloat16
{
    private readonly ushort _bits;

    private BFloat16(ushort bits) => _bits = bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static explicit operator float(BFloat16 x) => HalfPrecision.FromBFloat16(x._bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static explicit operator BFloat16(float x) => new(HalfPrecision.ToBFloat16(x));
}
