using System.Runtime.CompilerServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Rotary position embedding: pair i of the row at position p turns by p · frequency i. Sines and cosines are computed
/// once a position and serve every head.
/// </summary>
internal static unsafe class RopeKernels
{
    /// <summary>Positions of a task.</summary>
    private const int TaskPositions = 16;

    public static void Run(in RopeArguments arguments)
    {
        switch (arguments.Type)
        {
            case mlx_dtype.MLX_FLOAT32:
                Simd.Run<Kernel<Float32Format>, RopeArguments>(arguments);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                Simd.Run<Kernel<BFloat16Format>, RopeArguments>(arguments);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Simd.Run<Kernel<Float16Format>, RopeArguments>(arguments);
                break;
            default:
                throw new ArgumentException("[rope] Only float32, float16 and bfloat16 are supported.");
        }
    }

    /// <summary>
    /// base^(−i / half) as MLX's own exponential gives it, up to 2·10⁻⁷ beside the exact number: at position 1000 that
    /// difference reaches the fourth decimal of an angle, and both providers must turn by the same one.
    /// </summary>
    public static float Frequency(float @base, int i, int half)
    {
        float power = -i * (MathF.Log(@base) / half) * 1.442695f;
        float whole = MathF.Floor(power + 0.5f), part = power - whole;
        ReadOnlySpan<float> coefficients =
            [1.339887440266574e-3f, 9.618437357674640e-3f, 5.550332471162809e-2f, 2.402264791363012e-1f, 6.931472028550421e-1f, 1f];
        float value = 1.535336188319500e-4f;
        foreach (float coefficient in coefficients)
            value = MathF.FusedMultiplyAdd(value, part, coefficient);
        return MathF.ScaleB(value, (int)whole);
    }

    /// <summary>The naive twin; float32 x only.</summary>
    public static void RunNaive(in RopeArguments a)
    {
        int half = a.Dims / 2;
        for (long row = 0; row < (long)a.B * a.H * a.L; row++)
        {
            long b = row / a.L / a.H, h = row / a.L % a.H, l = row % a.L;
            float* x = (float*)a.X + b * a.BatchStride + h * a.HeadStride + l * a.RowStride, y = (float*)a.Y + row * a.D;
            float position = (l + a.Offsets[a.HasOffsetPerBatch ? b : 0]) * a.Scale;
            for (int i = a.Dims; i < a.D; i++)
                y[i] = x[i];
            for (int i = 0; i < half; i++)
            {
                (int first, int second) = a.IsTraditional ? (2 * i, 2 * i + 1) : (i, i + half);
                double angle = position * a.InverseFrequencies[i];
                double cos = Math.Cos(angle), sin = a.IsInverse ? -Math.Sin(angle) : Math.Sin(angle);
                y[first] = (float)(x[first] * cos - x[second] * sin);
                y[second] = (float)(x[first] * sin + x[second] * cos);
            }
        }
    }

    private readonly struct Kernel<F> : ISimdKernel<RopeArguments>
        where F : struct, IFloatFormat
    {
        public static void Run<L, V>(in RopeArguments arguments)
            where L : struct, ISimd<V>
            where V : struct
        {
            RopeArguments a = arguments;
            int nBlocks = (a.L + TaskPositions - 1) / TaskPositions;
            WorkerPool.Run(a.B * nBlocks, &Task<L, V>, &a);
        }

        private static void Task<L, V>(void* context, int task)
            where L : struct, ISimd<V>
            where V : struct
        {
            ref RopeArguments a = ref *(RopeArguments*)context;
            int nBlocks = (a.L + TaskPositions - 1) / TaskPositions, half = a.Dims / 2;
            int b = task / nBlocks, first = task % nBlocks * TaskPositions, end = Math.Min(first + TaskPositions, a.L);
            float* cos = KernelScratch.Floats(KernelScratch.Use.Extra, 2L * half), sin = cos + half;
            for (int l = first; l < end; l++)
            {
                float position = (l + a.Offsets[a.HasOffsetPerBatch ? b : 0]) * a.Scale;
                for (int i = 0; i < half; i++)
                {
                    (float s, float c) = MathF.SinCos(position * a.InverseFrequencies[i]);
                    cos[i] = c;
                    sin[i] = a.IsInverse ? -s : s;
                }

                for (int h = 0; h < a.H; h++)
                {
                    byte* x = (byte*)a.X + (b * a.BatchStride + h * a.HeadStride + l * a.RowStride) * F.Size;
                    byte* y = (byte*)a.Y + (((long)b * a.H + h) * a.L + l) * a.D * F.Size;
                    if (a.IsTraditional)
                        TurnNeighbours<F>(x, y, half, cos, sin);
                    else
                        TurnHalves<L, V, F>(x, y, half, cos, sin);
                    long rest = (long)a.Dims * F.Size, nBytes = (long)(a.D - a.Dims) * F.Size;
                    System.Buffer.MemoryCopy(x + rest, y + rest, nBytes, nBytes);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TurnHalves<L, V, F>(byte* x, byte* y, int half, float* cos, float* sin)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        int i = 0;
        for (; i <= half - L.Count; i += L.Count)
            TurnAt<L, V, F>(x, y, i, i + half, cos, sin, i);
        for (; i < half; i++)
            TurnAt<SimdScalar, float, F>(x, y, i, i + half, cos, sin, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TurnNeighbours<F>(byte* x, byte* y, int half, float* cos, float* sin)
        where F : struct, IFloatFormat
    {
        for (int i = 0; i < half; i++)
            TurnAt<SimdScalar, float, F>(x, y, 2 * i, 2 * i + 1, cos, sin, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TurnAt<L, V, F>(byte* x, byte* y, int first, int second, float* cos, float* sin, int i)
        where L : struct, ISimd<V>
        where V : struct
        where F : struct, IFloatFormat
    {
        V x1 = F.Load<L, V>(x, first), x2 = F.Load<L, V>(x, second), c = L.Load(cos + i), s = L.Load(sin + i);
        F.Store<L, V>(L.Subtract(L.Multiply(x1, c), L.Multiply(x2, s)), y, first);
        F.Store<L, V>(L.Add(L.Multiply(x1, s), L.Multiply(x2, c)), y, second);
    }
}
