using ElmMlx.Generation;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// The model against CoreNet's own code, in float32: logits, each layer's states, caches, greedy tokens, likelihoods.
/// </summary>
public sealed class OpenElmTests
{
    // CoreNet's own float32 is 1.6e-5 from float64 here; the rest is room for another order of summation.
    private const double Tolerance = 1e-4;

    private static readonly SafetensorsFile Expected = GoldenArrays.Open("corenet/micro/expected.safetensors");

    [Theory]
    [InlineData("")]
    [InlineData("_1x1")]
    public void Logits_and_every_layer_equal_corenet(string suffix)
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Micro();
        MlxArray ids = Expected.IdArray("input_ids" + suffix);
        var layers = new List<MlxArray>();
        MlxArray logits = model.Logits(model.Hidden(ids, layers: layers));
        for (int i = 0; i < layers.Count; i++)
            GoldenArrays.Close(Expected.Doubles($"hidden{suffix}.{i}"), layers[i].Floats(), Tolerance, $"hidden {i}");
        Assert.Equal(4, layers.Count);
        GoldenArrays.Close(Expected.Doubles("logits_f64" + suffix), logits.Floats(), Tolerance, "logits");
    }

    [Fact]
    public void Logits_of_bf16_weights_equal_corenet()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Micro("bf16.pt");
        GoldenArrays.Close(
            Expected.Doubles("logits_of_bf16_weights"), model.Forward(Expected.IdArray("input_ids")).Floats(),
            Tolerance, "logits");
    }

    [Fact]
    public void Logits_in_bf16_stay_near()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Micro("bf16.pt");
        model.Cast(DType.BFloat16);
        MlxArray logits = model.Forward(Expected.IdArray("input_ids"));
        Assert.Equal(DType.BFloat16, logits.DType);
        GoldenArrays.CloseOnAverage(Expected.Doubles("logits_of_bf16_weights"), logits.Floats(), 0.06, "logits");
    }

    [Fact]
    public void Cache_equals_the_full_pass_and_holds_what_corenet_holds()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Micro();
        using PromptCache cache = PromptCache.For(model.Config);
        int[] ids = Expected.Ids("cache.input_ids");
        var logits = new List<float>(MlxLmTests.Feed(model, cache, ids.AsSpan(0, 11)));
        foreach (int layer in (int[])[0, 3])
        {
            Dictionary<string, MlxArray> state = cache[layer].State()
                .ToDictionary(entry => entry.Suffix, entry => entry.Array);
            GoldenArrays.Close(
                Expected.Doubles($"cache.prompt_values.{layer}"), state["1"].Floats(), Tolerance, "values");
            // CoreNet turns keys when they are read, we when they are stored.
            TensorInfo keys = Expected[$"cache.prompt_keys.{layer}"];
            MlxArray turned = Fast.Rope(
                MlxArray.From<float>([.. Expected.Doubles(keys.Name).Select(value => (float)value)], [.. keys.Shape]),
                model.Config.HeadSize, traditional: false, model.Config.RopeBase, 1f, 0);
            GoldenArrays.Close(
                [.. turned.Floats().Select(value => (double)value)], state["0"].Floats(), Tolerance, "keys");
        }
        foreach (int id in ids[11..])
            logits.AddRange(MlxLmTests.Feed(model, cache, [id]));
        GoldenArrays.Close(Expected.Doubles("cache.full_logits_f64"), logits.ToArray(), Tolerance, "logits");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Greedy_tokens_equal_corenet(int index)
    {
        using OpenElmModel model = Micro();
        // CoreNet chooses among all rows here, the padding's included.
        var options =
            new GenerationOptions { MaxTokens = 40, EosIds = [], CandidateCount = model.Config.VocabularySize };
        Assert.Equal(
            Expected.Ids($"greedy.{index}.tokens"),
            new Generator(model).Generate(Expected.Ids($"greedy.{index}.prompt"), options).Select(step => step.Token));
    }

    [Theory]
    [InlineData("all_vocab", 384)]
    [InlineData("without_filler", 320)]
    public void Likelihood_of_a_continuation_equals_corenet(string name, int candidates)
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Micro();
        int[] prompt = Expected.Ids("logprobs.prompt"), continuation = Expected.Ids("logprobs.continuation");
        int[] ids = [.. prompt, .. continuation];
        MlxArray logits = model.Forward(MlxArray.From<int>(ids, 1, ids.Length))
            .Slice([0, prompt.Length - 1, 0], [1, ids.Length - 1, candidates]);
        MlxArray logProbs = logits - logits.LogSumExp(-1, keepDims: true);
        MlxArray chosen = logProbs.TakeAlongAxis(MlxArray.From<int>(continuation, 1, continuation.Length, 1), -1);
        GoldenArrays.Close(Expected.Doubles($"logprobs.{name}_f64"), chosen.Floats(), Tolerance, name);
    }

    public static TheoryData<string> Variants()
    {
        var data = new TheoryData<string>();
        foreach (string folder in Directory.EnumerateDirectories(Fixtures.Path("corenet/variants"))
            .Order(StringComparer.Ordinal))
            data.Add(Path.GetFileName(folder));
        return data;
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Variant_equals_corenet(string name)
    {
        using var scope = new ArrayScope();
        string folder = Fixtures.Path("corenet/variants/" + name);
        using SafetensorsFile expected = SafetensorsFile.Open(Path.Combine(folder, "expected.safetensors"));
        using OpenElmModel model =
            CoreNetModels.Load(Path.Combine(folder, "checkpoint.pt"), Path.Combine(folder, "architecture.json"));
        int[] ids = expected.Ids("input_ids");
        GoldenArrays.Close(
            expected.Doubles("logits_f64"), model.Forward(expected.IdArray("input_ids")).Floats(), Tolerance, name);

        // Through a cache, the first sequence token by token.
        using PromptCache cache = PromptCache.For(model.Config);
        int length = expected["input_ids"].Shape[1];
        float[] steps = [.. ids[..length].SelectMany(id => MlxLmTests.Feed(model, cache, [id]))];
        GoldenArrays.Close(
            expected.Doubles("logits_f64").AsSpan(0, steps.Length), steps, Tolerance, name + " through a cache");
    }

    [Theory]
    [InlineData("lora")]
    [InlineData("rslora")]
    [InlineData("dora")]
    [InlineData("lora_linear_only")]
    [InlineData("dora_and_embedding_untied")]
    public void Merged_adapter_equals_corenet(string name)
    {
        using var scope = new ArrayScope();
        string path = Fixtures.Path("corenet/lora/" + name);
        using SafetensorsFile expected = SafetensorsFile.Open(path + ".expected.safetensors");
        using SafetensorsFile merged = SafetensorsFile.Open(path + ".merged.safetensors");
        var tensors = new Dictionary<string, MlxArray>();
        foreach ((string key, MlxArray value) in CoreNetModels.Tensors(path + ".pt"))
            if (!key.Contains("lora_", StringComparison.Ordinal))
                tensors[key.Replace(".base_layer", "", StringComparison.Ordinal)] = value;
        foreach (TensorInfo tensor in merged.Tensors.Values)
            tensors[tensor.Name] = TensorArrays.Read(merged, tensor);
        OpenElmConfig config = OpenElmConfig.FromFile(path + ".architecture.json") with
        {
            TieEmbeddings = !tensors.ContainsKey("classifier.weight"),
        };
        using OpenElmModel model = OpenElmModel.FromTensors(config, tensors);
        GoldenArrays.Close(
            expected.Doubles("logits_f64"), model.Forward(expected.IdArray("input_ids")).Floats(), Tolerance, name);
    }

    [Fact]
    public void Random_model_has_the_published_number_of_parameters_and_runs_quantized()
    {
        using var scope = new ArrayScope();
        OpenElmConfig config = OpenElmConfig.FromFile(Fixtures.Path("mlx-lm/micro/config.json")) with
        {
            Quantization = new OpenElmQuantization(new QuantizationSettings(32, 8)),
        };
        using OpenElmModel model = OpenElmModel.Random(config, DType.BFloat16, seed: 3);
        using OpenElmModel same = OpenElmModel.Random(config, DType.BFloat16, seed: 3);
        MlxArray ids = MlxArray.From<int>([1, 2, 3], 1, 3);
        Assert.Contains(model.NamedParameters(), entry => entry.Path == "layers.2.ffn.proj_1.scales");
        float[] logits = model.Forward(ids).Floats();
        Assert.All(logits, value => Assert.True(float.IsFinite(value)));
        Assert.Equal(logits, same.Forward(ids).Floats());
    }

    [Fact]
    public void Tensors_of_another_model_are_refused_by_name()
    {
        using var scope = new ArrayScope();
        OpenElmConfig config = OpenElmConfig.FromFile(Fixtures.Path("corenet/micro/architecture.json"));
        Dictionary<string, MlxArray> Tensors() =>
            CoreNetModels.Tensors(Fixtures.Path("corenet/micro/checkpoint_average.pt"));
        string Refused(OpenElmConfig other, Dictionary<string, MlxArray> tensors) =>
            Assert.Throws<InvalidDataException>(() => OpenElmModel.FromTensors(other, tensors, "a.pt")).Message;

        Dictionary<string, MlxArray> missing = Tensors();
        missing.Remove("layers.1.attn.q_norm.weight");
        Assert.Contains("layers.1.attn.q_norm.weight is missing", Refused(config, missing), StringComparison.Ordinal);
        Dictionary<string, MlxArray> more = Tensors();
        more["layers.9.x.weight"] = MlxArray.Ones([2]);
        Assert.Contains("layers.9.x.weight", Refused(config, more), StringComparison.Ordinal);
        Assert.Contains(
            "classifier.weight", Refused(config with { TieEmbeddings = false }, Tensors()), StringComparison.Ordinal);
        Assert.Contains(
            "[384, 64]", Refused(config with { VocabularySize = 400 }, Tensors()), StringComparison.Ordinal);
        Dictionary<string, MlxArray> packed = Tensors();
        packed["norm.weight"] = MlxArray.From<uint>(new uint[64], 64);
        Assert.Contains("uint32", Refused(config, packed), StringComparison.Ordinal);
    }

    private static OpenElmModel Micro(string checkpoint = "checkpoint_average.pt") => CoreNetModels.Load(
        Fixtures.Path("corenet/micro/" + checkpoint), Fixtures.Path("corenet/micro/architecture.json"));
}
