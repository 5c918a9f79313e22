using System.Numerics;
using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>One value, or a broadcast view, written out.</summary>
internal sealed class Full : Primitive
{
    public override string Name => "Full";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        CopyKernels.Run(inputs[0], outputs[0].Data);
    }

    public override Node?[] Gradient(Backward backward) => [backward.Cotangent];
}

/// <summary>Start, start + step, …: summed in the output's dtype, as MLX does.</summary>
internal sealed class Arange(double start, double step) : Primitive
{
    public override string Name => "Arange";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.Allocate();
        void* data = output.Data;
        long size = output.Size;
        switch (output.Type)
        {
            case MLX_UINT8:
                Fill((byte*)data, size);
                break;
            case MLX_UINT16:
                Fill((ushort*)data, size);
                break;
            case MLX_UINT32:
                Fill((uint*)data, size);
                break;
            case MLX_UINT64:
                Fill((ulong*)data, size);
                break;
            case MLX_INT8:
                Fill((sbyte*)data, size);
                break;
            case MLX_INT16:
                Fill((short*)data, size);
                break;
            case MLX_INT32:
                Fill((int*)data, size);
                break;
            case MLX_INT64:
                Fill((long*)data, size);
                break;
            case MLX_FLOAT16:
                Fill((Half*)data, size);
                break;
            case MLX_BFLOAT16:
                FillBFloat16((BFloat16*)data, size);
                break;
            case MLX_FLOAT32:
                Fill((float*)data, size);
                break;
            case MLX_FLOAT64:
                Fill((double*)data, size);
                break;
            default:
                FillComplex((Complex64*)data, size);
                break;
        }
    }

    private unsafe void Fill<T>(T* data, long size)
        where T : unmanaged, INumber<T>
    {
        // Whole numbers go through int64, so that negative ones wrap in unsigned dtypes.
        bool isInteger = T.One / (T.One + T.One) == T.Zero;
        T value = isInteger ? T.CreateTruncating((long)start) : T.CreateSaturating(start);
        T next = isInteger ? T.CreateTruncating((long)(start + step)) : T.CreateSaturating(start + step);
        T difference = next - value;
        for (long i = 0; i < size; i++)
        {
            data[i] = value;
            value += difference;
        }
    }

    private unsafe void FillBFloat16(BFloat16* data, long size)
    {
        var value = (BFloat16)(float)start;
        var difference = (BFloat16)((float)(BFloat16)(float)(start + step) - (float)value);
        for (long i = 0; i < size; i++)
        {
            data[i] = value;
            value = (BFloat16)((float)value + (float)difference);
        }
    }

    private unsafe void FillComplex(Complex64* data, long size)
    {
        float value = (float)start, difference = (float)(start + step) - value;
        for (long i = 0; i < size; i++)
        {
            data[i] = new(value, 0);
            value += difference;
        }
    }
}

/// <summary>Evenly spaced numbers in float32 or float64, both ends counted in.</summary>
internal sealed class Linspace(double start, double stop) : Primitive
{
    public override string Name => "Linspace";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.Allocate();
        if (output.Type == MLX_FLOAT64)
            Fill((double*)output.Data, output.Size, start, stop);
        else
            Fill((float*)output.Data, output.Size, (float)start, (float)stop);
    }

    private static unsafe void Fill<T>(T* data, long size, T first, T last)
        where T : unmanaged, IFloatingPoint<T>
    {
        T nSteps = T.CreateSaturating(size - 1);
        for (long i = 0; i < size; i++)
        {
            T t = T.CreateSaturating(i) / nSteps;
            data[i] = (T.One - t) * first + t * last;
        }
    }
}

/// <summary>True on and below the k-th diagonal.</summary>
internal sealed class Tri(int k) : Primitive
{
    public override string Name => "Tri";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node output = outputs[0];
        output.Allocate();
        int nRows = output.Shape[0], nColumns = output.Shape[1];
        for (int row = 0; row < nRows; row++)
        {
            var line = new Span<bool>((bool*)output.Data + (long)row * nColumns, nColumns);
            int nTrue = (int)Math.Clamp((long)row + k + 1, 0, nColumns);
            line[..nTrue].Fill(true);
            line[nTrue..].Clear();
        }
    }
}
