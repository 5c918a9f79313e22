using BenchmarkDotNet.Attributes;
using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Benchmarks;

/// <summary>rms_norm, rope and attention of one OpenELM-270M layer: 20 query heads on 5 key heads of width 64, bfloat16.</summary>
public unsafe class FastBenchmarks
{
    private const int Width = 1280, Heads = 20, KeyHeads = 5, HeadWidth = 64, Context = 512;

    private NativeNumbers _numbers = new();
    private NormArguments _norm;
    private RopeArguments _rope;
    private AttentionArguments _attention;

    /// <summary>Tokens that go in at once; the cache holds 512 in the end.</summary>
    [Params(1, 512)]
    public int Tokens { get; set; }

    /// <summary>Fills the arrays.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _numbers = new();
        _norm = new NormArguments
        {
            Rows = new RowOffsets([Tokens, Width], [Width, 1]),
            Width = Width,
            Type = mlx_dtype.MLX_BFLOAT16,
            X = _numbers.BFloat16((long)Tokens * Width),
            Y = _numbers.Zeros((long)Tokens * Width * 2),
            Weight = _numbers.BFloat16(Width),
            Epsilon = 1e-6f,
        };
        var frequencies = (float*)_numbers.Zeros(HeadWidth / 2 * 4);
        for (int i = 0; i < HeadWidth / 2; i++)
            frequencies[i] = RopeKernels.Frequency(10000, i, HeadWidth / 2);
        _rope = new RopeArguments
        {
            B = 1,
            H = Heads,
            L = Tokens,
            D = HeadWidth,
            Dims = HeadWidth,
            Scale = 1,
            Type = mlx_dtype.MLX_BFLOAT16,
            X = _numbers.BFloat16((long)Tokens * Heads * HeadWidth),
            BatchStride = (long)Tokens * Heads * HeadWidth,
            HeadStride = HeadWidth,
            RowStride = Heads * HeadWidth,
            Y = _numbers.Zeros((long)Tokens * Heads * HeadWidth * 2),
            InverseFrequencies = frequencies,
            Offsets = (int*)_numbers.Zeros(4),
        };
        _attention = new AttentionArguments
        {
            B = 1,
            H = Heads,
            G = KeyHeads,
            Lq = Tokens,
            Lk = Context,
            D = HeadWidth,
            Dv = HeadWidth,
            Type = mlx_dtype.MLX_BFLOAT16,
            Scale = 0.125f,
            Q = _rope.X,
            QHead = HeadWidth,
            QRow = Heads * HeadWidth,
            K = _numbers.BFloat16(KeyHeads * Context * HeadWidth),
            KHead = Context * HeadWidth,
            KRow = HeadWidth,
            V = _numbers.BFloat16(KeyHeads * Context * HeadWidth),
            VHead = Context * HeadWidth,
            VRow = HeadWidth,
            Y = _numbers.Zeros((long)Tokens * Heads * HeadWidth * 2),
            MaskKind = AttentionMask.Causal,
        };
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Cleanup() => _numbers.Free();

    /// <summary>One norm of the model's width.</summary>
    [Benchmark]
    public void RmsNorm() => NormKernels.RmsNorm(_norm);

    /// <summary>Rope of the queries.</summary>
    [Benchmark]
    public void Rope() => RopeKernels.Run(_rope);

    /// <summary>Causal attention.</summary>
    [Benchmark]
    public void Attention() => AttentionKernels.Run(_attention);
}
