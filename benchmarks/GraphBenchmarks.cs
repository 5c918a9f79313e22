using BenchmarkDotNet.Attributes;
using ElmMlx.Bindings;
using ElmMlx.Nn;
using ElmMlx.OpenElm;

namespace ElmMlx.Benchmarks;

/// <summary>Graphs alone: nothing is evaluated, so no limit of the machine bounds them.</summary>
public unsafe class GraphBenchmarks : KernelBenchmark
{
    private const int Times = 10_000;

    private OpenElmModel? _model;
    private MlxArray? _tokens, _a, _b;      // [1, 8], [4], [4]

    /// <inheritdoc/>
    public override Work WorkOf(string method) => default;

    /// <summary>Makes two arrays.</summary>
    [GlobalSetup(Target = nameof(LazyAddAndFree))]
    public void MakeArrays()
    {
        _a = Random(DType.Float32, 4);
        _b = Random(DType.Float32, 4);
    }

    /// <summary>Makes OpenELM-270M, 16 blocks.</summary>
    [GlobalSetup(Target = nameof(Gradients))]
    public void MakeModel()
    {
        _model = Own(OpenElmModel.Random(OpenElmConfig.FromName("OpenELM-270M"), DType.BFloat16));
        _tokens = Own(MlxArray.Zeros([1, 8], DType.Int32));
    }

    /// <summary>One operation, as the C interface is called from C#: add, then free.</summary>
    [Benchmark(OperationsPerInvoke = Times)]
    public void LazyAddAndFree()
    {
        mlx_array a = _a!.Handle, b = _b!.Handle;
        mlx_stream stream = MlxStream.CpuHandle;
        for (int i = 0; i < Times; i++)
        {
            mlx_array sum = default;
            _ = Mlx.mlx_add(&sum, a, b, stream);
            _ = Mlx.mlx_array_free(sum);
        }

        _ = Mlx.mlx_stream_free(stream);
    }

    /// <summary>The gradients of all parameters of OpenELM-270M.</summary>
    [Benchmark]
    public void Gradients()
    {
        using ArrayScope scope = new();
        _ = ModuleGradients.ValueAndGrad(_model!, () => _model!.Forward(_tokens!).Sum());
    }
}
