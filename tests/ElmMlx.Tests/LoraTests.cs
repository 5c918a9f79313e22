using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>New adapters on a model: where they go, what they begin with, their gradients, their folders.</summary>
[Collection(GradientCollection.Name)]
public sealed class LoraTests : IDisposable
{
    private static readonly SafetensorsFile Traces = GoldenArrays.Open("train/traces.safetensors");
    private static readonly SafetensorsFile Exact = GoldenArrays.Open("train/torch_lora.safetensors");

    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-lora-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(FineTuneType.Lora, "lora_adam")]
    [InlineData(FineTuneType.Dora, "dora_adam")]
    public void Gradients_equal_those_of_pytorch_in_float64(FineTuneType type, string trace)
    {
        using ArrayScope scope = new();
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        LoraAdapters.AddTo(model, new LoraOptions { Type = type, Rank = 4, LayerCount = 0 });
        Begin(model);
        foreach ((string path, double[] gradient) in Gradients(model))
        {
            double[] expected = Exact.Doubles($"{trace}.grad1.{OpenElmModel.MlxLmName(path)}");
            double largest = Math.Max(expected.Max(Math.Abs), 1e-3);
            GoldenArrays.Close(expected, [.. gradient.Select(value => (float)value)], 2e-5 * largest, path);
        }
    }

    [Theory]
    [InlineData(FineTuneType.Lora, DType.Float32)]
    [InlineData(FineTuneType.Lora, DType.BFloat16)]
    [InlineData(FineTuneType.Dora, DType.Float32)]
    [InlineData(FineTuneType.Dora, DType.BFloat16)]
    public void Fresh_adapters_change_nothing_and_are_all_that_learns(FineTuneType type, DType weights)
    {
        using ArrayScope scope = new();
        using OpenElmModel model = MlxLmTests.Load("micro", weights);
        MlxArray ids = MlxArray.From<int>([1, 5, 9, 200], 1, 4);
        double[] before = [.. model.Forward(ids).Floats().Select(value => (double)value)];
        LoraAdapters.AddTo(model, new LoraOptions
        {
            Type = type,
            LayerCount = 2,
            Keys = ["attn.qkv_proj", "ffn.proj_2", "transformer.token_embeddings"],
        });
        // row norms that are divided by themselves round in bfloat16 at most
        double tolerance = type == FineTuneType.Lora ? 0 : weights == DType.Float32 ? 2e-5 : 0.15;
        GoldenArrays.Close(before, model.Forward(ids).Floats(), tolerance, "logits");
        Assert.Equal(weights, model.Forward(ids).DType);

        string[] parts = type == FineTuneType.Lora ? ["lora_a", "lora_b"] : ["lora_a", "lora_b", "m"];
        string[] modules =
            ["token_embeddings", "layers.2.attn.qkv_proj", "layers.2.ffn.proj_2", "layers.3.attn.qkv_proj",
                "layers.3.ffn.proj_2"];
        Assert.Equal(
            modules.SelectMany(module => parts.Select(part => $"{module}.{part}")).Order(StringComparer.Ordinal),
            model.TrainableParameters().Select(entry => entry.Path).Order(StringComparer.Ordinal));
        Assert.All(model.TrainableParameters(), entry => Assert.Equal(DType.Float32, entry.Parameter.Value.DType));
    }

    [Fact]
    public void Factors_begin_as_in_mlx_lm()
    {
        float[][] first = Factors(seed: 1), again = Factors(seed: 1), other = Factors(seed: 2);
        Assert.Equal(first[0], again[0]);
        Assert.NotEqual(first[0], other[0]);
        Assert.NotEqual(first[0][..16], first[1][..16]);
        const float bound = 1 / 8f;     // 1 / √64
        Assert.All(first[0], value => Assert.InRange(value, -bound, bound));
        Assert.InRange(first[0].Max(), 0.9f * bound, bound);
        Assert.InRange(first[0].Average(), -0.1f * bound, 0.1f * bound);

        static float[][] Factors(ulong seed)
        {
            using ArrayScope scope = new();
            using OpenElmModel model = MlxLmTests.Load("micro");
            LoraAdapters.AddTo(model, new LoraOptions { Keys = ["attn.qkv_proj"], LayerCount = 2, Seed = seed });
            Assert.All(
                model.TrainableParameters().Where(entry => entry.Path.EndsWith("lora_b", StringComparison.Ordinal)),
                entry => Assert.Equal(0f, entry.Parameter.Value.Abs().Max().Item<float>()));
            return [.. model.TrainableParameters()
                .Where(entry => entry.Path.EndsWith("lora_a", StringComparison.Ordinal))
                .Select(entry => entry.Parameter.Value.ToArray<float>())];
        }
    }

    [Theory]
    [InlineData("lora", "micro")]
    [InlineData("lora-keys", "micro")]
    [InlineData("lora-embedding", "micro")]
    [InlineData("dora", "micro")]
    [InlineData("full", "micro")]
    [InlineData("qlora", "micro-q4-g64")]
    public void Folder_is_the_one_that_mlx_lm_writes(string adapter, string folder)
    {
        string golden = Fixtures.Path("mlx-lm/adapters/" + adapter);
        AdapterConfig theirs = AdapterConfig.Read(golden);
        Assert.Equal(File.ReadAllText(Path.Combine(golden, "adapter_config.json")), theirs.ToJson());

        using OpenElmModel model = MlxLmTests.Load(folder);
        AdapterConfig ours = LoraAdapters.AddTo(model, new LoraOptions
        {
            Type = theirs.Type,
            Rank = theirs.Rank,
            Scale = theirs.Scale,
            Keys = theirs.Keys,
            LayerCount = theirs.LayerCount,
        });
        ours.Write(_folder);
        LoraAdapters.Save(model, Path.Combine(_folder, "adapters.safetensors"));
        Assert.Equal(theirs with { OtherFields = ours.OtherFields },
            AdapterConfig.Read(_folder) with { Keys = theirs.Keys, OtherFields = ours.OtherFields });
        Assert.Equal(theirs.Keys, AdapterConfig.Read(_folder).Keys);
        Assert.Equal(theirs.OtherFields.Keys.Order(), AdapterConfig.Read(_folder).OtherFields.Keys.Order());

        using SafetensorsFile want = SafetensorsFile.Open(Path.Combine(golden, "adapters.safetensors"));
        using SafetensorsFile got = SafetensorsFile.Open(Path.Combine(_folder, "adapters.safetensors"));
        Assert.Equal(
            want.Tensors.Values.Select(tensor => tensor.ToString()).Order(StringComparer.Ordinal),
            got.Tensors.Values.Select(tensor => tensor.ToString()).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(Directory.GetFiles(_folder), path => path.Contains("partial", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(FineTuneType.Lora)]
    [InlineData(FineTuneType.Dora)]
    public void Saved_adapters_answer_as_the_trained_model(FineTuneType type)
    {
        using ArrayScope scope = new();
        using OpenElmModel trained = MlxLmTests.Load("micro", DType.Float32);
        AdapterConfig config = LoraAdapters.AddTo(trained, new LoraOptions
        {
            Type = type,
            Rank = 3,
            Pattern = @"layers\.[13]\.attn|token_embeddings",
            LayerCount = 0,
        });
        Disturb(trained);
        config.Write(_folder);
        LoraAdapters.Save(trained, Path.Combine(_folder, "adapters.safetensors"));
        // mlx-lm puts adapters on all layers from the first adapted one on, and those that the file lacks do nothing
        Assert.Equal(["attn.out_proj", "attn.qkv_proj", "transformer.token_embeddings"], config.Keys);
        Assert.Equal(3, config.LayerCount);

        MlxArray ids = MlxArray.From<int>([1, 5, 9, 200], 1, 4);
        float[] expected = trained.Forward(ids).Floats();
        using OpenElmModel loaded = MlxLmTests.Load("micro", DType.Float32);
        Assert.NotEqual(expected, loaded.Forward(ids).Floats());
        LoraAdapters.ApplyTo(loaded, _folder);
        Assert.Equal(expected, loaded.Forward(ids).Floats());

        // and so does one whose fresh adapters take the file's numbers
        using OpenElmModel resumed = MlxLmTests.Load("micro", DType.Float32);
        LoraAdapters.AddTo(resumed, new LoraOptions { Type = type, Rank = 3, Keys = config.Keys, LayerCount = 3 });
        LoraAdapters.LoadWeights(resumed, Path.Combine(_folder, "adapters.safetensors"));
        GoldenArrays.Close(
            [.. expected.Select(value => (double)value)], resumed.Forward(ids).Floats(), 2e-5, "resumed");
    }

    [Fact]
    public void Command_takes_dora_of_an_embedding()
    {
        using ArrayScope scope = new();
        using OpenElmModel trained = MlxLmTests.Load("micro", DType.Float32);
        string[] keys = ["transformer.token_embeddings"];
        LoraAdapters.AddTo(
            trained, new LoraOptions { Type = FineTuneType.Dora, LayerCount = 1, Keys = keys }).Write(_folder);
        Disturb(trained);
        LoraAdapters.Save(trained, Path.Combine(_folder, "adapters.safetensors"));
        string path = Path.Combine(_folder, "logits.safetensors");
        CommandProcess.Result result = CommandProcess.Elm(
            "", "logits", "--model", Fixtures.Path("mlx-lm/micro"), "--adapter-path", _folder, "--tokens", "1,5,9,200",
            "--output", path, "--dtype", "float32");
        Assert.True(result.ExitCode == 0, result.ToString());
        using SafetensorsFile logits = SafetensorsFile.Open(path);
        float[] ours = trained.Forward(MlxArray.From<int>([1, 5, 9, 200], 1, 4)).Floats();
        GoldenArrays.Close(logits.Doubles("logits"), ours, 1e-5, "logits");
    }

    [Theory]
    [InlineData(FineTuneType.Lora)]
    [InlineData(FineTuneType.Dora)]
    public void Layer_answers_as_its_dense_weight(FineTuneType type)
    {
        using ArrayScope scope = new();
        using OpenElmModel model = MlxLmTests.Load("micro-q4-g64", DType.Float32);
        LoraAdapters.AddTo(model, new LoraOptions
        {
            Type = type,
            Rank = 4,
            LayerCount = 1,
            Keys = ["attn.qkv_proj", "transformer.token_embeddings"],
        });
        Disturb(model);
        MlxArray x = MlxRandom.Normal([3, 64], key: MlxRandom.Key(4));
        var linear = (LinearLayer)model.NamedModules().Single(entry => entry.Path == "layers.3.attn.qkv_proj").Module;
        Close(x.MatMul(linear.DenseWeight().Transpose()), linear.Forward(x));
        MlxArray table = model.Embedding.DenseWeight(), ids = MlxArray.From<int>([7, 0, 319], 1, 3);
        Close(x.MatMul(table.Transpose()), model.Embedding.AsLinear(x));
        Close(table.Take(ids, 0), model.Embedding.Forward(ids));

        static void Close(MlxArray expected, MlxArray actual) => GoldenArrays.Close(
            [.. expected.Floats().Select(value => (double)value)], actual.Floats(), 1e-4, "answer");
    }

    [Theory]
    [InlineData(FineTuneType.Lora)]
    [InlineData(FineTuneType.Dora)]
    public void Adapters_of_packed_matrices_have_gradients(FineTuneType type)
    {
        using ArrayScope scope = new();
        using OpenElmModel model = MlxLmTests.Load("micro-q4-g64");
        LoraAdapters.AddTo(model, new LoraOptions { Type = type, Rank = 4, LayerCount = 0 });
        Disturb(model);
        foreach ((string path, double[] gradient) in Gradients(model))
            Assert.True(gradient.Any(value => value != 0) && gradient.All(double.IsFinite), path);
        Assert.Equal(4 * 4 * (type == FineTuneType.Lora ? 2 : 3), model.TrainableParameters().Count());
    }

    [Fact]
    public void Row_of_zeros_stays_one_under_dora()
    {
        using ArrayScope scope = new();
        MlxArray table = MlxArray.From<float>([3f, 4f, 0f, 0f], 2, 2);
        using var embedding = new DoraEmbedding(
            new Embedding(table), MlxArray.Ones([2, 1]), MlxArray.Zeros([1, 2]), RowNorms.Of(table), 1);
        Assert.Equal([3f, 4f, 0f, 0f], embedding.Forward(MlxArray.From<int>([0, 1])).Floats());
        Assert.Equal([7f, 0f], embedding.AsLinear(MlxArray.Ones([1, 2])).Floats());
        Assert.Equal([3f, 4f, 0f, 0f], embedding.DenseWeight().Floats());
    }

    [Fact]
    public void Full_fine_tuning_unfreezes_the_last_layers()
    {
        using OpenElmModel model = MlxLmTests.Load("micro");
        LoraAdapters.AddTo(model, new LoraOptions { Type = FineTuneType.Full, LayerCount = 1 });
        Assert.Equal(
            model.NamedParameters()
                .Select(entry => entry.Path).Where(path => path.StartsWith("layers.3.", StringComparison.Ordinal)),
            model.TrainableParameters().Select(entry => entry.Path));
        using OpenElmModel packed = MlxLmTests.Load("micro-q4-g64");
        Assert.Contains("--dequantize", Assert.Throws<ArgumentException>(() => LoraAdapters.AddTo(
            packed, new LoraOptions { Type = FineTuneType.Full, LayerCount = 1 })).Message, StringComparison.Ordinal);
    }

    public static TheoryData<LoraOptions, string> Refusals() => new()
    {
        { new LoraOptions { LayerCount = 5 }, "num_layers is 5, and the model has 4 layers" },
        { new LoraOptions { LayerCount = 0, Rank = 48 },
            "The rank is 48, and transformer.layers.0.attn.out_proj is a matrix of [64, 32]" },
        { new LoraOptions { LayerCount = 0, Rank = 65, Keys = ["transformer.token_embeddings"] },
            "a matrix of [320, 64]" },
        { new LoraOptions { LayerCount = 1, Rank = 0 }, "at least 1" },
        { new LoraOptions { LayerCount = 1, Dropout = 1 }, "below 1" },
        { new LoraOptions { LayerCount = 1, Scale = double.NaN }, "The scale is NaN" },
        { new LoraOptions { LayerCount = 1, Keys = ["attn.qkv_proj", "self_attn.q_proj"] },
            "called self_attn.q_proj; there are transformer.token_embeddings, attn.qkv_proj" },
        { new LoraOptions { LayerCount = 1, Keys = [] }, "empty" },
        { new LoraOptions { LayerCount = 1, Pattern = @"layers\.0\." }, "matches no matrix of layer 3 or later" },
        { new LoraOptions { LayerCount = 1, Pattern = "(" }, "is not understood" },
        { new LoraOptions { LayerCount = 1, Pattern = "^(([a-z_]+)+)+[.]([a-z]+)+!$" }, "takes too long" },
        { new LoraOptions { LayerCount = 1, Pattern = "attn", Keys = ["attn.qkv_proj"] }, "either" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Adapters_that_cannot_be_are_refused(LoraOptions options, string words)
    {
        using OpenElmModel model = MlxLmTests.Load("micro");
        Assert.Contains(
            words, Assert.Throws<ArgumentException>(() => LoraAdapters.AddTo(model, options)).Message,
            StringComparison.Ordinal);
        Assert.All(model.NamedParameters(), entry => Assert.True(entry.Parameter.IsTrainable));
    }

    [Fact]
    public void Second_adapters_and_nothing_to_save_are_refused()
    {
        using OpenElmModel model = MlxLmTests.Load("micro");
        model.Freeze();
        Assert.Throws<ArgumentException>(() => LoraAdapters.Save(model, Path.Combine(_folder, "a")));
        LoraAdapters.AddTo(model, new LoraOptions { LayerCount = 1 });
        Assert.Throws<ArgumentException>(() => LoraAdapters.AddTo(model, new LoraOptions { LayerCount = 1 }));
        Assert.Contains("lora_a", Assert.Throws<InvalidDataException>(() => LoraAdapters.LoadWeights(
            model, Fixtures.Path("mlx-lm/adapters/lora/adapters.safetensors"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rank_stabilised_scale_divides_by_the_root()
    {
        Assert.Equal(2, LoraOptions.ScaleOf(8, 4, rankStabilised: false));
        Assert.Equal(4, LoraOptions.ScaleOf(8, 4, rankStabilised: true));
    }

    [Fact]
    public void Dropout_follows_from_seed_and_pass()
    {
        using ArrayScope scope = new();
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        LoraAdapters.AddTo(model, new LoraOptions { LayerCount = 2, Dropout = 0.5 });
        Disturb(model);
        MlxArray ids = MlxArray.From<int>([1, 5, 9, 200], 1, 4);
        float[] quiet = model.Forward(ids).Floats();
        model.Train();
        Assert.Contains("Reseed", Assert.Throws<InvalidOperationException>(() => model.Forward(ids)).Message,
            StringComparison.Ordinal);
        float[] first = Run(seed: 3, pass: 7), second = Run(seed: 3, pass: 8);
        Assert.NotEqual(quiet, first);
        Assert.NotEqual(first, second);
        Assert.NotEqual(first, Run(seed: 4, pass: 7));
        Assert.Equal(first, Run(seed: 3, pass: 7));
        Assert.Equal(first, model.Forward(ids).Floats());
        model.Train(false);
        Assert.Equal(quiet, model.Forward(ids).Floats());

        float[] Run(ulong seed, long pass)
        {
            Dropout.Reseed(model, seed, pass);
            return model.Forward(ids).Floats();
        }
    }

    [Fact]
    public void Dropout_keeps_the_mean_and_a_recomputation_draws_the_same_mask()
    {
        using ArrayScope scope = new();
        using var layer = new LoraLinear(
            new Linear(MlxArray.Zeros([1, 4096])), MlxArray.Ones([4096, 1]), MlxArray.Ones([1, 1]), 1, dropout: 0.25);
        layer.Train();
        Dropout.Reseed(layer, 1, 1);
        MlxArray x = MlxArray.Ones([1, 4096]);
        MlxArray plain = Transforms.Grad(inputs => layer.Forward(inputs[0]).Sum(), [x])[0];
        MlxArray checkpointed = Transforms.Grad(
            inputs => Transforms.Checkpoint(values => [layer.Forward(values[0])])(inputs)[0].Sum(), [x])[0];
        float[] mask = plain.ToArray<float>();
        Assert.Equal(mask, checkpointed.ToArray<float>());
        Assert.All(mask, value => Assert.True(value is 0 or 4 / 3f, $"{value}"));
        Assert.InRange(mask.Average(), 0.95, 1.05);
        Assert.Equal(mask.Sum(), layer.Forward(x).Item<float>(), 1e-1);
    }

    // The adapters of the traces: A from the file, B zeros.
    private static void Begin(OpenElmModel model)
    {
        foreach ((string path, Parameter parameter) in model.TrainableParameters())
            if (path.EndsWith(".lora_a", StringComparison.Ordinal))
                parameter.Replace(TensorArrays.Read(Traces, Traces["init." + OpenElmModel.MlxLmName(path)]));
    }

    // As if something had been learnt: no zeros left.
    private static void Disturb(OpenElmModel model)
    {
        ulong seed = 0;
        foreach ((_, Parameter parameter) in model.TrainableParameters())
        {
            MlxArray value =
                parameter.Value + MlxRandom.Normal(parameter.Value.Shape, key: MlxRandom.Key(seed++)) * 0.02f;
            value.Eval();
            parameter.Replace(value);
        }
    }

    // mlx-lm's loss of the traces' first batch, its padding target included.
    private static (string Path, double[] Gradient)[] Gradients(OpenElmModel model)
    {
        MlxArray batch = Traces.IdArray("batch.0"), lengths = Traces.IdArray("lengths.0");
        int width = batch.Dim(1);
        MlxArray inputs = batch.Slice([0, 0], [4, width - 1]), targets = batch.Slice([0, 1], [4, width]);
        MlxArray steps = MlxArray.Arange(1, width).Reshape(1, width - 1);
        MlxArray mask = (steps >= lengths.Slice([0, 0], [4, 1])).LogicalAnd(steps <= lengths.Slice([0, 1], [4, 2]))
            .AsType(DType.Float32);
        (string Path, Parameter Parameter)[] trained = [.. model.TrainableParameters()];
        (_, MlxArray[] gradients) = ModuleGradients.ValueAndGrad([.. trained.Select(entry => entry.Parameter)], () =>
        {
            MlxArray logits = model.Forward(inputs).AsType(DType.Float32);
            MlxArray loss = logits.LogSumExp(-1) - logits.TakeAlongAxis(targets.ExpandDims(-1), -1).Squeeze(-1);
            return [(loss * mask).Sum() / mask.Sum()];
        });
        return [.. trained.Zip(gradients, (entry, gradient) =>
            (entry.Path, gradient.ToArray<float>().Select(value => (double)value).ToArray()))];
    }
}
