using System.Runtime.CompilerServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Quantises and dequantises with MLX's arithmetic, rounding for rounding: the packed words, scales and biases are the
/// same bits.
/// </summary>
internal static unsafe class QuantizeKernels
{
    /// <summary>Numbers of a task.</summary>
    private const int TaskSize = 1 << 15;

    /// <summary>
    /// Quantises <paramref name="size"/> row-contiguous numbers; <paramref name="form"/> says how, and where words, scales
    /// and biases go. <paramref name="globalScale"/> is nvfp4's scale of the whole matrix, NaN without one.
    /// </summary>
    public static void Quantize(void* w, long size, mlx_dtype type, QuantizedMatrix form, float globalScale = float.NaN)
    {
        switch (type)
        {
            case mlx_dtype.MLX_FLOAT32:
                Quantize<Float32Format>(w, size, form, globalScale);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                Quantize<BFloat16Format>(w, size, form, globalScale);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Quantize<Float16Format>(w, size, form, globalScale);
                break;
            default:
                throw new ArgumentException("[quantize] Only float32, float16 and bfloat16 can be quantized.");
        }
    }

    /// <summary>Writes a whole matrix in <paramref name="type"/>, each step rounded to it.</summary>
    public static void Dequantize(QuantizedMatrix w, mlx_dtype type, void* to, float globalScale = float.NaN)
    {
        switch (type)
        {
            case mlx_dtype.MLX_FLOAT32:
                Dequantize<Float32Format>(w, to, globalScale);
                break;
            case mlx_dtype.MLX_BFLOAT16:
                Dequantize<BFloat16Format>(w, to, globalScale);
                break;
            case mlx_dtype.MLX_FLOAT16:
                Dequantize<Float16Format>(w, to, globalScale);
                break;
            default:
                throw new ArgumentException("[dequantize] Only float32, float16 and bfloat16 are supported.");
        }
    }

    private static void Quantize<F>(void* w, long size, QuantizedMatrix form, float globalScale)
        where F : struct, IFloatFormat
    {
        int groupsPerTask = TaskSize / form.GroupSize;
        long nGroups = size / form.GroupSize;
        nint from = (nint)w;
        WorkerPool.Run((int)((nGroups + groupsPerTask - 1) / groupsPerTask), task =>
        {
            long end = Math.Min((task + 1L) * groupsPerTask, nGroups);
            for (long group = (long)task * groupsPerTask; group < end; group++)
            {
                byte* packed = (byte*)form.Words + group * form.GroupSize * form.Bits / 8;
                void* values = (byte*)from + group * form.GroupSize * F.Size;
                if (form.Mode == QuantizationMode.Affine)
                    QuantizeAffine<F>(values, form, group, packed);
                else
                    QuantizeFloat<F>(values, form, group, packed, globalScale);
            }
        });
    }

    // The larger end of the range (in magnitude) is hit exactly; the scale is negative where that is the upper end.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void QuantizeAffine<F>(void* values, in QuantizedMatrix form, long group, byte* packed)
        where F : struct, IFloatFormat
    {
        float nBins = (1 << form.Bits) - 1;
        float min = float.PositiveInfinity, max = float.NegativeInfinity;
        for (int i = 0; i < form.GroupSize; i++)
        {
            float value = F.Load<SimdScalar, float>(values, i);
            max = max < value ? value : max;
            min = value < min ? value : min;
        }

        bool isLowerEnd = MathF.Abs(min) > MathF.Abs(max);
        float scale = (max - min) / nBins;
        scale = scale < 1e-7f ? 1e-7f : scale;
        scale = isLowerEnd ? scale : -scale;
        float edge = isLowerEnd ? min : max, bias = 0;
        float steps = MathF.Round(edge / scale);
        if (steps != 0)
        {
            scale = edge / steps;
            bias = edge;
        }

        ulong pending = 0;
        int nPending = 0;
        for (int i = 0; i < form.GroupSize; i++)
        {
            float q = MathF.Round((F.Load<SimdScalar, float>(values, i) - bias) / scale);
            q = q > 0 ? q : 0;
            q = q < nBins ? q : nBins;
            pending |= (ulong)q << nPending;
            nPending += form.Bits;
            for (; nPending >= 8; nPending -= 8, pending >>= 8)
                *packed++ = (byte)pending;
        }

        F.Store<SimdScalar, float>(scale, form.Scales, group);
        F.Store<SimdScalar, float>(bias, form.Biases, group);
    }

    // mxfp4, mxfp8, nvfp4: every step rounds to the dtype of w, as the composed operations of MLX do.
    private static void QuantizeFloat<F>(
        void* values, in QuantizedMatrix form, long group, byte* packed, float globalScale)
        where F : struct, IFloatFormat
    {
        float largest = 0;
        for (int i = 0; i < form.GroupSize; i++)
            largest = MathF.Max(largest, MathF.Abs(F.Load<SimdScalar, float>(values, i)));
        float scale = Round<F>(largest / (form.Bits == 4 ? 6f : 448f)), encode = 1;
        bool isNvfp4 = form.Mode == QuantizationMode.Nvfp4;
        if (isNvfp4)
        {
            encode = float.IsNaN(globalScale) ? 1 : 448f * 6f / globalScale;
            byte code = Float8.ToE4M3(scale * encode);
            ((byte*)form.Scales)[group] = code;
            scale = Round<F>(Float8.FromE4M3(code));
        }
        else
        {
            float exponent = scale == 0 ? 0 : MathF.Round(Round<F>(MathF.Log2(scale)));
            ((byte*)form.Scales)[group] = (byte)(int)(exponent + 127);
            scale = Round<F>(MathF.Pow(2, exponent));
        }

        for (int i = 0; i < form.GroupSize; i++)
        {
            float value = Round<F>(F.Load<SimdScalar, float>(values, i) / scale);
            if (isNvfp4)
                value *= encode;
            if (form.Bits == 8)
            {
                packed[i] = Float8.ToE4M3(value);
                continue;
            }

            int code = isNvfp4 ? Nearest<Float32Format>(value) : Nearest<F>(value);
            if ((i & 1) == 0)
                packed[i / 2] = (byte)code;
            else
                packed[i / 2] |= (byte)(code << 4);
        }
    }

    /// <summary>The e2m1 code with the smallest distance, the lowest of equals.</summary>
    private static int Nearest<F>(float value)
        where F : struct, IFloatFormat
    {
        int nearest = 0;
        float smallest = float.PositiveInfinity;
        for (int code = 0; code < 16; code++)
        {
            float distance = MathF.Abs(Round<F>(value - Float8.Float4[code]));
            if (distance < smallest)
            {
                smallest = distance;
                nearest = code;
            }
        }

        return nearest;
    }

    private static void Dequantize<F>(QuantizedMatrix w, void* to, float globalScale)
        where F : struct, IFloatFormat
    {
        int rowsPerTask = Math.Max(1, TaskSize / Math.Max(1, w.Columns));
        nint target = (nint)to;
        WorkerPool.Run((w.Rows + rowsPerTask - 1) / rowsPerTask, task =>
        {
            int end = Math.Min((task + 1) * rowsPerTask, w.Rows);
            for (int row = task * rowsPerTask; row < end; row++)
                DequantizeRow<F>(w, row, (byte*)target + (long)row * w.Columns * F.Size, globalScale);
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DequantizeRow<F>(in QuantizedMatrix w, int row, void* to, float globalScale)
        where F : struct, IFloatFormat
    {
        float* values = stackalloc float[256];
        w.FillValues(values);
        float encode = float.IsNaN(globalScale) ? 1 : Round<F>(globalScale / Round<F>(448f * 6f));
        byte* packed = (byte*)w.Words + row * w.RowBytes;
        for (int group = 0; group < w.GroupsPerRow; group++)
        {
            long index = (long)row * w.GroupsPerRow + group;
            float scale = Round<F>(w.Scale(index)), bias = w.Bias(index);
            if (w.Mode == QuantizationMode.Nvfp4)
                scale = Round<F>(scale * encode);
            for (int i = group * w.GroupSize; i < (group + 1) * w.GroupSize; i++)
            {
                float value = Round<F>(values[w.Code(packed, i)] * scale);
                F.Store<SimdScalar, float>(w.Mode == QuantizationMode.Affine ? value + bias : value, to, i);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Round<F>(float value)
        where F : struct, IFloatFormat
    {
        float room;
        F.Store<SimdScalar, float>(value, &room, 0);
        return F.Load<SimdScalar, float>(&room, 0);
    }
}
