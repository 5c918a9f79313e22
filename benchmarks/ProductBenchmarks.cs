using BenchmarkDotNet.Attributes;

namespace ElmMlx.Benchmarks;

/// <summary>
/// x · Wᵀ for one token, a few, and a prompt, in every format: W [10240, 1280], OpenELM-270M's last <c>proj_1</c>.
/// </summary>
public class ProductBenchmarks : KernelBenchmark
{
    private const int N = 10240, K = 1280;

    private RandomMatrix? _w;
    private MlxArray? _x;

    /// <summary>Rows of x.</summary>
    [Params(1, 2, 4, 8, 16, 512)]
    public int Rows { get; set; }

    /// <summary>How W is stored.</summary>
    [Params("float32", "bfloat16", "float16", "2-bit", "3-bit", "4-bit", "5-bit", "6-bit", "8-bit")]
    public string Format { get; set; } = "";

    /// <inheritdoc/>
    public override Work WorkOf(string method) => new(RandomMatrix.ByteCount(Format, N, K), 2.0 * Rows * N * K);

    /// <summary>Makes the arrays.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _w = Own(new RandomMatrix(Format, N, K));
        _x = Random(RandomMatrix.TypeOf(Format), Rows, K);
    }

    /// <summary>One product.</summary>
    [Benchmark]
    public void Product() => _w!.Multiply(_x!);
}
