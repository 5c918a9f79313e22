using BenchmarkDotNet.Attributes;

namespace ElmMlx.Benchmarks;

/// <summary>
/// Attention of a token in OpenELM-270M's last layer, 20 query heads on 5 key heads of width 64. Sixteen layers with a
/// cache each are evaluated together; the figure is a layer's.
/// </summary>
public class AttentionBenchmarks : KernelBenchmark
{
    private const int Layers = 16, Heads = 20, KeyHeads = 5, Width = 64;

    private MlxArray? _query;
    private MlxArray[] _keys = [], _values = [];

    /// <summary>Type of queries, keys and values.</summary>
    [Params(DType.BFloat16, DType.Float32)]
    public DType Type { get; set; }

    /// <summary>Tokens in the cache.</summary>
    [Params(512, 2048)]
    public int Cached { get; set; }

    /// <inheritdoc/>
    public override Work WorkOf(string method) =>
        new(2.0 * Cached * KeyHeads * Width * Type.Size(), 4.0 * Cached * Heads * Width);

    /// <summary>Makes the arrays.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _query = Random(Type, 1, Heads, 1, Width);
        _keys = [.. Enumerable.Range(0, Layers).Select(_ => Random(Type, 1, KeyHeads, Cached, Width))];
        _values = [.. Enumerable.Range(0, Layers).Select(_ => Random(Type, 1, KeyHeads, Cached, Width))];
    }

    /// <summary>One token.</summary>
    [Benchmark(OperationsPerInvoke = Layers)]
    public void OneToken()
    {
        using ArrayScope scope = new();
        MlxArray.Eval(Enumerable.Range(0, Layers).Select(
            i => Fast.ScaledDotProductAttention(_query!, _keys[i], _values[i], 0.125f)));
    }
}
