using System.Diagnostics;
using System.Text.Json;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>The command line: results on standard output, one sentence for a mistake, exit codes 0, 1, 2.</summary>
public sealed class ElmCommandTests(DemoFolder demo) : IClassFixture<DemoFolder>
{
    private static readonly JsonElement Story = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Demo("expected.json")))
        .RootElement.GetProperty("greedy")[0];

    // {model}: the demo's folder; {out}: a folder to write to; {mlx-lm}: the fixtures of that name
    public static TheoryData<string, int, string> Mistakes => new()
    {
        { "", 2, "elm: Required command was not provided." },
        { "sing", 2, "elm: Unrecognized command or argument 'sing'." },
        { "generate", 2, "elm generate: Option '--model' is required." },
        { "generate --model {model} --temp -1", 2, "elm generate: --temp is -1; it must be 0 or more." },
        { "generate --model {model} --top-p 2 --max-tokens x", 2,
            "elm generate: --max-tokens is x; it must be a whole number." },
        { "generate --model {model} --kv-bits 7", 2, "elm generate: --kv-bits is 7; it must be 2, 3, 4, 5, 6 or 8." },
        { "generate --model {model} --kv-bits 4 --max-kv-size 16", 2, "leave out either --max-kv-size or --kv-bits." },
        { "generate --model {model} --logit-bias 5=high", 2,
            "--logit-bias is 5=high; it must be a token id and a number, as in 42=-5." },
        { "generate --model {model} --logit-bias 5000=1 --prompt a", 1, "--logit-bias names the token 5000" },
        { "generate --model {model} --dtype int8", 2,
            "--dtype is int8; it must be one of float16, bfloat16, float32." },
        { "generate --model {out}/none --prompt a", 1, "convert a checkpoint with mlx-convert first." },
        { "generate --model {mlx-lm}/micro-kv --prompt a", 1, "has no tokenizer" },
        { "generate --model {model} --prompt-cache-file {out}/none", 1,
            "there is no such file; --save-prompt-cache makes one." },
        { "generate --model {model} --adapter-path {mlx-lm}/adapters/lora --prompt a", 1, "adapters.safetensors" },
        { "logits --model {model} --tokens @{out}/none --output {out}/l.safetensors", 1, "there is no file" },
        { "logits --model {model} --tokens 1,9999 --output {out}/l.safetensors", 1,
            "--tokens has 9999; the model's tokens go from 0 to 2175." },
        { "logits --model {model} --tokens 1 --output {out}/none/l.safetensors", 1, "make it first." },
        { "tokenize --model {model}", 2, "give either --text TEXT or --decode IDS." },
        { "tokenize --model {model} --decode 1,x", 1, "--decode: 'x' is no token id" },
        { "benchmark --config OpenELM-7B", 2, "--config is OpenELM-7B; it must be one of OpenELM-270M" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Mistake_ends_in_one_sentence(string line, int code, string sentence)
    {
        CommandProcess.Result result = CommandProcess.Elm("", Split(line));
        Assert.True(code == result.ExitCode, result.ToString());
        string[] lines = result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains(lines, said => said.Contains(sentence, StringComparison.Ordinal));
        Assert.DoesNotContain(lines, said => said.TrimStart().StartsWith("at ", StringComparison.Ordinal));
        Assert.InRange(lines.Length, 1, code == 2 ? 3 : 1);        // usage: also where to read on
        Assert.Empty(result.Output);
    }

    public static TheoryData<string, string, string> Answers => new()
    {
        { "tokenize --model {model} --text Once --json", "", "{\"ids\":[1,622],\"pieces\":[\"<s>\",\"▁Once\"]}\n" },
        { "tokenize --model {model}/tokenizer.model --text - --no-special-tokens", "a\nb",
            "    262  ▁a\n     13  <0x0A>\n   1888  b\n" },
        { "tokenize --model {model} --decode 1 622, 623", "", "Once upon\n" },
        { "generate --model {model} --prompt - --max-tokens 3 --quiet", "Once", "upon a time\n" },
        { "generate --model {model} --prompt @Once --max-tokens 0 --quiet", "", "\n" },
        { "generate --model {model} --prompt Once --stop ime --quiet", "", "upon a t\n" },
        { "generate --model {model} --prompt Once --max-tokens 2 --logit-bias 300=1000 --logit-bias 301=-inf --quiet",
            "", "itit\n" },
        { "generate --model {model} --prompt Once --extra-eos-token ▁time --quiet", "", "upon a\n" },
        { "[suggest:13] generate|--kv", "", "--kv-bits\n--kv-group-size\n" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void Answer_goes_to_standard_output(string line, string input, string expected)
    {
        CommandProcess.Result result = CommandProcess.Elm(input, Split(line));
        Assert.Equal((0, expected, ""), (result.ExitCode, result.Output, result.Errors));
    }

    [Theory]
    [InlineData("--help", "elm benchmark --config OpenELM-270M --dtype bfloat16")]
    [InlineData("generate --help", "| elm generate --model openelm-270m --prompt - --json")]
    [InlineData("info", "provider ")]
    [InlineData("info --model {model}", "parameters 2,743,104")]
    public void Answer_contains(string line, string part)
    {
        CommandProcess.Result result = CommandProcess.Elm("", Split(line));
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains(part, result.Output);
    }

    [Fact]
    public void Greedy_story_equals_corenet()
    {
        CommandProcess.Result result = CommandProcess.Elm(
            "", "generate", "--model", demo.Model, "--prompt", Story.GetProperty("prompt").GetString()!,
            "--max-tokens", "160", "--dtype", "float32");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Equal(Story.GetProperty("text").GetString(), result.Output.Trim());
        Assert.Matches(
            @"^Prompt: 13 tokens, \d+\.\d{3} tokens-per-sec\n" +
            @"Generation: 130 tokens, \d+\.\d{3} tokens-per-sec\n" +
            @"Peak memory: \d+\.\d{3} GB\n$",
            result.Errors);
    }

    [Fact]
    public void Json_has_a_line_a_token_and_a_summary()
    {
        CommandProcess.Result result = CommandProcess.Elm(
            "", "generate", "--model", demo.Model, "--prompt", Story.GetProperty("prompt").GetString()!,
            "--max-tokens", "6", "--dtype", "float32", "--json", "--quiet");
        Assert.True(result.ExitCode == 0, result.ToString());
        JsonElement[] lines = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(
            Story.GetProperty("greedy_ids").Ints()[..6],
            lines[..^1].Select(line => line.GetProperty("token").GetInt32()));
        Assert.All(lines[..^1], line => Assert.InRange(line.GetProperty("logprob").GetDouble(), -10, 0));
        Assert.Equal(
            lines[^1].GetProperty("text").GetString(),
            string.Concat(lines[..^1].Select(line => line.GetProperty("text").GetString())));
        Assert.Equal("length", lines[^1].GetProperty("finish_reason").GetString());
        Assert.Equal(6, lines[^1].GetProperty("generation_tokens").GetInt32());
    }

    [Fact]
    public void Logits_file_equals_corenet()
    {
        using SafetensorsFile expected = SafetensorsFile.Open(Fixtures.Demo("expected.safetensors"));
        File.WriteAllText(demo.At("ids.json"), $"[{string.Join(", ", expected.Ids("input_ids"))}]");
        string path = demo.At("logits.safetensors");
        CommandProcess.Result result = CommandProcess.Elm(
            "", "logits", "--model", demo.Model, "--tokens", "@" + demo.At("ids.json"), "--output", path, "--dtype",
            "float32");
        Assert.True(result.ExitCode == 0, result.ToString());
        using SafetensorsFile actual = SafetensorsFile.Open(path);
        Assert.Equal(expected["logits"].Shape, actual["logits"].Shape);
        float[] logits = [.. actual.Doubles("logits").Select(value => (float)value)];
        GoldenArrays.Close(expected.Doubles("logits"), logits, 1e-4, "logits");
    }

    [Fact]
    public void Saved_prompt_cache_goes_on_where_it_ended()
    {
        string cache = demo.At("cache.safetensors");
        string[] start = ["generate", "--model", demo.Model, "--dtype", "float32", "--quiet", "--max-tokens"];
        string whole = CommandProcess.Elm("", [.. start, "8", "--prompt", "Once upon a time"]).Output;
        // one token fewer is fed back than is printed: the last one is part of what comes next
        CommandProcess.Result first = CommandProcess.Elm(
            "", [.. start, "1", "--prompt", "Once upon a", "--save-prompt-cache", cache]);
        Assert.Equal((0, "time\n", ""), (first.ExitCode, first.Output, first.Errors));
        CommandProcess.Result second = CommandProcess.Elm(
            "", [.. start, "8", "--prompt", "time", "--prompt-cache-file", cache]);
        Assert.Equal((0, whole, ""), (second.ExitCode, second.Output, second.Errors));
    }

    [Fact]
    public void Prompt_beyond_the_context_warns_and_goes_on()
    {
        CommandProcess.Result result = CommandProcess.Elm(
            string.Concat(Enumerable.Repeat("Once upon a time there was a mole. ", 40)),
            "generate", "--model", demo.Model, "--prompt", "-", "--max-tokens", "2", "--quiet");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("and the model was trained with 256: text beyond that gets worse.", result.Errors);
        Assert.NotEqual("", result.Output.Trim());
    }

    [Fact]
    public async Task Closed_pipe_ends_generation()
    {
        using Process process = CommandProcess.StartElm(
            "generate", "--model", demo.Model, "--prompt", "Once", "--max-tokens", "-1",
            "--logit-bias", "2=-inf", "--quiet");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Assert.Equal('u', process.StandardOutput.Read());
        process.StandardOutput.Close();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(1)), "elm works on although nobody reads");
        Assert.Equal("", await errors);
    }

    [Fact]
    public async Task Interrupt_keeps_the_text_and_prints_statistics()
    {
        if (OperatingSystem.IsWindows())
            return;     // a process cannot send Ctrl-C to another one there
        using Process process = CommandProcess.StartElm(
            "generate", "--model", demo.Model, "--prompt", "Once", "--max-tokens", "-1", "--logit-bias", "2=-inf");
        Assert.Equal('u', process.StandardOutput.Read());
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using (Process kill = Process.Start("kill", ["-INT", $"{process.Id}"]))
            kill.WaitForExit();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(1)), "elm goes on after an interrupt");
        Assert.Equal(130, process.ExitCode);
        Assert.StartsWith("pon", await output);
        Assert.Matches(@"^Prompt: 2 tokens, .*\nGeneration: \d+ tokens, .*\nPeak memory: .*\n$", await errors);
    }

    // | stands for a space within an argument.
    private string[] Split(string line) => [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(part => part.Replace('|', ' ')
            .Replace("{model}", demo.Model, StringComparison.Ordinal)
            .Replace("{out}", demo.At(""), StringComparison.Ordinal)
            .Replace("{mlx-lm}", Fixtures.Path("mlx-lm"), StringComparison.Ordinal))];
}
