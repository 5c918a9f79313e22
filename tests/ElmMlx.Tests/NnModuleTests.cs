using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.Optimizers;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>What all modules can: walking, freezing, changing, saving, quantising, learning.</summary>
[Collection(GradientCollection.Name)]
public sealed class NnModuleTests
{
    [Fact]
    public void Children_and_leaves_are_found_by_their_paths()
    {
        using var scope = new ArrayScope();
        using Sequential model = Model();
        Assert.Equal(["layers.0", "layers.1", "layers.2", "layers.3"], model.Children().Select(entry => entry.Name));
        using var decoder = new TransformerEncoder(1, 8, 2);
        Assert.Equal(["layers.0", "ln"], decoder.Children().Select(entry => entry.Name));
        Assert.Contains("layers.0.attention.key_proj", decoder.LeafModules().Select(entry => entry.Path));
        Assert.DoesNotContain("layers.0.attention", decoder.LeafModules().Select(entry => entry.Path));
        List<string> paths = [];
        decoder.ApplyToModules((path, _) => paths.Add(path));
        Assert.Equal(["", .. decoder.NamedModules().Select(entry => entry.Path)], paths);
    }

    [Fact]
    public void Freezing_reaches_chosen_names_and_never_thaws_buffers()
    {
        using var scope = new ArrayScope();
        using Sequential model = Model();
        string[] Trainable() => [.. model.TrainableParameters().Select(entry => entry.Path)];
        Assert.Equal(
            ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "layers.3.weight",
                "layers.3.bias"],
            Trainable());
        model.Freeze(keys: ["bias"]);
        Assert.Equal(["layers.0.weight", "layers.1.weight", "layers.3.weight"], Trainable());
        model.Freeze();
        Assert.Empty(Trainable());
        model.Unfreeze(recurse: false);
        Assert.Empty(Trainable());
        model.Unfreeze();
        Assert.Equal(6, Trainable().Length);
        Parameter mean = model.NamedParameters().First(entry => entry.Path == "layers.1.running_mean").Parameter;
        mean.IsTrainable = true;
        Assert.False(mean.IsTrainable);
    }

    [Fact]
    public void Apply_changes_what_the_filter_chooses_and_refuses_other_shapes()
    {
        using var scope = new ArrayScope();
        using Sequential model = Model();
        Initializer half = Initializers.Constant(0.5);
        model.Apply(value => half(value.Shape), (path, _) => path.EndsWith("0.weight", StringComparison.Ordinal));
        var values = model.NamedParameters().ToDictionary(entry => entry.Path, entry => entry.Parameter.Value.Floats());
        Assert.All(values["layers.0.weight"], value => Assert.Equal(0.5f, value));
        Assert.Contains(values["layers.3.weight"], value => value != 0.5f);
        Refuses("layers.0.weight is [6, 4], and its new array [4, 6]", () => model.Apply(value => value.Transpose()));
    }

    [Fact]
    public void Saved_weights_are_loaded_again_buffers_included()
    {
        using var scope = new ArrayScope();
        string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "model.safetensors");
        MlxArray x = MlxRandom.Normal([5, 4]);
        using Sequential model = Model();
        model.Train();
        model.Forward(x);
        model.Train(false);
        model.SaveWeights(path);
        using Sequential other = Model();
        Assert.NotEqual(model.Forward(x).Floats(), other.Forward(x).Floats());
        other.LoadWeights(path);
        Assert.Equal(model.Forward(x).ToBytes(), other.Forward(x).ToBytes());

        using var more = new Sequential(new Linear(4, 6), new BatchNorm(6), new Relu(), new Linear(6, 3), new PRelu());
        Refuses("nothing for layers.4.weight", () => more.LoadWeights(path));
        more.LoadWeights(path, strict: false);
        Assert.Equal(model.Forward(x).Relu25(), more.Forward(x).Floats());
        using var less = new Sequential(new Linear(4, 6));
        Refuses("no parameters for layers.1.bias", () => less.LoadWeights(path));
        using var wider = new Sequential(new Linear(4, 7));
        float[] before = wider.Forward(x).Floats();
        Refuses("is [7", () => wider.LoadWeights(path, strict: false));
        Assert.Equal(before, wider.Forward(x).Floats());
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Theory]
    [InlineData("affine", null, null, 4)]
    [InlineData("affine", 32, 8, 8)]
    [InlineData("mxfp4", null, null, 4)]
    [InlineData("nvfp4", null, null, 4)]
    public void Quantised_model_answers_as_its_dense_weights(string mode, int? groupSize, int? bits, int expectedBits)
    {
        using var scope = new ArrayScope();
        using var model = new Sequential(
            new Embedding(10, 64), new Linear(64, 64), new Gelu(), new Linear(64, 7, bias: false));
        MlxArray ids = MlxArray.From<int>([3, 9, 0]);
        float[] bias = model.NamedParameters().First(entry => entry.Path == "layers.1.bias").Parameter.Value.Floats();
        model.Quantize(groupSize, bits, mode, (path, module) => path != "layers.3" && module is IQuantizable);
        Assert.IsType<QuantizedEmbedding>(model.Children().ElementAt(0).Module);
        var linear = Assert.IsType<QuantizedLinear>(model.Children().ElementAt(1).Module);
        Assert.IsType<Linear>(model.Children().ElementAt(3).Module);
        Assert.Equal((64, 64), (linear.InputSize, linear.OutputSize));
        Assert.Equal(64 * 64 * expectedBits / 8,
            linear.NamedParameters().First(entry => entry.Path == "weight").Parameter.Value.ByteCount);
        Assert.Equal(["layers.1.bias", "layers.3.weight"], model.TrainableParameters().Select(entry => entry.Path));

        var table = (EmbeddingLayer)model.Children().First().Module;
        using var dense = new Sequential(
            new Embedding(table.DenseWeight()), new Linear(linear.DenseWeight(), MlxArray.From<float>(bias)),
            new Gelu(),
            new Linear(((LinearLayer)model.Children().ElementAt(3).Module).DenseWeight().Copy()));
        double[] expected = [.. dense.Forward(ids).Floats().Select(value => (double)value)];
        // The other modes' dense weights, and with them the rows of the embedding, are bfloat16.
        GoldenArrays.Close(expected, model.Forward(ids).Floats(), mode == "affine" ? 1e-4 : 5e-3, mode);
    }

    [Fact]
    public void Layer_without_a_quantised_form_is_refused()
    {
        using var scope = new ArrayScope();
        using Sequential model = Model();
        Refuses("layers.1 is a BatchNorm", () => model.Quantize(predicate: (path, _) => path == "layers.1"));
        Assert.Throws<MlxException>(() => model.Quantize());       // rows of 4
    }

    [Fact]
    public void Batch_norm_moves_its_means_once_a_step_while_gradients_are_computed()
    {
        using var scope = new ArrayScope();
        using var norm = new BatchNorm(2, momentum: 0.5f);
        norm.Train();
        MlxArray x = MlxArray.From<float>([1, 10, 3, 30], 2, 2);
        using var optimizer = new Sgd(0.1);
        for (int step = 0; step < 2; step++)
        {
            (MlxArray loss, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
                norm, () => norm.Forward(x).Square().Sum());
            Assert.Equal(2, gradients.Length);
            optimizer.Update(norm, gradients);
            norm.Eval();
            loss.Eval();
        }
        Dictionary<string, float[]> now = norm.NamedParameters()
            .ToDictionary(entry => entry.Path, entry => entry.Parameter.Value.Floats());
        GoldenArrays.Close([1.5, 15], now["running_mean"], 1e-5, "mean");          // 0 → 1 → 1.5 of the batch's 2
        GoldenArrays.Close([0.25 + 0.75, 0.25 + 75], now["running_var"], 1e-4, "variance");
        Assert.NotEqual(1f, now["weight"][0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Checkpointed_transformer_has_the_same_gradients(bool isTraining)
    {
        using var scope = new ArrayScope();
        using var plain = new Transformer(8, 2, 2, 2, dropout: 0.2);
        using var checkpointed = new Transformer(8, 2, 2, 2, dropout: 0.2, checkpoint: true);
        checkpointed.LoadWeights(plain.NamedParameters()
            .ToDictionary(entry => entry.Path, entry => entry.Parameter.Value.Copy()));
        MlxArray source = MlxRandom.Normal([2, 3, 8]), target = MlxRandom.Normal([2, 4, 8]);
        float[][] Gradients(Transformer model)
        {
            model.Train(isTraining);
            Dropout.Reseed(model, 5, 0);
            (MlxArray loss, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
                model, () => model.Forward(source, target, targetMask: AttentionMask.Causal).Tanh().Sum());
            return [loss.Floats(), .. gradients.Select(gradient => gradient.Floats())];
        }

        foreach ((float[] one, float[] two) in Gradients(plain).Zip(Gradients(checkpointed)))
            GoldenArrays.Close([.. one.Select(value => (double)value)], two, 1e-5, "gradient");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Channel_dropout_takes_whole_channels(bool isVolume)
    {
        using var scope = new ArrayScope();
        int[] shape = isVolume ? [3, 2, 3, 2, 40] : [3, 4, 3, 40];
        DropoutLayer layer = isVolume ? new Dropout3d(0.4) : new Dropout2d(0.4);
        using var model = new Sequential(layer);
        MlxArray x = MlxArray.Ones(shape);
        Assert.Same(x, model.Forward(x));
        model.Train();
        Assert.Throws<InvalidOperationException>(() => model.Forward(x));
        Dropout.Reseed(model, 1, 0);
        float[] channels = model.Forward(x).Reshape(3, -1, 40).Mean(1).Floats();
        Assert.All(channels, value => Assert.True(
            value == 0 || Math.Abs(value - 1 / 0.6f) < 1e-5, $"a channel's mean is {value}"));
        Assert.InRange(channels.Count(value => value == 0), 24, 72);           // of 120, each with probability 0.4
        Refuses("[40]", () => model.Forward(MlxArray.Ones([40])));
    }

    [Fact]
    public void Own_encoder_takes_the_place_of_the_standard_one()
    {
        using var scope = new ArrayScope();
        using var model = new Transformer(new ZeroEncoder(), new TransformerDecoder(1, 8, 2));
        MlxArray target = MlxRandom.Normal([1, 3, 8]);
        float[] Answer() => model.Forward(MlxRandom.Normal([1, 2, 8]), target).Floats();
        Assert.Equal(Answer(), Answer());
    }

    [Fact]
    public void Wrong_sizes_are_refused_with_a_sentence()
    {
        using var scope = new ArrayScope();
        Refuses("do not divide into 3 heads", () => new MultiHeadAttention(8, 3).Eval());
        Refuses("5 channels do not make 2 groups", () => new GroupNorm(2, 5).Eval());
        Refuses("5 channels do not make 2 groups", () => new Conv1d(5, 4, 3, groups: 2).Eval());
        Refuses("takes 4 axes", () => new MaxPool2d(2).Forward(MlxArray.Ones([4, 4, 1])));
        Refuses("does not fit", () => new AvgPool1d(5).Forward(MlxArray.Ones([1, 4, 1])));
        Refuses("axes of space", () => new Upsample([2, 3]).Forward(MlxArray.Ones([1, 4, 1])));
        Refuses("2, 3 or 4 axes", () => new BatchNorm(2).Forward(MlxArray.Ones([2])));
        Refuses("targets are [3]", () => Losses.Nll(MlxArray.Ones([2, 4]), MlxArray.Zeros([3], DType.Int32)));
        Refuses("weights are [2]", () => Losses.BinaryCrossEntropy(
            MlxArray.Ones([3]), MlxArray.Ones([3]), MlxArray.Ones([2])));
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    public void Additive_mask_hides_what_comes_later(DType dtype)
    {
        using var scope = new ArrayScope();
        MlxArray mask = MultiHeadAttention.CreateAdditiveCausalMask(3, dtype);
        Assert.Equal(dtype, mask.DType);
        float least = mask[0, 1].Item<float>();
        Assert.True(least < -6e4f && float.IsFinite(least));
        Assert.Equal([0, least, least, 0, 0, least, 0, 0, 0], mask.Floats());
    }

    [Fact]
    public void Gradient_of_padding_one_axis_is_cut_from_that_axis()
    {
        using var scope = new ArrayScope();
        MlxArray x = MlxRandom.Normal([2, 3, 4]), weights = MlxRandom.Normal([2, 6, 4]);
        MlxArray gradient = Transforms.Grad(a => (a[0].Pad([1], [2], [1]) * weights).Sum(), [x])[0];
        Assert.Equal(weights[.., 2..5, ..].Floats(), gradient.Floats());
        Assert.Throws<MlxException>(() => x.Pad([3], [1], [1]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Adapter_leaves_a_layer_s_bias_alone(bool isDora)
    {
        using var scope = new ArrayScope();
        MlxRandom.Seed(9);
        MlxArray w = MlxRandom.Normal([3, 4]), b = MlxRandom.Normal([3]), x = MlxRandom.Normal([5, 4]);
        MlxArray a = MlxRandom.Normal([4, 2]), c = MlxRandom.Normal([2, 3]), m = MlxRandom.Uniform([3], 1, 2);
        MlxArray adapted = w + (a.MatMul(c) * 0.5).Transpose();                     // [3, 4]
        MlxArray product = x.MatMul(adapted.Transpose());
        MlxArray wanted = isDora ? product * (m / adapted.Square().Sum(1).Sqrt()) + b : product + b;
        using LinearLayer layer = isDora
            ? new DoraLinear(new Linear(w.Copy(), b.Copy()), a, c, m, 0.5f)
            : new LoraLinear(new Linear(w.Copy(), b.Copy()), a, c, 0.5f);
        GoldenArrays.Close(
            [.. wanted.Floats().Select(value => (double)value)], layer.Forward(x).Floats(), 1e-5, "adapter");
    }

    [Fact]
    public void Every_layer_stands_in_the_documentation()
    {
        string text = File.ReadAllText(Repository.At("docs/nn.md"));
        Assert.Empty(
            from type in typeof(Module).Assembly.GetExportedTypes()
            where type.Namespace == "ElmMlx.Nn" && type.IsSubclassOf(typeof(Module)) && !type.IsAbstract
            where !text.Contains($"`{type.Name}`", StringComparison.Ordinal)
            select type.Name);
        Assert.Empty(
            from method in typeof(Initializers).GetMethods()
            where method.IsStatic && !text.Contains($"`{method.Name}`", StringComparison.Ordinal)
            select method.Name);
    }

    private static Sequential Model() => new(new Linear(4, 6), new BatchNorm(6), new Relu(), new Linear(6, 3));

    private static string Refused(Action action) => Assert.Throws<ArgumentException>(action).Message;

    private static void Refuses(string words, Action action) =>
        Assert.Contains(words, Refused(action), StringComparison.Ordinal);

    private sealed class ZeroEncoder : TransformerEncoder
    {
        public ZeroEncoder()
            : base(0, 8, 2)
        {
        }

        public override MlxArray Forward(MlxArray x, AttentionMask mask = default) => MlxArray.ZerosLike(x);
    }
}

file static class Expected
{
    /// <summary>PReLU as a new layer has it.</summary>
    public static float[] Relu25(this MlxArray x) => (x.Maximum(0) + x.Minimum(0) * 0.25).Floats();
}
