using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>
/// What this machine can do at most, measured in this process: the figures that decoding (memory) and prompts
/// (arithmetic) are compared with.
/// </summary>
public static class MachineLimits
{
    private const long ReadBytes = 256L << 20;
    private const int ReadTaskBytes = 1 << 20;
    private const int Rounds = 12;
    private const double LeastSeconds = 0.15;      // of all rounds: other processes leave the cores alone now and then
    private const int TasksPerThread = 8;

    /// <summary>Threads that kernels use.</summary>
    public static int ThreadCount => WorkerPool.ThreadCount;

    /// <summary>
    /// Bytes a second at which <paramref name="nThreads"/> threads read memory that is larger than the caches; the best
    /// of many rounds. Takes a quarter of a gigabyte and a fraction of a second.
    /// </summary>
    /// <param name="nThreads">Threads; 0 for as many as kernels use.</param>
    public static unsafe double MeasureReadBytesPerSecond(int nThreads = 0)
    {
        Buffer buffer = Buffer.Allocate(ReadBytes);
        new Span<byte>(buffer.Pointer, (int)ReadBytes).Fill(1);
        var job = new Job { Data = buffer.Pointer };
        double seconds = Best(nThreads, () => Simd.Run<ReadKernel, Job>(job));
        buffer.Release();
        return ReadBytes / seconds;
    }

    /// <summary>
    /// Floating-point operations a second (a fused multiply-add counts two) of <paramref name="nThreads"/> threads in
    /// float32, at the widest vectors; the best of several rounds.
    /// </summary>
    /// <param name="nThreads">Threads; 0 for as many as kernels use.</param>
    public static double MeasureFmaFlopsPerSecond(int nThreads = 0)
    {
        int nTasks = TaskCount(nThreads);
        var job = new Job { TaskCount = nTasks };
        double seconds = Best(nThreads, () => Simd.Run<FmaKernel, Job>(job));
        return (double)nTasks * FmaKernel.FlopsPerTask(Width()) / seconds;
    }

    /// <summary>
    /// Operations a second (a multiplication and its addition count two) of <paramref name="nThreads"/> threads on
    /// bytes whose products are summed in 32 bits; the best of several rounds. 0 where the processor has no such
    /// instruction (AVX-VNNI), or <see cref="VectorWidth"/> forbids it.
    /// </summary>
    /// <param name="nThreads">Threads; 0 for as many as kernels use.</param>
    public static unsafe double MeasureInt8OpsPerSecond(int nThreads = 0)
    {
        if (!AvxVnni.IsSupported || !VectorWidth.Has256)
            return 0;
        int nTasks = TaskCount(nThreads);
        double seconds = Best(nThreads, () => WorkerPool.Run(nTasks, &Int8Kernel.Multiply, null));
        return (double)nTasks * Int8Kernel.OpsPerTask / seconds;
    }

    private static int TaskCount(int nThreads) => TasksPerThread * (nThreads > 0 ? nThreads : WorkerPool.ThreadCount);

    private static int Width() =>
        VectorWidth.Has512 ? 16 : VectorWidth.Has256 ? 8 : VectorWidth.Has128 ? 4 : 1;

    private static double Best(int nThreads, Action run)
    {
        int before = WorkerPool.ThreadCount;
        double best = double.PositiveInfinity;
        try
        {
            if (nThreads > 0)
                WorkerPool.ThreadCount = nThreads;
            long begin = Stopwatch.GetTimestamp();
            for (int round = 0; round < Rounds || Stopwatch.GetElapsedTime(begin).TotalSeconds < LeastSeconds; round++)
            {
                long start = Stopwatch.GetTimestamp();
                run();
                best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }
        finally
        {
            WorkerPool.ThreadCount = before;
        }

        return best;
    }

    private unsafe struct Job
    {
        public byte* Data;
        public int TaskCount;
    }

    private readonly unsafe struct ReadKernel : ISimdKernel<Job>
    {
        public static void Run<L, V>(in Job arguments)
            where L : struct, ISimd<V>
            where V : struct =>
            WorkerPool.Run((int)(ReadBytes / ReadTaskBytes), &Read<L, V>, arguments.Data);

        // Four streams, as the matrix-vector kernels read.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Read<L, V>(void* data, int task)
            where L : struct, ISimd<V>
            where V : struct
        {
            const int Stream = ReadTaskBytes / 4;
            byte* p = (byte*)data + (long)task * ReadTaskBytes;
            V s0 = default, s1 = default, s2 = default, s3 = default;
            for (int i = 0; i < Stream; i += 4 * L.Count)
            {
                if (Sse.IsSupported)
                {
                    Sse.Prefetch0(p + i + 1024);
                    Sse.Prefetch0(p + i + 1024 + Stream);
                    Sse.Prefetch0(p + i + 1024 + 2 * Stream);
                    Sse.Prefetch0(p + i + 1024 + 3 * Stream);
                }

                s0 = L.Add(s0, L.Load((float*)(p + i)));
                s1 = L.Add(s1, L.Load((float*)(p + i + Stream)));
                s2 = L.Add(s2, L.Load((float*)(p + i + 2 * Stream)));
                s3 = L.Add(s3, L.Load((float*)(p + i + 3 * Stream)));
            }

            Keep(L.Sum(L.Add(L.Add(s0, s1), L.Add(s2, s3))));
        }
    }

    private readonly unsafe struct FmaKernel : ISimdKernel<Job>
    {
        private const int Steps = 100_000, Accumulators = 12;

        public static long FlopsPerTask(int width) => 2L * Steps * Accumulators * width;

        public static void Run<L, V>(in Job arguments)
            where L : struct, ISimd<V>
            where V : struct =>
            WorkerPool.Run(arguments.TaskCount, &Multiply<L, V>, null);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Multiply<L, V>(void* context, int task)
            where L : struct, ISimd<V>
            where V : struct
        {
            V a = L.Create(0.999f), b = L.Create(0.001f);
            V s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b, s10 = b, s11 = b;
            for (int i = 0; i < Steps; i++)
            {
                s0 = L.MultiplyAdd(s0, a, b);
                s1 = L.MultiplyAdd(s1, a, b);
                s2 = L.MultiplyAdd(s2, a, b);
                s3 = L.MultiplyAdd(s3, a, b);
                s4 = L.MultiplyAdd(s4, a, b);
                s5 = L.MultiplyAdd(s5, a, b);
                s6 = L.MultiplyAdd(s6, a, b);
                s7 = L.MultiplyAdd(s7, a, b);
                s8 = L.MultiplyAdd(s8, a, b);
                s9 = L.MultiplyAdd(s9, a, b);
                s10 = L.MultiplyAdd(s10, a, b);
                s11 = L.MultiplyAdd(s11, a, b);
            }

            V low = L.Add(L.Add(s0, s1), L.Add(s2, s3)), high = L.Add(L.Add(s8, s9), L.Add(s10, s11));
            Keep(L.Sum(L.Add(L.Add(low, high), L.Add(L.Add(s4, s5), L.Add(s6, s7)))));
        }
    }

    private static unsafe class Int8Kernel
    {
        private const int Steps = 100_000, Accumulators = 12;

        public const long OpsPerTask = 2L * Steps * Accumulators * 32;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Multiply(void* context, int task)
        {
            Vector256<byte> a = Vector256.Create((byte)3);
            Vector256<sbyte> b = Vector256.Create((sbyte)-1);
            Vector256<int> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default;
            Vector256<int> s6 = default, s7 = default, s8 = default, s9 = default, s10 = default, s11 = default;
            for (int i = 0; i < Steps; i++)
            {
                s0 = AvxVnni.MultiplyWideningAndAdd(s0, a, b);
                s1 = AvxVnni.MultiplyWideningAndAdd(s1, a, b);
                s2 = AvxVnni.MultiplyWideningAndAdd(s2, a, b);
                s3 = AvxVnni.MultiplyWideningAndAdd(s3, a, b);
                s4 = AvxVnni.MultiplyWideningAndAdd(s4, a, b);
                s5 = AvxVnni.MultiplyWideningAndAdd(s5, a, b);
                s6 = AvxVnni.MultiplyWideningAndAdd(s6, a, b);
                s7 = AvxVnni.MultiplyWideningAndAdd(s7, a, b);
                s8 = AvxVnni.MultiplyWideningAndAdd(s8, a, b);
                s9 = AvxVnni.MultiplyWideningAndAdd(s9, a, b);
                s10 = AvxVnni.MultiplyWideningAndAdd(s10, a, b);
                s11 = AvxVnni.MultiplyWideningAndAdd(s11, a, b);
            }

            Keep(Vector256.Sum((s0 + s1) + (s2 + s3) + (s4 + s5) + (s6 + s7) + (s8 + s9) + (s10 + s11)));
        }
    }

    /// <summary>Uses a result, so that the work for it is not left out.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Keep(float value) => _ = value;
}
