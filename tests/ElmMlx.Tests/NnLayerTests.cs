using ElmMlx.Nn;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Layers, losses and initializers against mlx.nn's (tests/fixtures/nn).</summary>
[Collection(GradientCollection.Name)]
public sealed class NnLayerTests
{
    public static TheoryData<string> Layers() => [.. NnGolden.Names.Where(name => NnLayers.Has(name))];

    public static TheoryData<string> Functions() => [.. NnGolden.Names.Where(NnFunctions.All.ContainsKey)];

    public static TheoryData<string> Initial() => [.. NnFunctions.Initial.Keys];

    // Those with slopes that float32 or float64 can show: a transformer's many ReLU in float32 cannot.
    public static TheoryData<string> Smooth() =>
        [.. NnGolden.Names.Where(name => !name.StartsWith("init", StringComparison.Ordinal)
            && name is not ("Step" or "Step, 0.5" or "TransformerEncoder" or "binary_cross_entropy, probabilities"))];

    [Fact]
    public void Every_case_is_tested() => Assert.All(NnGolden.Names, name => Assert.True(
        NnLayers.Has(name) || NnFunctions.All.ContainsKey(name) || NnFunctions.Initial.ContainsKey(name), name));

    [Theory]
    [MemberData(nameof(Layers))]
    public void Layer_answers_as_mlx(string name)
    {
        using var scope = new ArrayScope();
        NnGolden golden = NnGolden.Of(name);
        using Module layer = NnLayers.New(name);
        layer.LoadWeights(golden.Parameters);
        layer.Train(name.EndsWith(", training", StringComparison.Ordinal));
        golden.Check(NnLayers.Call(name, layer, golden.Inputs));
        golden.CheckAfter(layer.NamedParameters().ToDictionary(entry => entry.Path, entry => entry.Parameter.Value));
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void New_layer_has_mlx_s_names_and_draws_mlx_s_numbers(string name)
    {
        using var scope = new ArrayScope();
        NnGolden golden = NnGolden.Of(name);
        MlxRandom.Seed(11);
        using Module layer = NnLayers.New(name);
        layer.Eval();
        Assert.Equal(
            golden.ParameterNames, layer.NamedParameters().Select(entry => entry.Path).Order(StringComparer.Ordinal));
        Dictionary<string, double> constants = golden.Constants;
        MlxRandom.Seed(11);
        var draws = new Queue<MlxArray>(golden.Draws());
        foreach ((string path, Parameter parameter) in layer.NamedParameters())
        {
            float[] values = parameter.Value.Floats();
            if (constants.TryGetValue(path, out double constant))
                Assert.All(values, value => Assert.Equal((float)constant, value));
            else
                GoldenArrays.Close([.. draws.Dequeue().Floats().Select(value => (double)value)], values, 1e-7, path);
        }
        Assert.Empty(draws);
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void Function_answers_as_mlx(string name)
    {
        using var scope = new ArrayScope();
        NnGolden golden = NnGolden.Of(name);
        golden.Check(NnFunctions.All[name](golden.Inputs));
    }

    [Theory]
    [MemberData(nameof(Initial))]
    public void Initializer_draws_mlx_s_numbers(string name)
    {
        using var scope = new ArrayScope();
        (Initializer initializer, int[] shape) = NnFunctions.Initial[name];
        MlxRandom.Seed(12);
        MlxArray got = initializer(shape);
        got.Eval();
        MlxRandom.Seed(12);
        MlxArray expected = Assert.Single(NnGolden.Of(name).Draws());
        Assert.Equal(expected.Shape, got.Shape);
        GoldenArrays.Close([.. expected.Floats().Select(value => (double)value)], got.Floats(), 1e-6, name);
    }

    [Theory]
    [MemberData(nameof(Smooth))]
    public void Gradients_are_finite_differences(string name)
    {
        using var scope = new ArrayScope();
        NnGolden golden = NnGolden.Of(name);
        using Module? layer = NnLayers.Has(name) ? NnLayers.New(name) : null;
        layer?.LoadWeights(golden.Parameters);
        layer?.Train(name.EndsWith(", training", StringComparison.Ordinal));
        DType type = HasFloat64(name) ? DType.Float64 : DType.Float32;
        layer?.Cast(type);
        // The golden data's activations are asked for at their kinks too, where there is no slope.
        MlxArray[] inputs = [.. golden.Inputs.Select(
            input => input.DType.IsFloating() ? input.AsType(type) + 0.0134 : input)];
        var differences = new ModuleDifferences(
            layer, x => layer is null ? [NnFunctions.All[name](x)] : NnLayers.Call(name, layer, x), inputs);
        Assert.Null(differences.Problem(seed: 3));
    }

    // MLX's attention refuses float64, and its convolutions have no gradients in it.
    private static bool HasFloat64(string name) => !((string[])["Conv", "MultiHeadAttention", "Transformer"]).Any(
        layer => name.StartsWith(layer, StringComparison.Ordinal));
}
