using System.Text.Json;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Pretraining;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>CoreNet's pretraining: first weights, updates, moving average.</summary>
[Collection(GradientCollection.Name)]
public sealed class PretrainingTests
{
    private const double LossTolerance = 1e-5, NormTolerance = 5e-6, WeightRms = 1e-6;

    private static readonly JsonElement Traces = GoldenArrays.Json("pretrain/train.json").GetProperty("cases");

    // The first two; all of them, and what they leave, in PretrainerTests.
    [Theory]
    [InlineData("accum1")]
    [InlineData("accum2")]
    public void First_updates_equal_corenet(string name)
    {
        using var scope = new ArrayScope();
        JsonElement golden = Traces.GetProperty(name);
        using SafetensorsFile tensors = GoldenArrays.Open($"pretrain/train_{name}.safetensors");
        using OpenElmModel model = Micro();
        PretrainingRecipe recipe = CoreNetGolden.Recipe(golden.GetProperty("settings"));
        using CoreNetUpdate updates = new(model, recipe);
        using BatchReader batches = new(recipe.IgnoreIndex);
        foreach (JsonElement step in golden.GetProperty("steps").EnumerateArray().Take(2))
        {
            using var inner = new ArrayScope();
            string number = step.GetProperty("step").GetRawText();
            (MlxArray[] gradients, MicroLoss[] losses) = updates.Gradients(batches.Next(recipe.AccumulationSteps));
            Assert.Equal(step.GetProperty("valid_tokens").Ints(), losses.Select(loss => loss.Tokens));
            for (int i = 0; i < losses.Length; i++)
            {
                JsonElement expected = step.GetProperty("micro_losses_f64")[i];
                Near(expected.GetProperty("total_loss").GetDouble(), losses[i].Total, LossTolerance, $"loss {number}");
                Near(expected.GetProperty("ce_loss").GetDouble(), losses[i].CrossEntropy, LossTolerance,
                    $"entropy {number}");
                Near(expected.GetProperty("z_loss").GetDouble(), losses[i].ZLoss, LossTolerance, $"z-loss {number}");
            }
            if (number == "1")
                FirstGradients(tensors, updates, gradients);
            JsonElement sums = golden.GetProperty("sums_f64").GetProperty(number);
            Sums(sums.GetProperty("gradients_before_clipping"), Named(updates, gradients), 2e-5, $"gradients {number}");
            double norm = step.GetProperty("grad_norm_before_clipping_f64").GetDouble();
            Near(norm, updates.Apply(gradients), norm * NormTolerance, $"norm {number}");
            Sums(sums.GetProperty("parameters"), updates.Weights, WeightRms, $"weights {number}");
        }
    }

    [Fact]
    public void Weight_decay_spares_the_tensors_that_corenet_spares()
    {
        foreach (JsonElement group in Traces.GetProperty("accum1").GetProperty("parameter_groups").EnumerateArray())
        {
            using var scope = new ArrayScope();
            using OpenElmModel model = Micro();
            string[] spared = [.. model.NamedParameters()
                .Where(entry => ParameterGroup.NoDecayOfVectors(entry.Path, entry.Parameter) is { WeightDecay: 0 })
                .Select(entry => entry.Path)];
            string[] names = [.. group.GetProperty("names").EnumerateArray().Select(name => name.GetString()!)];
            if (group.GetProperty("weight_decay").GetDouble() == 0)
                Assert.Equal(names.Order(), spared.Order());
            else
                Assert.Empty(names.Intersect(spared));
        }
    }

    [Fact]
    public void Mean_over_tokens_is_the_gradient_of_both_batches_as_one()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Micro();
        PretrainingRecipe recipe =
            CoreNetGolden.Recipe(Traces.GetProperty("accum2").GetProperty("settings")) with { AveragesTokens = true };
        using CoreNetUpdate updates = new(model, recipe);
        using BatchReader batches = new(recipe.IgnoreIndex);
        MicroBatch[] two = [.. batches.Next(2)];
        (MlxArray[] apart, _) = updates.Gradients(two);
        (MlxArray[] together, MicroLoss[] loss) = updates.Gradients(
        [
            new MicroBatch(
                MlxArray.Concatenate([two[0].Inputs, two[1].Inputs], 0),
                MlxArray.Concatenate([two[0].Targets, two[1].Targets], 0),
                two[0].Tokens + two[1].Tokens),
        ]);
        Assert.NotEqual(two[0].Tokens, two[1].Tokens);
        Assert.Equal(two[0].Tokens + two[1].Tokens, loss[0].Tokens);
        for (int i = 0; i < apart.Length; i++)
        {
            double[] expected = [.. together[i].Floats().Select(value => (double)value)];
            GoldenArrays.Close(expected, apart[i].Floats(), 2e-5 * expected.Max(Math.Abs), $"gradient {i}");
        }
    }

    [Fact]
    public void Bfloat16_computes_with_rounded_weights_and_trains_float32_ones()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Micro();
        PretrainingRecipe recipe = CoreNetGolden.Recipe(
            Traces.GetProperty("accum1").GetProperty("settings")) with
        {
            ComputesInBFloat16 = true,
        };
        using CoreNetUpdate updates = new(model, recipe);
        using BatchReader batches = new(recipe.IgnoreIndex);
        JsonElement first = Traces.GetProperty("accum1").GetProperty("steps")[0];
        (MlxArray[] gradients, MicroLoss[] losses) = updates.Gradients(batches.Next(1));
        Near(
            first.GetProperty("micro_losses_f64")[0].GetProperty("total_loss").GetDouble(), losses[0].Total, 0.1,
            "loss");
        double norm = first.GetProperty("grad_norm_before_clipping_f64").GetDouble();
        Near(norm, updates.Apply(gradients), 0.1 * norm, "norm");
        Assert.All(gradients, gradient => Assert.Equal(DType.Float32, gradient.DType));
        Assert.All(updates.Weights, entry => Assert.Equal(DType.Float32, entry.Value.DType));
    }

    [Fact]
    public void Layers_that_compute_again_give_the_same_gradients()
    {
        using var scope = new ArrayScope();
        PretrainingRecipe recipe = CoreNetGolden.Recipe(Traces.GetProperty("accum1").GetProperty("settings"));
        byte[][][] gradients = [.. new[] { false, true }.Select(again =>
        {
            using OpenElmModel model = Micro();
            using CoreNetUpdate updates = new(model, recipe with { CheckpointsLayers = again });
            using BatchReader batches = new(recipe.IgnoreIndex);
            return updates.Gradients(batches.Next(1)).Gradients.Select(gradient => gradient.ToBytes()).ToArray();
        })];
        Assert.Equal(gradients[0], gradients[1]);
    }

    [Theory]
    [InlineData("micro")]
    [InlineData("untied")]
    public void First_weights_have_corenets_distribution(string name)
    {
        JsonElement golden = GoldenArrays.Json("pretrain/init.json").GetProperty(name);
        OpenElmConfig config = Config(golden);
        ulong[] seeds = [.. golden.GetProperty("seeds").Ints().Select(seed => (ulong)seed)];
        var values = new Dictionary<string, List<float>>();
        foreach (ulong seed in seeds)
        {
            using OpenElmModel model = CoreNetInitialization.Create(config, seed);
            foreach ((string path, Nn.Parameter parameter) in model.NamedParameters())
            {
                if (!values.TryGetValue(path, out List<float>? all))
                    values.Add(path, all = []);
                all.AddRange(parameter.Value.ToArray<float>());
            }
        }

        int width = config.ModelSize, rows = config.VocabularySize;
        values["padding row"] =
        [
            .. values["token_embeddings.weight"].Chunk(width).Where((_, row) => row % rows == config.PaddingIndex)
                .SelectMany(row => row),
        ];
        JsonElement parameters = golden.GetProperty("parameters");
        Assert.Equal(parameters.EnumerateObject().Select(entry => entry.Name).Order(), values.Keys.Order());
        foreach (JsonProperty parameter in parameters.EnumerateObject())
        {
            List<float> sample = values[parameter.Name];
            int n = parameter.Value.GetProperty("samples").GetInt32();
            double std = parameter.Value.GetProperty("std").GetDouble();
            Assert.Equal(n, sample.Count);
            if (std == 0)
            {
                Assert.All(sample, value => Assert.Equal(1, value));
                continue;
            }
            double mean = sample.Average(), variance = sample.Average(value => (value - mean) * (value - mean));
            double kurtosis = sample.Average(value => Math.Pow(value - mean, 4)) / (variance * variance);
            Near(0, mean, 6 * std / Math.Sqrt(n), parameter.Name);
            Near(std, Math.Sqrt(variance), std * 6 / Math.Sqrt(2.0 * n), parameter.Name);
            Near(3, kurtosis, 6 * Math.Sqrt(24.0 / n), parameter.Name);
            Assert.True(sample.Max(Math.Abs) > 3 * std);        // not cut off
        }
    }

    [Fact]
    public void Same_seed_gives_the_same_weights_and_another_seed_others()
    {
        OpenElmConfig config = Config(GoldenArrays.Json("pretrain/init.json").GetProperty("micro"));
        float[] Weights(ulong seed)
        {
            using OpenElmModel model = CoreNetInitialization.Create(config, seed);
            return [.. model.NamedParameters().SelectMany(entry => entry.Parameter.Value.ToArray<float>())];
        }

        float[] first = Weights(7);
        MlxRandom.Seed(99);         // the process' own state does not matter
        Assert.Equal(first, Weights(7));
        Assert.NotEqual(first, Weights(8));
    }

    [Theory]
    [InlineData("momentum_0.1")]
    [InlineData("momentum_0.0001_default")]
    public void Moving_average_equals_corenet(string name)
    {
        using var scope = new ArrayScope();
        JsonElement golden = GoldenArrays.Json("pretrain/averaging_ema.json").GetProperty("ema").GetProperty(name);
        using SafetensorsFile tensors = GoldenArrays.Open("pretrain/ema.safetensors");
        MlxArray Read(string key) => MlxArray.From<float>(
            [.. tensors.Doubles($"{name}.{key}").Select(value => (float)value)], [.. tensors[$"{name}.{key}"].Shape]);
        string[] parts = ["weight", "bias"];

        // From the first average on; the golden start is another model's.
        double first = tensors.Doubles($"{name}.ema.1.count")[0];
        using MovingAverage average = new(
            [.. parts.Select(part => (part, Read($"ema.1.{part}"))),
                ("count", MlxArray.Scalar((long)first, DType.Int64))],
            golden.GetProperty("momentum").GetDouble());
        for (int step = 2; step <= 5; step++)
        {
            average.Update(
            [
                .. parts.Select(part => (part, Read($"model.{step}.{part}"))),
                ("count", MlxArray.Scalar(10L * step, DType.Int64)),
            ]);
            foreach (string part in parts)
                GoldenArrays.Close(
                    tensors.Doubles($"{name}.ema.{step}.{part}"), average.Values[part].Floats(), 2e-7,
                    $"{part} {step}");
            Assert.Equal(tensors.Doubles($"{name}.ema.{step}.count")[0], average.Values["count"].Item<long>());
        }
    }

    private static OpenElmModel Micro() => CoreNetModels.Load(
        Fixtures.Path("corenet/micro/checkpoint_average.pt"), Fixtures.Path("corenet/micro/architecture.json"));

    private static OpenElmConfig Config(JsonElement golden)
    {
        var fields = golden.GetProperty("config").EnumerateObject()
            .ToDictionary(field => field.Name, field => field.Value.GetRawText());
        fields["vocab_size"] = golden.GetProperty("vocab_size").GetRawText();
        fields["padding_index"] = golden.GetProperty("padding_index").GetRawText();
        fields["model_name"] = "\"test\"";
        using var json =
            JsonDocument.Parse("{" + string.Join(',', fields.Select(field => $"\"{field.Key}\":{field.Value}")) + "}");
        return OpenElmConfig.FromJson(json.RootElement, "init.json");
    }

    private static IEnumerable<(string Name, MlxArray Value)> Named(CoreNetUpdate updates, MlxArray[] gradients) =>
        updates.Weights.Zip(gradients, (entry, gradient) => (entry.Name, gradient));

    private static void FirstGradients(SafetensorsFile tensors, CoreNetUpdate updates, MlxArray[] gradients)
    {
        const string prefix = "gradient_step1_f64_rounded.";
        int compared = 0;
        foreach ((string name, MlxArray gradient) in Named(updates, gradients))
        {
            if (!tensors.Tensors.ContainsKey(prefix + name))
                continue;
            double[] expected = tensors.Doubles(prefix + name);
            GoldenArrays.Close(expected, gradient.Floats(), 2e-5 * expected.Max(Math.Abs), "gradient of " + name);
            compared++;
        }
        Assert.True(compared >= 3);
    }

    // Σx, Σx², Σ|x|, Σ x[i]·cos(i). A root mean square e of the differences moves a sum of n by no more than n·e, that
    // of squares by 2e·√(n·Σx²).
    internal static void Sums(
        JsonElement golden, IEnumerable<(string Name, MlxArray Value)> arrays, double rms, string what)
    {
        int compared = 0;
        foreach ((string name, MlxArray value) in arrays)
        {
            if (!golden.TryGetProperty(name, out JsonElement expected))
                continue;
            float[] x = value.Floats();
            double squares = expected[1].GetDouble(), e = rms * Math.Max(1, Math.Sqrt(squares));
            Near(expected[0].GetDouble(), x.Sum(v => (double)v), x.Length * e, $"{what}: Σx of {name}");
            Near(squares, x.Sum(v => (double)v * v), 2 * e * Math.Sqrt(x.Length * squares), $"{what}: Σx² of {name}");
            Near(expected[2].GetDouble(), x.Sum(v => Math.Abs((double)v)), x.Length * e, $"{what}: Σ|x| of {name}");
            Near(expected[3].GetDouble(), x.Select((v, i) => v * Math.Cos(i)).Sum(), x.Length * e,
                $"{what}: Σx·cos of {name}");
            compared++;
        }
        Assert.True(compared > 0);
    }

    private static void Near(double expected, double actual, double tolerance, string what) => Assert.True(
        Math.Abs(expected - actual) <= tolerance,
        $"{what}: expected {expected:g9}, got {actual:g9}, tolerance {tolerance:g3}");

    private sealed class BatchReader(int padding) : IDisposable
    {
        private readonly SafetensorsFile _file = GoldenArrays.Open("pretrain/train_batches.safetensors");
        private int _next;

        public IReadOnlyList<MicroBatch> Next(int count)
        {
            MlxArray samples = _file.IdArray("samples"), targets = _file.IdArray("targets");    // [43, 4, 48]
            return [.. Enumerable.Range(0, count).Select(_ =>
            {
                MlxArray target = targets[_next];
                return new MicroBatch(samples[_next++], target, target.ToArray<int>().Count(id => id != padding));
            })];
        }

        public void Dispose() => _file.Dispose();
    }
}
