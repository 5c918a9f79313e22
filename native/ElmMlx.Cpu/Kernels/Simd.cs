using System.Runtime.Intrinsics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Runs a kernel at the widest width that the machine has and <see cref="VectorWidth"/> allows.</summary>
internal static class Simd
{
    public static void Run<TKernel, TArguments>(in TArguments arguments)
        where TKernel : struct, ISimdKernel<TArguments>
        where TArguments : struct
    {
        if (VectorWidth.Has512)
            TKernel.Run<Simd512, Vector512<float>>(arguments);
        else if (VectorWidth.Has256)
            TKernel.Run<Simd256, Vector256<float>>(arguments);
        else if (VectorWidth.Has128)
            TKernel.Run<Simd128, Vector128<float>>(arguments);
        else
            TKernel.Run<SimdScalar, float>(arguments);
    }
}
