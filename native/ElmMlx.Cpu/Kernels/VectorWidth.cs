using System.Runtime.Intrinsics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>The widest vectors that kernels may use: 512, 256 or 128 bits, or 0 for the scalar twins.</summary>
internal static class VectorWidth
{
    /// <summary>Environment variable with an upper limit of <see cref="Max"/>.</summary>
    public const string Variable = "ELMMLX_VECTOR_WIDTH";

    /// <summary>Upper limit in bits; what the processor lacks is not used whatever the limit.</summary>
    public static int Max { get; internal set; } = FromEnvironment();

    public static bool Has512 => Vector512.IsHardwareAccelerated && Max >= 512;

    public static bool Has256 => Vector256.IsHardwareAccelerated && Max >= 256;

    public static bool Has128 => Vector128.IsHardwareAccelerated && Max >= 128;

    private static int FromEnvironment() =>
        int.TryParse(Environment.GetEnvironmentVariable(Variable), out int bits) ? bits : 512;
}
