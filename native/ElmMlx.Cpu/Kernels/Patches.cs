using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// What a kernel sees at each of its places, as the rows of a matrix [rows, taps · channels of a group]: a convolution
/// is then a product with the weights. Copies bytes, of any dtype.
/// </summary>
internal static unsafe class Patches
{
    private const int BytesPerTask = 1 << 16;

    /// <summary>
    /// Rows <paramref name="first"/> … <paramref name="first"/> + <paramref name="nRows"/> − 1 of a group.
    /// </summary>
    public static void Fill(ConvolutionArguments a, long first, int nRows, int group, byte* to)
    {
        long rowBytes = (long)a.Depth * a.Type.Size();
        int perTask = (int)Math.Clamp(BytesPerTask / Math.Max(1, rowBytes), 1, nRows);
        WorkerPool.Run((nRows + perTask - 1) / perTask, task =>
        {
            int end = Math.Min((task + 1) * perTask, nRows);
            for (int row = task * perTask; row < end; row++)
                FillRow(a, first + row, group, to + row * rowBytes);
        });
    }

    private static void FillRow(in ConvolutionArguments a, long row, int group, byte* to)
    {
        (row, long x2) = Math.DivRem(row, a.Output[2]);
        (row, long x1) = Math.DivRem(row, a.Output[1]);
        (long batch, long x0) = Math.DivRem(row, a.Output[0]);
        int size = a.Type.Size(), nBytes = a.GroupChannels * size;
        long pixel = (long)a.Channels * size, line = a.Input[2] * pixel, plane = a.Input[1] * line;
        byte* from = (byte*)a.X + batch * a.Input[0] * plane + group * nBytes;

        // The taps of a line meet neighbours: one copy where all of them are inside
        bool isRun = !a.IsFlipped && a.Groups == 1 && a.KernelDilation[2] == 1 && a.InputDilation[2] == 1;
        long start = x2 * a.Stride[2] - a.PaddingLow[2];
        isRun &= start >= 0 && start + a.Kernel[2] <= a.Input[2];
        for (int k0 = 0; k0 < a.Kernel[0]; k0++)
        {
            long i0 = Place(a, 0, x0, k0);
            for (int k1 = 0; k1 < a.Kernel[1]; k1++)
            {
                long i1 = Place(a, 1, x1, k1);
                byte* inLine = from + i0 * plane + i1 * line;
                bool isInside = i0 >= 0 && i1 >= 0;
                if (isRun && isInside)
                {
                    Unsafe.CopyBlockUnaligned(to, inLine + start * pixel, (uint)(a.Kernel[2] * nBytes));
                    to += a.Kernel[2] * nBytes;
                    continue;
                }

                for (int k2 = 0; k2 < a.Kernel[2]; k2++, to += nBytes)
                {
                    long i2 = Place(a, 2, x2, k2);
                    if (isInside && i2 >= 0)
                        Unsafe.CopyBlockUnaligned(to, inLine + i2 * pixel, (uint)nBytes);
                    else
                        Unsafe.InitBlockUnaligned(to, 0, (uint)nBytes);
                }
            }
        }
    }

    /// <summary>
    /// Where in x a tap lies when the kernel is at <paramref name="output"/>; −1 for padding and gaps.
    /// </summary>
    public static long Place(in ConvolutionArguments a, int axis, long output, int tap)
    {
        int k = a.IsFlipped ? a.Kernel[axis] - 1 - tap : tap;
        long at = output * a.Stride[axis] + (long)k * a.KernelDilation[axis] - a.PaddingLow[axis];
        if (a.InputDilation[axis] > 1)
        {
            if (at % a.InputDilation[axis] != 0)
                return -1;
            at /= a.InputDilation[axis];
        }

        return at >= 0 && at < a.Input[axis] ? at : -1;
    }
}
