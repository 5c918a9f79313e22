using System.Globalization;
using BenchmarkDotNet.Attributes;

namespace ElmMlx.Benchmarks;

/// <summary>
/// x · Wᵀ with the shapes of OpenELM-270M: the first <c>qkv_proj</c>, the last layer's <c>proj_1</c> and <c>proj_2</c>,
/// and the vocabulary.
/// </summary>
public class ShapeBenchmarks : KernelBenchmark
{
    private RandomMatrix? _w;
    private MlxArray? _x;

    /// <summary>Rows of x.</summary>
    [Params(1, 512)]
    public int Rows { get; set; }

    /// <summary>How W is stored.</summary>
    [Params("bfloat16", "4-bit")]
    public string Format { get; set; } = "";

    /// <summary>Rows × columns of W.</summary>
    [Params("1152x1280", "10240x1280", "1280x5120", "32000x1280")]
    public string Weights { get; set; } = "1x1";

    private (int N, int K) Sizes
    {
        get
        {
            int[] sizes = [.. Weights.Split('x').Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
            return (sizes[0], sizes[1]);
        }
    }

    /// <inheritdoc/>
    public override Work WorkOf(string method)
    {
        (int n, int k) = Sizes;
        return new(RandomMatrix.ByteCount(Format, n, k), 2.0 * Rows * n * k);
    }

    /// <summary>Makes the arrays.</summary>
    [GlobalSetup]
    public void Setup()
    {
        (int n, int k) = Sizes;
        _w = Own(new RandomMatrix(Format, n, k));
        _x = Random(RandomMatrix.TypeOf(Format), Rows, k);
    }

    /// <summary>One product.</summary>
    [Benchmark]
    public void Product() => _w!.Multiply(_x!);
}
