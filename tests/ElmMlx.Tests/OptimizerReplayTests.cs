using System.Text.Json;
using ElmMlx.Bindings;
using ElmMlx.Nn;
using ElmMlx.Optimizers;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Every optimizer, schedule and clipping of the golden data, step by step, state included.</summary>
public sealed class OptimizerReplayTests
{
    private static readonly Lazy<Dictionary<string, GoldenCase>> Cases = new(Load);

    public static TheoryData<string> Names() => [.. Cases.Value.Keys];

    [Fact]
    public void All_cases_are_replayed() => Assert.Equal(51, Cases.Value.Count);

    [Theory]
    [MemberData(nameof(Names))]
    public void Case_equals_mlx(string name)
    {
        using var scope = new ArrayScope();
        GoldenCase golden = Cases.Value[name];
        if (golden.Record.TryGetProperty("steps", out JsonElement steps))
            ReplayOptimizer(golden, steps);
        else if (golden.Operation == "clip_grad_norm")
            ReplayClipping(golden);
        else
            ReplaySchedule(golden);
    }

    private static void ReplayOptimizer(GoldenCase golden, JsonElement steps)
    {
        Dictionary<string, object?> options = golden.Arguments.EnumerateObject()
            .ToDictionary(option => option.Name, option => (object?)option.Value);
        options.Remove("learning_rate", out object? rate);
        using Optimizer optimizer = OptimizerFactory.Create(
            golden.Operation, rate is null ? null : Schedule.FromDescription(rate), options);
        string[] names = [.. golden.Record.GetProperty("parameters").EnumerateArray().Select(key => key.GetString()!)];
        (string, Parameter)[] parameters = [.. names.Zip(
            golden.Optional(golden.Record.GetProperty("inputs")),
            (path, value) => (path, new Parameter(path, Array(value!))))];
        int nSteps = 0;
        foreach (JsonElement step in steps.EnumerateArray())
        {
            MlxArray[] gradients = [.. golden.Optional(step.GetProperty("gradients")).Select(value => Array(value!))];
            optimizer.Update(parameters, gradients);
            IReadOnlyDictionary<string, MlxArray> state = optimizer.State;
            MlxArray.Eval([.. parameters.Select(entry => entry.Item2.Value), .. state.Values]);
            nSteps++;

            GoldenTensor?[] wanted = golden.Optional(step.GetProperty("parameters"));
            for (int i = 0; i < names.Length; i++)
                Same(golden, parameters[i].Item2.Value, wanted[i]!, $"step {nSteps}, {names[i]}");
            JsonProperty[] slots = [.. step.GetProperty("state").EnumerateObject()];
            Assert.Equal(slots.Select(slot => slot.Name).Order(), state.Keys.Order());
            foreach (JsonProperty slot in slots)
                Same(golden, state[slot.Name], golden.Tensors[slot.Value.GetString()!], $"step {nSteps}, {slot.Name}");
        }
        Assert.Equal(6, nSteps);
        Assert.Equal(6, optimizer.Step);
        foreach ((_, Parameter parameter) in parameters)
            parameter.Dispose();
    }

    private static void ReplaySchedule(GoldenCase golden)
    {
        Dictionary<string, object?> description = golden.Arguments.EnumerateObject()
            .ToDictionary(option => option.Name, option => (object?)option.Value);
        description["name"] = golden.Operation;
        Schedule schedule = Schedule.FromDescription(description);
        double[] steps = golden.Tensors[golden.Inputs[0].GetString()!].Doubles();
        double[] rates = [.. steps.Select(step => schedule.At((long)step))];
        Assert.Null(GoldenValues.Difference(
            rates, golden.Outputs[0].Doubles(), golden.Tolerance("rtol"), golden.Tolerance("atol")));
        Schedule again = Schedule.FromJson(schedule.ToJson());
        Assert.Equal(rates, steps.Select(step => again.At((long)step)));
    }

    private static void ReplayClipping(GoldenCase golden)
    {
        MlxArray[] gradients = [.. golden.Inputs.Select(key => Array(golden.Tensors[key.GetString()!]))];
        (MlxArray[] clipped, MlxArray norm) = GradientClipping.ByGlobalNorm(
            gradients, golden.Arguments.GetProperty("max_norm").GetDouble());
        for (int i = 0; i < clipped.Length; i++)
            Same(golden, clipped[i], golden.Outputs[i], $"gradient {i}");
        // MLX's norm of bfloat16 gradients is a bfloat16, ours is not rounded.
        Assert.Equal(DType.Float32, norm.DType);
        Assert.Null(GoldenValues.Difference(
            [norm.Item<float>()], golden.Outputs[2].Doubles(), golden.Tolerance("rtol"), golden.Tolerance("atol")));
    }

    private static void Same(GoldenCase golden, MlxArray got, GoldenTensor want, string what)
    {
        string? difference = GoldenValues.Difference(
            new GoldenTensor((mlx_dtype)got.DType, got.Shape, got.ToBytes()), want, golden.Tolerance("rtol"),
            golden.Tolerance("atol"));
        Assert.True(difference is null, $"{golden.Name}, {what}: {difference}");
    }

    private static MlxArray Array(GoldenTensor tensor) =>
        MlxArray.FromBytes(tensor.Bytes.Span, (DType)tensor.Type, tensor.Shape);

    private static Dictionary<string, GoldenCase> Load()
    {
        JsonElement manifest = GoldenArrays.Json("optim/manifest.json");
        var tensors = new GoldenTensors([Fixtures.Path("optim/optim.safetensors")]);
        return manifest.GetProperty("cases").EnumerateArray()
            .Select(record => new GoldenCase(tensors, record))
                .ToDictionary(golden => golden.Name, StringComparer.Ordinal);
    }
}
