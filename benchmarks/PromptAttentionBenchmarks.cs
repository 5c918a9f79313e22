using BenchmarkDotNet.Attributes;

namespace ElmMlx.Benchmarks;

/// <summary>
/// Causal attention of a prompt on itself in OpenELM-270M's last layer, 20 query heads on 5 key heads of width 64.
/// </summary>
public class PromptAttentionBenchmarks : KernelBenchmark
{
    private const int Heads = 20, KeyHeads = 5, Width = 64;

    private MlxArray? _queries, _keys, _values;

    /// <summary>Type of queries, keys and values.</summary>
    [Params(DType.BFloat16, DType.Float32)]
    public DType Type { get; set; }

    /// <summary>Tokens of the prompt.</summary>
    [Params(512, 2048)]
    public int Tokens { get; set; }

    /// <inheritdoc/>
    public override Work WorkOf(string method) => new(
        2.0 * Tokens * (Heads + KeyHeads) * Width * Type.Size(), Tokens * (Tokens + 1) / 2.0 * 4 * Heads * Width);

    /// <summary>Makes the arrays.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _queries = Random(Type, 1, Heads, Tokens, Width);
        _keys = Random(Type, 1, KeyHeads, Tokens, Width);
        _values = Random(Type, 1, KeyHeads, Tokens, Width);
    }

    /// <summary>A whole prompt.</summary>
    [Benchmark]
    public void Prompt()
    {
        using MlxArray y = Fast.ScaledDotProductAttention(_queries!, _keys!, _values!, 0.125f, AttentionMask.Causal);
        y.Eval();
    }
}
