using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// <c>elm benchmark</c> on the demo's shape: every figure is there with its spread, next to limits. No figure is
/// compared with a time.
/// </summary>
public sealed class BenchmarkCommandTests(DemoFolder demo) : IClassFixture<DemoFolder>
{
    private static readonly string[] Limits =
    [
        "read_bytes_per_second", "read_bytes_per_second_1_thread", "fma_flops_per_second",
        "fma_flops_per_second_1_thread", "threads",
    ];

    // {config}: the demo's config.json, so weights are random; {model}: its folder
    public static TheoryData<string, string[]> Measurements => new()
    {
        {
            "--config {config} --prompt 16 --generate 4 --cache 8",
            ["prefill_tokens_per_second", "first_token_seconds", "decode_tokens_per_second", "peak_memory_bytes"]
        },
        {
            "--config {config} --prompt 8 --generate 6 --quantize 4 --int8-activations",
            ["decode_tokens_per_second", "int8_logits_relative_error"]
        },
        { "--config {config} --generate 3 --quantize 4 --graph-only", ["graph_seconds_per_token"] },
        { "--config {config} --load", ["load_seconds", "load_to_first_token_seconds"] },
        { "--load {model}", ["load_seconds", "load_to_first_token_seconds"] },
        { "--config {config} --quantize 8 --convert", ["convert_seconds", "convert_bytes_per_second"] },
        {
            "--config {config} --train lora --batch-size 2 --length 8 --rank 2",
            ["step_seconds", "train_tokens_per_second", "train_flops_per_second", "trained_parameters"]
        },
        { "--config {config} --train full --length 8", ["step_seconds", "train_flops_per_second"] },
    };

    [Theory]
    [MemberData(nameof(Measurements))]
    public void Json_has_figures_spread_and_limits(string line, string[] figures)
    {
        string temporary = Directory.CreateDirectory(demo.At("temporary")).FullName;
        CommandProcess.Result result = CommandProcess.ElmWithTemporary(
            temporary, ["benchmark", .. Split(line), "--trials", "2", "--json"]);
        if (line.Contains("--int8-activations", StringComparison.Ordinal) && !TestProvider.IsCpu)
        {
            Assert.Contains("--int8-activations is of the CPU provider, and libmlxc computes here", result.Errors);
            return;
        }

        Assert.True(result.ExitCode == 0 && result.Errors == "", result.ToString());
        JsonElement json = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal("OpenELM-demo", json.GetProperty("model").GetString());
        foreach (string name in (string[])[.. figures, .. Limits])
            Assert.True(Number(json, name) > 0, name);
        Assert.True(Number(json, "int8_ops_per_second") >= 0);
        foreach (JsonProperty least in json.EnumerateObject()
            .Where(field => field.Name.EndsWith("_min", StringComparison.Ordinal)))
        {
            string name = least.Name[..^"_min".Length];
            Assert.InRange(Number(json, name), least.Value.GetDouble(), Number(json, name + "_max"));
        }

        Assert.Empty(Directory.GetFileSystemEntries(temporary, "elm-benchmark-*"));
    }

    [Fact]
    public void Share_is_what_the_limits_say()
    {
        JsonElement json = Run("--config {config} --prompt 16 --generate 4");
        double share = Number(json, "decode_tokens_per_second") * Number(json, "weight_bytes")
            / Number(json, "read_bytes_per_second");
        Assert.Equal(share, Number(json, "decode_tokens_per_second_share_of_limit"), 0.05 * share);  // + keys, values
    }

    [Fact]
    public void Graphs_are_not_evaluated()
    {
        // Keys and values of all layers take 74 KB a token of these four, as soon as one is evaluated.
        JsonElement json = Run("--config {config} --graph-only --generate 4");
        Assert.InRange(Number(json, "graph_array_bytes_per_token"), 0, 8000);
        Assert.True(Number(json, "graph_managed_bytes_per_token") >= 0);
    }

    [Fact]
    public void Lora_step_of_512_tokens_counts_553_gigaflop()
    {
        JsonElement json = Run("--config OpenELM-270M --train lora --length 2 --rank 8");
        double perToken = Number(json, "train_flops_per_second") / Number(json, "train_tokens_per_second");
        Assert.Equal(553e9, 512 * perToken, 0.01 * 553e9);
    }

    [Fact]
    public async Task Sweep_keeps_what_it_has_printed_when_it_is_interrupted()
    {
        if (OperatingSystem.IsWindows())
            return;     // a process cannot send Ctrl-C to another one there
        using Process process = CommandProcess.StartElm(
            ["benchmark", "--all", .. Split("--config {config} --prompt 4 --generate 2 --trials 1 --json")]);
        JsonElement first = JsonDocument.Parse((await process.StandardOutput.ReadLineAsync())!).RootElement;
        using (Process kill = Process.Start("kill", ["-INT", $"{process.Id}"]))
            kill.WaitForExit();
        string rest = await process.StandardOutput.ReadToEndAsync();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(1)), "elm goes on after an interrupt");
        Assert.Equal(130, process.ExitCode);
        Assert.Equal("float32", first.GetProperty("weights").GetString());
        Assert.True(Number(first, "decode_tokens_per_second") > 0);
        Assert.All(rest.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => JsonDocument.Parse(line));
    }

    [Fact]
    public void Table_has_a_row_a_figure_with_its_share()
    {
        CommandProcess.Result result = CommandProcess.Elm(
            "", ["benchmark", .. Split("--config {config} --prompt 8 --generate 2 --trials 2")]);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Matches(@"(?m)^read +[\d.]+ GB/s with 1 thread, +[\d.]+ GB/s with \d+$", result.Output);
        Assert.Matches(
            @"(?m)^OpenELM-demo +bfloat16 +decode, 2 tokens, 0 cached +[\d.]+ tok/s +" +
            @"[\d.]+ – [\d.]+ +\d+ % of [\d.]+ GB/s$",
            result.Output);
    }

    [Theory]
    [InlineData("", "give either --config NAME or --model DIR.")]
    [InlineData("--config OpenELM-270M --model {model}", "give either --config NAME or --model DIR.")]
    [InlineData("--config OpenELM-270M --cache -1", "--cache is -1; it must be 0 or more.")]
    [InlineData("--config OpenELM-270M --train lora --load", "--load and --train are different measurements")]
    [InlineData("--all --quantize 4", "--all measures random weights in all formats")]
    [InlineData("--config OpenELM-270M --train sideways", "sideways")]
    public void Wrong_usage_is_explained(string line, string sentence)
    {
        CommandProcess.Result result = CommandProcess.Elm("", ["benchmark", .. Split(line)]);
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains(sentence, result.Errors);
        Assert.Empty(result.Output);
    }

    private JsonElement Run(string line)
    {
        CommandProcess.Result result = CommandProcess.Elm("", ["benchmark", .. Split(line), "--trials", "1", "--json"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        return JsonDocument.Parse(result.Output).RootElement;
    }

    private static double Number(JsonElement json, string name) => json.GetProperty(name).GetDouble();

    private string[] Split(string line) => [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(part => part
            .Replace("{config}", Path.Combine(demo.Model, "config.json"), StringComparison.Ordinal)
            .Replace("{model}", demo.Model, StringComparison.Ordinal))];
}
