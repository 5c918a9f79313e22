using BenchmarkDotNet.Attributes;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;

namespace ElmMlx.Benchmarks;

/// <summary>
/// AdamW over all parameters of adapters of rank 8 on every matrix of OpenELM-270M's layers, given gradients.
/// </summary>
public class OptimizerBenchmarks : KernelBenchmark
{
    private const int Rank = 8;

    private (string Path, Parameter Parameter)[] _parameters = [];
    private MlxArray[] _gradients = [];
    private AdamW? _optimizer;

    private static IEnumerable<(string Name, int[] Shape)> Shapes =>
        OpenElmConfig.FromName("OpenELM-270M").TensorShapes()
            .Where(tensor => tensor.Shape.Length == 2 && tensor.Name.StartsWith("layers.", StringComparison.Ordinal))
            .SelectMany(tensor => ((string, int[])[])
            [
                (tensor.Name + ".lora_a", [tensor.Shape[1], Rank]), (tensor.Name + ".lora_b", [Rank, tensor.Shape[0]]),
            ]);

    /// <inheritdoc/>
    public override Work WorkOf(string method)
    {
        // Reads gradient, parameter and both moments, writes the last three; about a dozen operations.
        double count = Shapes.Sum(tensor => (double)tensor.Shape[0] * tensor.Shape[1]);
        return new(7 * sizeof(float) * count, 12 * count);
    }

    /// <summary>Makes the arrays.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _parameters = [.. Shapes.Select(tensor =>
            (tensor.Name, new Parameter(tensor.Name, Random(DType.Float32, tensor.Shape))))];
        _gradients = [.. Shapes.Select(tensor => Random(DType.Float32, tensor.Shape))];
        _optimizer = Own(new AdamW(1e-5f));
    }

    /// <summary>One update.</summary>
    [Benchmark]
    public void AdamW()
    {
        using ArrayScope scope = new();
        _optimizer!.Update(_parameters, _gradients);
        MlxArray.Eval([.. _parameters.Select(entry => entry.Parameter.Value), .. _optimizer.State.Values]);
    }
}
