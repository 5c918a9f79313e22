using ElmMlx.Nn;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>The layer that quantises its input and its matrix, against products of dequantised factors.</summary>
[Collection(GradientCollection.Name)]
public sealed class QqLinearTests
{
    public static TheoryData<string> Modes => ["nvfp4", "mxfp8"];

    [Theory]
    [MemberData(nameof(Modes))]
    public void Row_is_multiplied_as_its_quantised_form(string mode)
    {
        using var scope = new ArrayScope();
        MlxRandom.Seed(3);
        using var layer = new QqLinear(64, 48, mode: mode);
        Assert.Equal((64, 48), (layer.InputSize, layer.OutputSize));
        MlxArray weight = layer.DenseWeight().Copy(), x = MlxRandom.Normal([64]);
        layer.Train(false);
        Assert.Equal(["weight", "scales"], layer.NamedParameters().Select(entry => entry.Path));
        Assert.Equal((64, 48), (layer.InputSize, layer.OutputSize));
        Assert.Empty(layer.TrainableParameters());
        MlxArray expected = Rounded(x, mode).MatMul(Rounded(weight, mode).Transpose());
        GoldenArrays.Close(Doubles(expected), layer.Forward(x).Floats(), 1e-5, mode);
        Assert.Equal([1, 1, 48], layer.Forward(x.Reshape(1, 1, 64)).Shape);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Matrix_is_rounded_once_when_training_ends_and_goes_on_from_there(string mode)
    {
        using var scope = new ArrayScope();
        using var layer = new QqLinear(64, 32, mode: mode);
        float[] first = layer.DenseWeight().Floats();
        float[] rounded = Rounded(layer.DenseWeight(), mode).Floats();
        layer.Train();
        Assert.Equal(first, layer.DenseWeight().Floats());
        layer.Train(false);
        layer.Train();
        (string path, Parameter weight) = Assert.Single(layer.TrainableParameters());
        Assert.Equal("weight", path);
        Assert.Equal([32, 64], weight.Value.Shape);
        Assert.Equal(rounded, weight.Value.Floats());
        layer.Train(false);
        Assert.Equal(rounded, layer.DenseWeight().Floats());
    }

    // d(Σ g·y)/dW = gᵀ·x and d(Σ g·y)/dx = g·W: numbers that the form holds exactly are not rounded.
    [Fact]
    public void Gradients_of_exact_numbers_are_exact()
    {
        if (TestProvider.IsMlx)
            return;     // its CPU device multiplies one row with words, nothing else
        using var scope = new ArrayScope();
        (MlxArray w, MlxArray x, MlxArray g) = (Exact(48, 32, 0), Exact(64, 32, 5), Exact(64, 48, 9));
        using var layer = new QqLinear(w.Copy());
        layer.Train();
        (_, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(layer, () => (layer.Forward(x) * g).Sum());
        Assert.Equal(g.Transpose().MatMul(x).Floats(), Assert.Single(gradients).Floats());
        Assert.Equal(g.MatMul(w).Floats(), Transforms.Grad(at => (layer.Forward(at[0]) * g).Sum(), [x])[0].Floats());
    }

    [Fact]
    public void Model_gets_such_layers_where_it_has_no_bias()
    {
        using var scope = new ArrayScope();
        using var model = new Sequential(new Linear(32, 32, bias: false), new Relu(), new Linear(32, 4));
        float[] weight = Rounded(((Linear)model.Children().First().Module).DenseWeight(), "mxfp8").Floats();
        model.Quantize(mode: "mxfp8", predicate: (path, _) => path == "layers.0", quantizeInput: true);
        var layer = Assert.IsType<QqLinear>(model.Children().First().Module);
        Assert.Equal(weight, layer.DenseWeight().Floats());
        Assert.Contains("no bias", Assert.Throws<ArgumentException>(
            () => model.Quantize(mode: "mxfp8", predicate: (path, _) => path == "layers.2", quantizeInput: true))
                .Message);
        Assert.Contains("layers.1 is a Relu", Assert.Throws<ArgumentException>(
            () => model.Quantize(mode: "mxfp8", predicate: (path, _) => path == "layers.1", quantizeInput: true))
                .Message);
        Assert.Contains(
            "not affine", Assert.Throws<ArgumentException>(() => new QqLinear(32, 32, mode: "affine")).Message);
    }

    private static MlxArray Rounded(MlxArray x, string mode)
    {
        (MlxArray words, MlxArray scales, _) = Quantized.Quantize(x.Reshape(-1, x.Dim(-1)), null, null, mode);
        return Quantized.Dequantize(words, scales, null, null, null, mode, DType.Float32).Reshape(x.Shape);
    }

    private static double[] Doubles(MlxArray x) => [.. x.Floats().Select(value => (double)value)];

    // Four-bit numbers whose largest, 6, is in every group of 16 along both axes.
    private static MlxArray Exact(int rows, int columns, int shift)
    {
        float[] numbers = [6, -4, 3, -2, 1.5f, 1, -0.5f, 0, 4, -3, 2, -1.5f, -1, 0.5f, 0, 6];
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.Length; i++)
            values[i] = numbers[(i / columns * 3 + i % columns + shift) % 16];
        return MlxArray.From<float>(values, rows, columns);
    }
}
