using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Fourier transforms along one axis of complex64, or between float32 and half of a symmetric complex64 row.
/// </summary>
internal static unsafe class FourierKernels
{
    private const int NumbersPerTask = 1 << 13;

    /// <summary>
    /// Transforms along <paramref name="axis"/>; the inverse transform divides by the length. A float32 x gives the
    /// first n / 2 + 1 numbers of its rows' transforms; a float32 y takes x as such numbers. y is row-contiguous, and
    /// may be x.
    /// </summary>
    public static void Run(Node x, Node y, int axis, bool isInverse)
    {
        bool isReal = x.Type == mlx_dtype.MLX_FLOAT32, givesReal = y.Type == mlx_dtype.MLX_FLOAT32;
        int length = givesReal ? y.Shape[axis] : x.Shape[axis];
        var plan = FourierPlan.Of(length);
        var lines = new Lines(x, y, axis);
        int perTask = Math.Max(1, NumbersPerTask / length);
        WorkerPool.Run(checked((int)((lines.Count + perTask - 1) / perTask)), task =>
        {
            float* real = KernelScratch.Floats(KernelScratch.Use.Extra, 2L * length + plan.WorkSize);
            float* imaginary = real + length, work = real + 2L * length;
            long end = Math.Min((long)(task + 1) * perTask, lines.Count);
            for (long line = (long)task * perTask; line < end; line++)
            {
                (long from, long to) = lines[line];
                if (isReal)
                    LoadReal((float*)x.Data + from, lines.XStep, x.Shape[axis], real, imaginary);
                else
                    Load((float*)x.Data + 2 * from, 2 * lines.XStep, x.Shape[axis], real, imaginary);
                if (givesReal)
                    Mirror(real, imaginary, length);
                if (isInverse)
                    plan.Run(imaginary, real, work);
                else
                    plan.Run(real, imaginary, work);
                float scale = isInverse ? 1f / length : 1;
                if (givesReal)
                    StoreReal(real, scale, (float*)y.Data + to, lines.YStep, length);
                else
                    Store(real, imaginary, scale, (float*)y.Data + 2 * to, 2 * lines.YStep, y.Shape[axis]);
            }
        });
    }

    private static void Load(float* from, long step, int count, float* real, float* imaginary)
    {
        for (int i = 0; i < count; i++, from += step)
            (real[i], imaginary[i]) = (from[0], from[1]);
    }

    private static void LoadReal(float* from, long step, int count, float* real, float* imaginary)
    {
        for (int i = 0; i < count; i++)
            real[i] = from[i * step];
        new Span<float>(imaginary, count).Clear();
    }

    private static void Store(float* real, float* imaginary, float scale, float* to, long step, int count)
    {
        for (int i = 0; i < count; i++, to += step)
            (to[0], to[1]) = (real[i] * scale, imaginary[i] * scale);
    }

    private static void StoreReal(float* real, float scale, float* to, long step, int count)
    {
        for (int i = 0; i < count; i++)
            to[i * step] = real[i] * scale;
    }

    // The transform of real numbers: x₋ₖ is conjugate to xₖ, so that x₀, and the middle one of an even number, are
    // real.
    private static void Mirror(float* real, float* imaginary, int length)
    {
        imaginary[0] = 0;
        if (length % 2 == 0)
            imaginary[length / 2] = 0;
        for (int k = length / 2 + 1; k < length; k++)
            (real[k], imaginary[k]) = (real[length - k], -imaginary[length - k]);
    }

    /// <summary>Where the lines along an axis start, in both arrays.</summary>
    private readonly struct Lines
    {
        private readonly RowOffsets _x, _y;

        public Lines(Node x, Node y, int axis)
        {
            _x = new(Moved(x.Shape, axis), Moved(x.Strides, axis));
            _y = new(Moved(y.Shape, axis), Moved(y.Strides, axis));
            (XStep, YStep) = (x.Strides[axis], y.Strides[axis]);
        }

        public long Count => _x.Count;

        /// <summary>Elements from one number of a line to the next.</summary>
        public long XStep { get; }

        public long YStep { get; }

        public (long X, long Y) this[long line] => (_x[line], _y[line]);

        private static T[] Moved<T>(T[] values, int axis) =>
            [.. values[..axis], .. values[(axis + 1)..], values[axis]];
    }
}
