namespace ElmMlx.Cpu.Kernels;

/// <summary>Matrix products in float64 and complex64: exact and plain, for tests and rare use.</summary>
internal static unsafe class WideMatMulKernels
{
    /// <summary>Multiplications of one task.</summary>
    private const long TaskSize = 1 << 18;

    public static void RunFloat64(MatMulArguments a)
    {
        Run(a, row => MultiplyFloat64(a, row));
    }

    public static void RunComplex64(MatMulArguments a)
    {
        Run(a, row => MultiplyComplex64(a, row));
    }

    private static void Run(MatMulArguments a, Action<int> multiplyRow)
    {
        int rowsPerTask = (int)Math.Clamp(TaskSize / Math.Max(1, (long)a.N * a.K), 1, a.M);
        WorkerPool.Run((a.M + rowsPerTask - 1) / rowsPerTask, task =>
        {
            int end = Math.Min((task + 1) * rowsPerTask, a.M);
            for (int row = task * rowsPerTask; row < end; row++)
                multiplyRow(row);
        });
    }

    private static void MultiplyFloat64(in MatMulArguments a, int row)
    {
        for (int n = 0; n < a.N; n++)
        {
            double* x = (double*)a.A + row * a.ARow, y = (double*)a.B + n * a.BColumn;
            double sum = 0;
            for (int k = 0; k < a.K; k++)
                sum += x[k * a.AColumn] * y[k * a.BRow];
            sum *= a.Alpha;
            if (a.Beta != 0)
                sum += a.Beta * ((double*)a.Addend)[row * a.AddendRow + n * a.AddendColumn];
            ((double*)a.C)[row * a.CRow + n * a.CColumn] = sum;
        }
    }

    // Alpha and Beta do not occur: addmm of complex matrices is composed of other operations.
    private static void MultiplyComplex64(in MatMulArguments a, int row)
    {
        for (int n = 0; n < a.N; n++)
        {
            float* x = (float*)a.A + 2 * row * a.ARow, y = (float*)a.B + 2 * n * a.BColumn;
            float real = 0, imaginary = 0;
            for (int k = 0; k < a.K; k++, x += 2 * a.AColumn, y += 2 * a.BRow)
            {
                real += x[0] * y[0] - x[1] * y[1];
                imaginary += x[0] * y[1] + x[1] * y[0];
            }

            float* to = (float*)a.C + 2 * (row * a.CRow + n * a.CColumn);
            to[0] = real;
            to[1] = imaginary;
        }
    }
}
