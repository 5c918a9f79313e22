using System.Text.Json;
using ElmMlx.Optimizers;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace ElmMlx.Tests;

/// <summary>
/// mlx-lm's and CoreNet's learning rates by step; MLX's own schedules are in <see cref="OptimizerReplayTests"/>.
/// </summary>
public sealed class ScheduleTests
{
    public static TheoryData<string> CoreNetNames() =>
        [.. GoldenArrays.Json("pretrain/schedules.json").EnumerateObject().Select(entry => entry.Name)];

    [Theory]
    [MemberData(nameof(CoreNetNames))]
    public void Schedule_equals_corenet(string name)
    {
        JsonElement record = GoldenArrays.Json("pretrain/schedules.json").GetProperty(name);
        JsonElement settings = record.GetProperty("settings");
        JsonElement multipliers = settings.GetProperty("lr_multipliers");
        bool isList = multipliers.ValueKind == JsonValueKind.Array;
        double[] factors = isList ? Numbers(multipliers) : [1];
        long[] iterations = [.. record.GetProperty("iterations").EnumerateArray().Select(i => i.GetInt64())];
        double[] wanted = Numbers(record.GetProperty("get_lr"));
        JsonElement[] rounded = [.. record.GetProperty("learning_rate").EnumerateArray()];
        for (int k = 0; k < factors.Length; k++)
        {
            CoreNetSchedule schedule = CoreNet(settings, factors[k]);
            Schedule again = Schedule.FromJson(schedule.ToJson());
            for (int i = 0; i < iterations.Length; i++)
            {
                Assert.Equal(wanted[i], schedule.Unrounded(iterations[i]), 1e-12 * wanted[i]);
                double want = isList ? rounded[i][k].GetDouble() : rounded[i].GetDouble();
                double got = schedule.At(iterations[i]);
                // Where the exact rate lies between two, the last digit may fall either way; nowhere else.
                bool isTie = Math.Abs(wanted[i] * factors[k] * 1e8 % 1 - 0.5) < 1e-6;
                Assert.True(got == want
                    || (isTie && Math.Abs(got - want) < 1.01e-8), $"{name} {iterations[i]}: {got} for {want}");
                Assert.Equal(got, again.At(iterations[i]));
            }
        }
    }

    [Theory]
    [InlineData(1 / 512.0, 0.00195312)] // 0.001953125: ties go to the even digit
    [InlineData(3 / 512.0, 0.00585938)] // 0.005859375
    [InlineData(0.000000005, 1e-8)]     // the double lies above the decimal
    [InlineData(0.000000015, 1e-8)]     // and here below
    [InlineData(1e-9, 0)]
    [InlineData(0.1, 0.1)]
    public void CoreNets_rates_are_rounded_like_python_rounds(double rate, double rounded) =>
        Assert.Equal(rounded, new CoreNetSchedule(CoreNetScheduleKind.Fixed, 10, rate).At(3));

    [Fact]
    public void Lr_schedule_equals_mlx_lm()
    {
        JsonElement schedules = GoldenArrays.Json("train/traces.json").GetProperty("schedules");
        Assert.Equal(5, schedules.EnumerateObject().Count());
        foreach (JsonProperty entry in schedules.EnumerateObject())
        {
            double[] wanted = Numbers(entry.Value.GetProperty("lr_of_update"));
            JsonElement config = entry.Value.GetProperty("config");
            Schedule schedule = Schedule.FromDescription(config);
            Schedule fromYaml = Schedule.FromDescription(Yaml(config.GetRawText()));
            Schedule again = Schedule.FromDescription(Yaml(schedule.ToJson()));
            for (int i = 0; i < wanted.Length; i++)
            {
                Assert.Equal(wanted[i], schedule.At(i), 1e-8 + 1e-5 * wanted[i]);
                Assert.Equal(schedule.At(i), fromYaml.At(i));
                Assert.Equal(schedule.At(i), again.At(i));
            }
        }
    }

    [Fact]
    public void Number_is_a_rate_that_stays()
    {
        Schedule schedule = 1e-5f;
        Assert.Equal(1e-5f, schedule.At(0));
        Assert.Equal(1e-5f, Schedule.FromJson(schedule.ToJson()).At(1_000_000));
        Assert.Equal(3e-4, Schedule.FromDescription("3e-4").At(7));
    }

    [Theory]
    [InlineData("""{"name": "cosine"}""", "join_schedules")]
    [InlineData("""{"arguments": [1e-3]}""", "has no name")]
    [InlineData("""[1]""", "a number or a mapping")]
    [InlineData("""{"name": "cosine_decay", "init": 1e-3}""", "needs decay_steps")]
    [InlineData(
        """{"name": "cosine_decay", "init": 1e-3, "decay_steps": 2.5}""", "decay_steps is 2.5, not a whole number")]
    [InlineData("""{"name": "cosine_decay", "init": 1e-3, "decay_steps": 0}""", "decay_steps is 0")]
    [InlineData("""{"name": "cosine_decay", "init": -1, "decay_steps": 9}""", "init is -1")]
    [InlineData("""{"name": "cosine_decay", "init": "fast", "decay_steps": 9}""", "init is 'fast', not a number")]
    [InlineData("""{"name": "cosine_decay", "init": 1, "decay_steps": 9, "warmup": 3}""", "no option 'warmup': it " +
        "knows init, decay_steps, end")]
    [InlineData("""{"name": "cosine_decay", "arguments": [1, 2, 3, 4]}""", "4 arguments")]
    [InlineData("""{"name": "cosine_decay", "arguments": [1, 9], "warm_up": 3}""", "no option 'warm_up': it knows " +
        "arguments, warmup, warmup_init")]
    [InlineData("""{"name": "linear_schedule", "init": 1, "end": 0, "steps": 0}""", "steps is 0")]
    [InlineData("""{"name": "step_decay", "init": 1, "decay_rate": 0.5, "step_size": 0}""", "step_size is 0")]
    [InlineData("""{"name": "join_schedules", "schedules": [1, 2], "boundaries": []}""",
        "2 joined schedules with 0 boundaries")]
    [InlineData("""{"name": "join_schedules", "schedules": [1, 2, 3], "boundaries": [5, 4]}""", "boundaries are 5, 4")]
    [InlineData("""{"name": "corenet", "kind": "linear", "max_iterations": 9, "peak": 1}""", "'linear': use cosine")]
    [InlineData("""{"name": "corenet", "kind": "cosine", "max_iterations": 9, "warmup_iterations": 10, "peak": 1}""",
        "has no length")]
    public void Wrong_description_is_refused(string json, string part) =>
        Assert.Contains(
            part, Assert.Throws<ArgumentException>(() => Schedule.FromJson(json)).Message, StringComparison.Ordinal);

    private static CoreNetSchedule CoreNet(JsonElement settings, double multiplier)
    {
        double? Number(string name) =>
            settings.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
                ? value.GetDouble()
                : null;
        (CoreNetScheduleKind kind, string peak, string final) = settings.GetProperty("name").GetString() switch
        {
            "cosine" => (CoreNetScheduleKind.Cosine, "cosine.max_lr", "cosine.min_lr"),
            "polynomial" => (CoreNetScheduleKind.Polynomial, "polynomial.start_lr", "polynomial.end_lr"),
            _ => (CoreNetScheduleKind.Fixed, "fixed.lr", "none"),
        };
        return new CoreNetSchedule(
            kind, (long)Number("max_iterations")!, Number(peak)!.Value, Number(final) ?? 0,
            (long)(Number("warmup_iterations") ?? 0), Number("warmup_init_lr")!.Value, Number("polynomial.power") ?? 1,
            multiplier);
    }

    private static YamlNode Yaml(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return stream.Documents[0].RootNode;
    }

    private static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetDouble())];
}
