using BenchmarkDotNet.Attributes;

namespace ElmMlx.Benchmarks;

/// <summary>
/// What stands between the products of OpenELM-270M: rms_norm, rope, SwiGLU, and softmax over the vocabulary. Sixteen
/// of a kind are evaluated together, as a token has one a layer; the figure is one's.
/// </summary>
public class LayerBenchmarks : KernelBenchmark
{
    private const int Layers = 16, ModelSize = 1280, Heads = 20, HeadSize = 64, Hidden = 5120, Vocabulary = 32000;

    private MlxArray? _x, _weight, _heads, _halves, _logits;

    /// <summary>Tokens that go through at once.</summary>
    [Params(1, 512)]
    public int Tokens { get; set; }

    /// <summary>Type of everything.</summary>
    [Params(DType.BFloat16, DType.Float32)]
    public DType Type { get; set; }

    /// <inheritdoc/>
    public override Work WorkOf(string method) => method switch
    {
        nameof(RmsNorm) => PerElement(ModelSize, numbersMoved: 2, flops: 4),
        nameof(Rope) => PerElement(Heads * HeadSize, numbersMoved: 2, flops: 3),
        nameof(SwiGlu) => PerElement(Hidden, numbersMoved: 3, flops: 5),
        _ => PerElement(Vocabulary, numbersMoved: 2, flops: 4),
    };

    /// <summary>Makes the arrays.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _x = Random(Type, 1, Tokens, ModelSize);
        _weight = Random(Type, ModelSize);
        _heads = Random(Type, 1, Heads, Tokens, HeadSize);
        _halves = Random(Type, 1, Tokens, 2 * Hidden);
        _logits = Random(Type, Tokens, Vocabulary);
    }

    /// <summary>A norm of the model's width.</summary>
    [Benchmark(OperationsPerInvoke = Layers)]
    public void RmsNorm() => Layerwise(() => Fast.RmsNorm(_x!, _weight, 1e-6f));

    /// <summary>Rope of the queries.</summary>
    [Benchmark(OperationsPerInvoke = Layers)]
    public void Rope() => Layerwise(() => Fast.Rope(_heads!, HeadSize, offset: 100));

    /// <summary>silu(a) · b of the last layer, with [a, b] from one product.</summary>
    [Benchmark(OperationsPerInvoke = Layers)]
    public void SwiGlu() => Layerwise(() =>
    {
        MlxArray[] halves = _halves!.Split(2, -1);
        return halves[0] * halves[0].Sigmoid() * halves[1];
    });

    /// <summary>Softmax of the logits.</summary>
    [Benchmark]
    public void Softmax()
    {
        using MlxArray y = _logits!.Softmax(-1);
        y.Eval();
    }

    private static void Layerwise(Func<MlxArray> operation)
    {
        using ArrayScope scope = new();
        MlxArray.Eval(Enumerable.Range(0, Layers).Select(_ => operation()));
    }

    private Work PerElement(int width, int numbersMoved, int flops)
    {
        double count = (double)Tokens * width;
        return new(count * numbersMoved * Type.Size(), count * flops);
    }
}
