using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Training;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Whole runs of the loop against mlx-lm's, and against the same in float64.</summary>
[Collection(GradientCollection.Name)]
public sealed class TrainingTraceTests
{
    private static readonly JsonElement Traces = GoldenArrays.Json("train/traces.json");
    private static readonly JsonElement Exact = GoldenArrays.Json("train/torch_lora.json");
    private static readonly SafetensorsFile ExactTensors = GoldenArrays.Open("train/torch_lora.safetensors");

    [Theory]
    [InlineData("lora_adam")]
    [InlineData("dora_adam")]
    [InlineData("qlora_adam")]
    [InlineData("lora_adamw")]
    [InlineData("lora_adam_cosine")]
    [InlineData("lora_adam_bias_correction")]
    [InlineData("lora_sgd")]
    [InlineData("lora_adam_checkpoint")]
    [InlineData("full_adam")]
    public void Run_equals_mlx_lm(string name)
    {
        using OpenElmModel model = ModelOf(name);
        model.CheckpointsLayers = name == "lora_adam_checkpoint";
        JsonElement[] steps = [.. Traces.GetProperty(name).GetProperty("steps").EnumerateArray()];
        TrainingReport[] reports = Train(
            model, Optimizer(name), TrainingTraces.Rows(), new TrainingOptions { Iterations = steps.Length });

        bool isExact = Exact.TryGetProperty(name, out JsonElement exact);
        double[] losses = isExact ? Numbers(exact, "losses") : [.. steps.Select(step => Number(step, "loss"))];
        double[] norms = isExact ? Numbers(exact, "grad_norms") : [.. steps.Select(step => Number(step, "grad_norm"))];
        GoldenArrays.Close(losses, [.. reports.Select(report => (float)report.TrainLoss!)], 5e-5, "losses");
        for (int i = 0; i < steps.Length; i++)
        {
            // Adam makes equal steps of small gradients and large ones, so roundings of the first grow: 1.04e-4 was
            // seen.
            Assert.InRange(reports[i].GradientNorm!.Value / norms[i], 1 - 2e-4, 1 + 2e-4);
            Assert.Equal(Number(steps[i], "learning_rate"), reports[i].LearningRate, 1e-9);
            Assert.Equal(steps[i].GetProperty("tokens").GetInt32(), reports[i].StepTokens);
        }
        CompareFinal(name, model);
    }

    // Losses in bfloat16 differ from those in float32 by about 1e-2 in mlx-lm, which also rounds the cross-entropy;
    // here the logits are widened first.
    [Theory]
    [InlineData("lora_adam_bf16", "lora_adam")]
    [InlineData("qlora_adam_bf16", "qlora_adam")]
    public void Run_in_bfloat16_is_as_near_to_float32_as_mlx_lm_s(string name, string wide)
    {
        using OpenElmModel model = ModelOf(name);
        TrainingReport[] reports = Train(
            model, Optimizer(name), TrainingTraces.Rows(), new TrainingOptions { Iterations = 12 });
        double[] theirs = [.. Traces.GetProperty(name).GetProperty("steps").EnumerateArray()
            .Select(step => Number(step, "loss"))];
        GoldenArrays.RoundedAsWell(
            Numbers(Exact.GetProperty(wide), "losses"), theirs,
            [.. reports.Select(report => (float)report.TrainLoss!)], "losses");
        Assert.All(model.TrainableParameters(), entry => Assert.Equal(DType.Float32, entry.Parameter.Value.DType));
    }

    [Fact]
    public void Accumulation_as_in_mlx_lm_averages_the_batches_means()
    {
        const string name = "lora_adam_accum2";
        using OpenElmModel model = ModelOf(name);
        TrainingReport[] reports = Train(model, Optimizer(name), TrainingTraces.Rows(), new TrainingOptions
        {
            Iterations = 12,
            GradientAccumulationSteps = 2,
            AveragesBatchMeans = true,
        });
        CompareAccumulated(name, reports);
        CompareFinal(name, model);
    }

    // Batches with the same number of tokens weigh the same either way: accumulating equals joining them. The sum is
    // rounded otherwise than a mean of means, and Adam's first step takes only the sign of a gradient: a few elements
    // near zero move the losses behind the second update by 1e-4.
    [Fact]
    public void Accumulation_weighs_tokens_and_equals_joined_batches()
    {
        const string name = "lora_adam_accum2_equal_tokens";
        using OpenElmModel model = ModelOf(name);
        TrainingReport[] reports = Train(
            model, Optimizer(name), TrainingTraces.RowsOfSameTokens(),
            new TrainingOptions { Iterations = 6, GradientAccumulationSteps = 2 });
        CompareAccumulated(name, reports, 2e-4);
        JsonElement trace = Traces.GetProperty(name);
        GoldenArrays.Close(
            Numbers(trace, "joined_losses"),
            [.. reports.Chunk(2).Select(pair => (float)pair.Average(report => report.TrainLoss!.Value))], 2e-4,
            "joined losses");
    }

    [Theory]
    [InlineData("lora_adam", 1)]
    [InlineData("lora_adam", 2)]
    [InlineData("dora_adam", 1)]
    [InlineData("full_adam", 1)]
    public void Gradient_of_a_step_equals_mlx_lm_s(string name, int step)
    {
        using ArrayScope scope = new();
        using OpenElmModel model = ModelOf(name);
        List<TokenRow> rows = TrainingTraces.Rows();
        if (step > 1)
            Train(model, Optimizer(name), rows, new TrainingOptions { Iterations = step - 1 });
        using Batch batch = TrainingTraces.Batches(rows).Get(0, step - 1);
        BatchLoss loss = LanguageModelLoss.Of(model, 0);
        (string Path, Parameter Parameter)[] parameters = [.. model.TrainableParameters()];
        (_, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
            [.. parameters.Select(entry => entry.Parameter)], () => [loss(batch, step).Sum]);

        SafetensorsFile expected = name == "full_adam" ? TrainingTraces.Tensors : ExactTensors;
        int compared = 0;
        for (int i = 0; i < gradients.Length; i++)
        {
            string key = $"{name}.grad{step}.{OpenElmModel.MlxLmName(parameters[i].Path)}";
            if (!expected.Tensors.ContainsKey(key))
                continue;
            double[] wanted = expected.Doubles(key);
            double largest = Math.Max(wanted.Max(Math.Abs), 1e-3);
            GoldenArrays.Close(wanted, (gradients[i] * (1f / batch.TokenCount)).Floats(), 3e-5 * largest, key);
            compared++;
        }
        Assert.InRange(compared, name == "full_adam" ? 10 : gradients.Length, gradients.Length);
    }

    private static OpenElmModel ModelOf(string name) => TrainingTraces.Model(
        name.StartsWith("full", StringComparison.Ordinal) ? FineTuneType.Full
            : name.StartsWith("dora", StringComparison.Ordinal) ? FineTuneType.Dora
            : FineTuneType.Lora,
        name.StartsWith("qlora", StringComparison.Ordinal) ? "micro-q4-g64" : "micro",
        name.EndsWith("bf16", StringComparison.Ordinal) ? DType.BFloat16 : DType.Float32);

    private static Optimizer Optimizer(string name) => name switch
    {
        "lora_adamw" => OptimizerFactory.Create(
            "adamw", 1e-3, new Dictionary<string, object?> { ["weight_decay"] = 0.1 }),
        "lora_adam_cosine" => OptimizerFactory.Create(
            "adam", Schedule.FromDescription(Traces.GetProperty("constants").GetProperty("schedule"))),
        "lora_adam_bias_correction" => OptimizerFactory.Create(
            "adam", 1e-3, new Dictionary<string, object?> { ["bias_correction"] = true }),
        "lora_sgd" => OptimizerFactory.Create("sgd", 1e-3),
        "full_adam" => OptimizerFactory.Create("adam", 1e-4),
        _ => OptimizerFactory.Create("adam", 1e-3),
    };

    private static TrainingReport[] Train(
        OpenElmModel model, Optimizer optimizer, IReadOnlyList<TokenRow> rows, TrainingOptions options)
    {
        CollectedReports reports = new();
        using (optimizer)
        using (Trainer trainer = new(
            model.TrainableParameters(), optimizer, LanguageModelLoss.Of(model, 0), TrainingTraces.Batches(rows), null,
            options))
        {
            TrainingResult result = trainer.Run(reports);
            Assert.Equal((TrainingEnd.Finished, options.Iterations), (result.End, result.Step));
        }
        return [.. reports.Steps];
    }

    private static void CompareAccumulated(string name, TrainingReport[] reports, double tolerance = 5e-5)
    {
        JsonElement[] steps = [.. Traces.GetProperty(name).GetProperty("steps").EnumerateArray()];
        GoldenArrays.Close(
            [.. steps.Select(step => Number(step, "loss"))], [.. reports.Select(report => (float)report.TrainLoss!)],
            tolerance, name);
        for (int i = 0; i < steps.Length; i++)
        {
            if (steps[i].GetProperty("applied_grad_norm") is { ValueKind: JsonValueKind.Number } norm)
                Assert.InRange(reports[i].GradientNorm!.Value / norm.GetDouble(), 1 - 1e-4, 1 + 1e-4);
            else
                Assert.Null(reports[i].GradientNorm);
        }
    }

    private static void CompareFinal(string name, OpenElmModel model)
    {
        bool isExact = name == "lora_adam";
        SafetensorsFile expected = isExact ? ExactTensors : TrainingTraces.Tensors;
        int compared = 0;
        foreach ((string path, Parameter parameter) in model.TrainableParameters())
        {
            string key = $"{name}.final.{OpenElmModel.MlxLmName(path)}";
            if (!expected.Tensors.ContainsKey(key))
                continue;
            GoldenArrays.CloseOnAverage(expected.Doubles(key), parameter.Value.Floats(), 2e-5, key);
            compared++;
        }
        Assert.True(
            compared > 0 || name is not ("lora_adam" or "dora_adam" or "lora_adam_cosine" or "full_adam"), name);
    }

    private static double Number(JsonElement json, string name) => json.GetProperty(name).GetDouble();

    private static double[] Numbers(JsonElement json, string name) =>
        [.. json.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
}
