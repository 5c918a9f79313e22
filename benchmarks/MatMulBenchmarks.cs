using BenchmarkDotNet.Attributes;
using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Benchmarks;

/// <summary>
/// x·Wᵀ in bfloat16 with the shapes of OpenELM-270M (width 1280): a fused qkv projection, both feed-forward projections
/// of the last layer, and the vocabulary. Rows: one token (read bandwidth counts) and a prompt (arithmetic counts).
/// </summary>
public unsafe class MatMulBenchmarks
{
    private NativeNumbers _numbers = new();
    private MatMulArguments _arguments;

    /// <summary>Rows of x.</summary>
    [Params(1, 512)]
    public int Rows { get; set; }

    /// <summary>Output × input width of W.</summary>
    [Params("1152x1280", "10240x1280", "1280x5120", "32000x1280")]
    public string Weights { get; set; } = "";

    /// <summary>Fills the matrices.</summary>
    [GlobalSetup]
    public void Setup()
    {
        int[] shape = [.. Weights.Split('x').Select(int.Parse)];
        (int n, int k) = (shape[0], shape[1]);
        _numbers = new();
        _arguments = new MatMulArguments
        {
            M = Rows,
            N = n,
            K = k,
            Type = mlx_dtype.MLX_BFLOAT16,
            A = _numbers.BFloat16((long)Rows * k),
            ARow = k,
            AColumn = 1,
            B = _numbers.BFloat16((long)n * k),
            BRow = 1,
            BColumn = k,
            C = _numbers.Zeros((long)Rows * n * 2),
            CRow = n,
        };
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Cleanup() => _numbers.Free();

    /// <summary>One product.</summary>
    [Benchmark]
    public void Product() => MatMulKernels.Run(_arguments);
}
