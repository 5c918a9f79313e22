using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Arrays of random numbers for kernels that work on pointers; freed together.</summary>
internal sealed unsafe class KernelMemory : IDisposable
{
    private readonly Random _random;
    private readonly List<nint> _blocks = [];

    public KernelMemory(int seed) => _random = new Random(seed);

    /// <summary>Every width at which kernels must work; a width that the machine lacks falls to the next.</summary>
    public static readonly int[] Widths = [512, 256, 128, 0];

    /// <summary>Zeroed memory.</summary>
    public byte* Zeros(long nBytes)
    {
        var block = (byte*)NativeMemory.AlignedAlloc((nuint)nBytes + 64, 64);
        NativeMemory.Clear(block, (nuint)nBytes + 64);
        _blocks.Add((nint)block);
        return block;
    }

    /// <summary>Numbers between −1 and 1 in a dtype.</summary>
    public byte* Numbers(long count, mlx_dtype type)
    {
        byte* block = Zeros(count * 4);
        for (long i = 0; i < count; i++)
            Store(block, i, (float)(_random.NextDouble() * 2 - 1), type);
        return block;
    }

    public byte* Bytes(long count, int limit = 256)
    {
        byte* block = Zeros(count);
        for (long i = 0; i < count; i++)
            block[i] = (byte)_random.Next(limit);
        return block;
    }

    public static void Store(void* to, long index, float value, mlx_dtype type)
    {
        if (type == mlx_dtype.MLX_FLOAT32)
            ((float*)to)[index] = value;
        else if (type == mlx_dtype.MLX_BFLOAT16)
            SimdScalar.StoreBFloat16(value, (ushort*)to + index);
        else
            SimdScalar.StoreFloat16(value, (ushort*)to + index);
    }

    public static float Load(void* from, long index, mlx_dtype type) => type switch
    {
        mlx_dtype.MLX_FLOAT32 => ((float*)from)[index],
        mlx_dtype.MLX_BFLOAT16 => SimdScalar.LoadBFloat16((ushort*)from + index),
        _ => SimdScalar.LoadFloat16((ushort*)from + index),
    };

    /// <summary>The same numbers in float32.</summary>
    public float* Widened(void* from, long count, mlx_dtype type)
    {
        var to = (float*)Zeros(count * 4);
        for (long i = 0; i < count; i++)
            to[i] = Load(from, i, type);
        return to;
    }

    /// <summary>Half a unit in the last place of the dtype, relative, and what sums in float32 may lose.</summary>
    public static double Tolerance(mlx_dtype type) => type switch
    {
        mlx_dtype.MLX_FLOAT32 => 2e-5,
        mlx_dtype.MLX_BFLOAT16 => 8e-3,
        _ => 1e-3,
    };

    /// <summary>Runs a kernel on two threads and on one, at one width; the bits must be the same.</summary>
    /// <returns>The result of the last run.</returns>
    public byte* RunTwice(int width, long nBytes, Action<nint> run)
    {
        byte* shared = Zeros(nBytes), alone = Zeros(nBytes);
        int threads = WorkerPool.ThreadCount, widest = VectorWidth.Max;
        try
        {
            VectorWidth.Max = width;
            WorkerPool.ThreadCount = 3;
            run((nint)shared);
            WorkerPool.ThreadCount = 1;
            run((nint)alone);
        }
        finally
        {
            WorkerPool.ThreadCount = threads;
            VectorWidth.Max = widest;
        }

        Assert.True(
            new ReadOnlySpan<byte>(shared, (int)nBytes).SequenceEqual(new ReadOnlySpan<byte>(alone, (int)nBytes)),
            "one thread and three gave different bits");
        return alone;
    }

    /// <summary>Fails at the first of <paramref name="count"/> numbers that is too far from the reference.</summary>
    public static void AssertClose(float* expected, void* actual, long count, mlx_dtype type, double tolerance)
    {
        for (long i = 0; i < count; i++)
        {
            double got = Load(actual, i, type), want = expected[i];
            if (double.IsNaN(want) && double.IsNaN(got))
                continue;
            Assert.True(Math.Abs(got - want) <= tolerance * (1 + Math.Abs(want)), $"element {i}: {got}, not {want}");
        }
    }

    public void Dispose()
    {
        foreach (nint block in _blocks)
            NativeMemory.AlignedFree((void*)block);
    }
}
