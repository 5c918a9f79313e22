using System.Runtime.InteropServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Convolutions as matrix products: <see cref="Patches"/> of some rows at a time, which stay in the cache, times the
/// weights. Half precision accumulates in float32, as every product does. Groups with few outputs have no product worth
/// the name: they are summed up where they lie.
/// </summary>
internal static unsafe class ConvolutionKernels
{
    private const int BlockBytes = 1 << 21, LeastRows = 128, FewOutputs = 4;

    public static void Run(in ConvolutionArguments a)
    {
        if (a.Rows == 0 || a.Outputs == 0)
            return;
        if (a.Groups > 1 && a.GroupOutputs < FewOutputs)
        {
            GroupedConvolution.Run(a);
            return;
        }

        if (a.IsPointwise)
        {
            for (int group = 0; group < a.Groups; group++)
                Multiply(a, group, 0, checked((int)a.Rows), (byte*)a.X + group * a.Depth * a.Type.Size(), a.Channels);
            return;
        }

        int nRows = BlockRows(a);
        Buffer patches = Buffer.Allocate((long)nRows * a.Depth * a.Type.Size());
        for (long row = 0; row < a.Rows; row += nRows)
        {
            int count = (int)Math.Min(nRows, a.Rows - row);
            for (int group = 0; group < a.Groups; group++)
            {
                Patches.Fill(a, row, count, group, patches.Pointer);
                Multiply(a, group, row, count, patches.Pointer, a.Depth);
            }
        }

        patches.Release();
    }

    /// <summary>
    /// The gradient of w, [outputs, spatial…, channels / groups], from cotangents shaped like y, whose place
    /// <see cref="ConvolutionArguments.Y"/> they take: sums over blocks of rows of cotangentsᵀ · patches. float32 and
    /// float64.
    /// </summary>
    public static void WeightGradient(in ConvolutionArguments a)
    {
        int size = a.Type.Size();
        NativeMemory.Clear(a.W, (nuint)((long)a.Outputs * a.Depth * size));
        if (a.Depth == 0)
            return;
        int nRows = BlockRows(a);
        Buffer patches = Buffer.Allocate((long)nRows * a.Depth * size);
        for (long row = 0; row < a.Rows; row += nRows)
        {
            int count = (int)Math.Min(nRows, a.Rows - row);
            for (int group = 0; group < a.Groups; group++)
            {
                Patches.Fill(a, row, count, group, patches.Pointer);
                byte* gradient = (byte*)a.W + (long)group * a.GroupOutputs * a.Depth * size;
                MatMulKernels.Run(new MatMulArguments
                {
                    M = a.GroupOutputs,
                    N = a.Depth,
                    K = count,
                    Type = a.Type,
                    A = (byte*)a.Y + (row * a.Outputs + group * a.GroupOutputs) * size,
                    ARow = 1,
                    AColumn = a.Outputs,
                    B = patches.Pointer,
                    BRow = a.Depth,
                    BColumn = 1,
                    C = gradient,
                    CRow = a.Depth,
                    Beta = 1,
                    Addend = gradient,
                    AddendRow = a.Depth,
                    AddendColumn = 1,
                });
            }
        }

        patches.Release();
    }

    private static int BlockRows(in ConvolutionArguments a) => (int)Math.Clamp(
        BlockBytes / Math.Max(1L, (long)a.Depth * a.Type.Size()), Math.Min(LeastRows, a.Rows), a.Rows);

    // Rows of x, or of patches, times the weights of one group
    private static void Multiply(in ConvolutionArguments a, int group, long row, int nRows, byte* x, int rowLength)
    {
        int size = a.Type.Size();
        MatMulKernels.Run(new MatMulArguments
        {
            M = nRows,
            N = a.GroupOutputs,
            K = a.Depth,
            Type = a.Type,
            A = x,
            ARow = rowLength,
            AColumn = 1,
            B = (byte*)a.W + (long)group * a.GroupOutputs * a.Depth * size,
            BRow = 1,
            BColumn = a.Depth,
            C = (byte*)a.Y + (row * a.Outputs + group * a.GroupOutputs) * size,
            CRow = a.Outputs,
        });
    }
}
