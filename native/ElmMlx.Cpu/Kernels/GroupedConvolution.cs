using System.Numerics;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Convolutions of many small groups, a channel each as a rule. The weights lie tap by tap, so that all outputs of a
/// place are summed side by side. Half precision accumulates in float32.
/// </summary>
internal static unsafe class GroupedConvolution
{
    private const int TermsPerTask = 1 << 16;

    public static void Run(in ConvolutionArguments a)
    {
        switch (a.Type)
        {
            case mlx_dtype.MLX_FLOAT64:
                Run<double, double>(a);
                break;
            case mlx_dtype.MLX_FLOAT32:
                Run<float, float>(a);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Run<Half, float>(a);
                break;
            default:
                Run<BFloat16, float>(a);
                break;
        }
    }

    private static void Run<T, TSum>(ConvolutionArguments a)
        where T : unmanaged
        where TSum : unmanaged, INumberBase<TSum>
    {
        TSum[] weights = ByTap<T, TSum>(a);
        int perTask = (int)Math.Clamp(TermsPerTask / Math.Max(1L, (long)a.Outputs * a.Depth), 1, a.Rows);
        WorkerPool.Run(checked((int)((a.Rows + perTask - 1) / perTask)), task =>
        {
            var sums = new TSum[a.Outputs];
            var seen = new TSum[a.Channels];
            long end = Math.Min((long)(task + 1) * perTask, a.Rows);
            for (long row = (long)task * perTask; row < end; row++)
            {
                Array.Clear(sums);
                Accumulate<T, TSum>(a, row, weights, seen, sums);
                T* to = (T*)a.Y + row * a.Outputs;
                for (int i = 0; i < sums.Length; i++)
                    to[i] = CastKernels.Convert<TSum, T>(sums[i]);
            }
        });
    }

    private static void Accumulate<T, TSum>(
        in ConvolutionArguments a, long row, TSum[] weights, TSum[] seen, TSum[] sums)
        where T : unmanaged
        where TSum : unmanaged, INumberBase<TSum>
    {
        (row, long x2) = Math.DivRem(row, a.Output[2]);
        (row, long x1) = Math.DivRem(row, a.Output[1]);
        (long batch, long x0) = Math.DivRem(row, a.Output[0]);
        int taps = a.Taps;
        for (int tap = 0; tap < taps; tap++)
        {
            long i0 = Patches.Place(a, 0, x0, tap / (a.Kernel[1] * a.Kernel[2]));
            long i1 = Patches.Place(a, 1, x1, tap / a.Kernel[2] % a.Kernel[1]);
            long i2 = Patches.Place(a, 2, x2, tap % a.Kernel[2]);
            if (i0 < 0 || i1 < 0 || i2 < 0)
                continue;
            T* from = (T*)a.X + (((batch * a.Input[0] + i0) * a.Input[1] + i1) * a.Input[2] + i2) * a.Channels;
            for (int i = 0; i < seen.Length; i++)
                seen[i] = CastKernels.Convert<T, TSum>(from[i]);
            for (int channel = 0; channel < a.GroupChannels; channel++)
            {
                ReadOnlySpan<TSum> w = weights.AsSpan((tap * a.GroupChannels + channel) * a.Outputs, a.Outputs);
                if (a.GroupOutputs == 1 && a.GroupChannels == 1)
                    MultiplyAdd(seen, w, sums);
                else
                    MultiplyAddGroups(a, seen, channel, w, sums);
            }
        }
    }

    private static void MultiplyAdd<TSum>(ReadOnlySpan<TSum> x, ReadOnlySpan<TSum> w, Span<TSum> sums)
        where TSum : unmanaged, INumberBase<TSum>
    {
        int i = 0;
        for (; i <= sums.Length - Vector<TSum>.Count; i += Vector<TSum>.Count)
        {
            Vector<TSum> product = new Vector<TSum>(x[i..]) * new Vector<TSum>(w[i..]);
            (new Vector<TSum>(sums[i..]) + product).CopyTo(sums[i..]);
        }

        for (; i < sums.Length; i++)
            sums[i] += x[i] * w[i];
    }

    private static void MultiplyAddGroups<TSum>(
        in ConvolutionArguments a, TSum[] x, int channel, ReadOnlySpan<TSum> w, TSum[] sums)
        where TSum : unmanaged, INumberBase<TSum>
    {
        for (int output = 0; output < sums.Length; output++)
            sums[output] += x[output / a.GroupOutputs * a.GroupChannels + channel] * w[output];
    }

    /// <summary>The weights as [taps, channels of a group, outputs].</summary>
    private static TSum[] ByTap<T, TSum>(in ConvolutionArguments a)
        where T : unmanaged
        where TSum : unmanaged, INumberBase<TSum>
    {
        var weights = new TSum[a.Outputs * a.Depth];
        for (int output = 0; output < a.Outputs; output++)
        {
            for (int k = 0; k < a.Depth; k++)
                weights[k * a.Outputs + output] = CastKernels.Convert<T, TSum>(((T*)a.W)[output * a.Depth + k]);
        }

        return weights;
    }
}
