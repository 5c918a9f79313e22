using ElmMlx.Nn;
using ElmMlx.OpenElm;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Modules as a tree whose names are checkpoint keys.</summary>
public sealed class NnTests
{
    [Fact]
    public void Parameters_have_the_names_and_shapes_of_the_configuration()
    {
        using OpenElmModel model = MlxLmTests.Load("micro");
        Assert.Equal(
            model.Config.TensorShapes()
                .Select(entry => $"{entry.Name} {string.Join(',', entry.Shape)}").Order(StringComparer.Ordinal),
            model.NamedParameters().Select(entry => $"{entry.Path} {string.Join(',', entry.Parameter.Value.Shape)}")
                .Order(StringComparer.Ordinal));
        Assert.Contains(
            model.NamedModules(), entry => entry.Path == "layers.3.attn.qkv_proj" && entry.Module is Linear);
    }

    [Fact]
    public void Replaced_module_is_the_one_that_computes()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        MlxArray ids = MlxArray.From<int>([1, 2, 3], 1, 3);
        float[] before = model.Forward(ids).Floats();
        model.Replace("layers.1.ffn.proj_2", new Linear(MlxArray.Zeros([64, 512])));
        float[] after = model.Forward(ids).Floats();
        Assert.NotEqual(before, after);
        Assert.Equal(
            0f, model.NamedParameters().First(
                entry => entry.Path == "layers.1.ffn.proj_2.weight").Parameter.Value.Abs().Max().Item<float>());
    }

    [Fact]
    public void Module_of_another_kind_or_place_is_refused()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = MlxLmTests.Load("micro");
        var linear = new Linear(MlxArray.Zeros([4, 4]));
        Assert.Contains("layers.9", Assert.Throws<ArgumentException>(() => model.Replace("layers.9", linear)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "EmbeddingLayer", Assert.Throws<ArgumentException>(() => model.Replace("token_embeddings", linear)).Message,
            StringComparison.Ordinal);
        linear.Dispose();
    }

    [Fact]
    public void Loaded_weights_must_have_known_names_and_shapes()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = MlxLmTests.Load("micro");
        model.Load(new Dictionary<string, MlxArray> { ["norm.weight"] = MlxArray.Ones([64]) });
        Assert.Equal(
            64f, model.NamedParameters().First(
                entry => entry.Path == "norm.weight").Parameter.Value.Sum().Item<float>());
        Assert.Contains("norm.wait", Refused("norm.wait", [64]), StringComparison.Ordinal);
        Assert.Contains("[65]", Refused("norm.weight", [65]), StringComparison.Ordinal);

        string Refused(string name, int[] shape) => Assert.Throws<ArgumentException>(
            () => model.Load(new Dictionary<string, MlxArray> { [name] = MlxArray.Ones(shape) })).Message;
    }

    [Fact]
    public void Parameters_outlive_the_scope_they_were_made_in()
    {
        Linear linear;
        using (var scope = new ArrayScope())
            linear = new Linear(MlxArray.From<float>([1f, 2f, 3f, 4f], 2, 2));
        using (linear)
        using (var scope = new ArrayScope())
            Assert.Equal([3f, 7f], linear.Forward(MlxArray.Ones([1, 2])).Floats());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Quantized_layers_answer_as_their_dense_weight(int bits)
    {
        using var scope = new ArrayScope();
        MlxRandom.Seed(1);
        MlxArray weight = MlxRandom.Normal([24, 64]), x = MlxRandom.Normal([3, 64]);
        using var linear = new Linear(weight);
        using QuantizedLinear packed = linear.ToQuantized(32, bits, "affine");
        Assert.Equal((64, 24), (packed.InputSize, packed.OutputSize));
        double[] expected = [.. x.MatMul(packed.DenseWeight().Transpose()).Floats().Select(value => (double)value)];
        GoldenArrays.Close(expected, packed.Forward(x).Floats(), 1e-4, "linear");

        using var embedding = new Embedding(MlxRandom.Normal([24, 64]));
        using QuantizedEmbedding rows = embedding.ToQuantized(32, bits, "affine");
        MlxArray ids = MlxArray.From<int>([5, 0, 5], 1, 3);
        Assert.Equal(rows.DenseWeight().Take(ids, 0).Floats(), rows.Forward(ids).Floats());
    }
}
