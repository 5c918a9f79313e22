using BenchmarkDotNet.Attributes;
using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Benchmarks;

/// <summary>x·Wᵀ with an affine W [10240, 1280] in groups of 64 and bfloat16 scales.</summary>
public unsafe class QuantizedBenchmarks
{
    private const int N = 10240, K = 1280, GroupSize = 64;

    private NativeNumbers _numbers = new();
    private QuantizedMatMulArguments _arguments;

    /// <summary>Rows of x.</summary>
    [Params(1, 512)]
    public int Rows { get; set; }

    /// <summary>Bits of a number.</summary>
    [Params(3, 4, 8)]
    public int Bits { get; set; }

    /// <summary>Fills the matrices.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _numbers = new();
        _arguments = new QuantizedMatMulArguments
        {
            W = new QuantizedMatrix
            {
                Mode = QuantizationMode.Affine,
                Bits = Bits,
                GroupSize = GroupSize,
                Rows = N,
                Columns = K,
                Words = (uint*)_numbers.Bytes((long)N * K * Bits / 8),
                Scales = _numbers.BFloat16(N * K / GroupSize),
                Biases = _numbers.BFloat16(N * K / GroupSize),
                ScaleType = mlx_dtype.MLX_BFLOAT16,
            },
            IsTransposed = true,
            M = Rows,
            Type = mlx_dtype.MLX_BFLOAT16,
            X = _numbers.BFloat16((long)Rows * K),
            XRow = K,
            XColumn = 1,
            Y = _numbers.Zeros((long)Rows * N * 2),
        };
    }

    /// <summary>Frees them.</summary>
    [GlobalCleanup]
    public void Cleanup() => _numbers.Free();

    /// <summary>One product.</summary>
    [Benchmark]
    public void Product() => QuantizedKernels.Run(_arguments);
}
