using System.Text.Json;
using Xunit;

namespace ElmMlx.Tests;

/// <summary><c>elm evaluate</c> as a person runs it.</summary>
public sealed class EvaluateCommandTests(DemoFolder demo) : IClassFixture<DemoFolder>
{
    [Fact]
    public void Everything_at_once_is_one_object()
    {
        string task = demo.At("task.jsonl");
        File.WriteAllLines(task, EvaluationTests.Questions().Take(4).Select(item => JsonSerializer.Serialize(
            new { context = item.Context, choices = item.Choices, answer = item.Answer })));
        CommandProcess.Result run = Evaluate(
            "--data", Path.GetDirectoryName(Fixtures.Demo("about/test.jsonl"))!, "--exact-match", "--task", task,
            "--limit", "3", "--json");
        Assert.True(run.ExitCode == 0, run.ToString());
        JsonElement result = JsonDocument.Parse(run.Output).RootElement;
        double loss = result.GetProperty("loss").GetDouble();
        Assert.InRange(loss, 0.1, 5);
        Assert.Equal(Math.Exp(loss), result.GetProperty("perplexity").GetDouble(), 1e-9);
        // nothing of the demo's training asks questions
        Assert.Equal(0, result.GetProperty("exact_match").GetDouble());
        Assert.InRange(result.GetProperty("accuracy").GetDouble(), 0, 1);
        Assert.Equal(3, result.GetProperty("items").GetInt32());
        Assert.Equal(3, result.GetProperty("task_items").GetInt32());
    }

    [Fact]
    public void Masked_prompts_are_not_measured()
    {
        string data = Directory.CreateDirectory(demo.At("data")).FullName;
        File.WriteAllLines(Path.Combine(data, "test.jsonl"), File.ReadLines(Fixtures.Demo("about/test.jsonl")).Take(4));
        long whole = Tokens(
            Evaluate("--data", data, "--json")), masked = Tokens(Evaluate("--data", data, "--mask-prompt", "--json"));
        Assert.InRange(masked, 4, whole / 10);
        CommandProcess.Result said = Evaluate("--data", data);
        Assert.Matches(@"Test loss \d\.\d{3}, test ppl \d+\.\d{3} ± \d+\.\d{3} \(\d+ tokens of 4 rows\)", said.Output);
    }

    [Fact]
    public void Mistakes_end_in_one_sentence()
    {
        CommandProcess.Result nothing = Evaluate();
        Assert.Equal(2, nothing.ExitCode);
        Assert.Contains("give --data DIR, --task FILE.jsonl or both.", nothing.Errors);
        Assert.Equal(2, Evaluate("--task", "t.jsonl", "--exact-match").ExitCode);
        Refused("There is no data file", Evaluate("--task", demo.At("none.jsonl")));
        Refused("There is no data folder", Evaluate("--data", demo.At("none")));
        string texts = Directory.CreateDirectory(demo.At("texts")).FullName;
        File.WriteAllText(Path.Combine(texts, "test.jsonl"), "{\"text\": \"Once upon a time\"}\n");
        Refused("line 1: the record has no 'prompt' and 'completion', which an exact match needs",
            Evaluate("--data", texts, "--exact-match"));
    }

    private static void Refused(string sentence, CommandProcess.Result result)
    {
        Assert.True(result.ExitCode == 1, result.ToString());
        Assert.Contains(sentence, Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    private static long Tokens(CommandProcess.Result result) =>
        JsonDocument.Parse(result.Output).RootElement.GetProperty("tokens").GetInt64();

    private CommandProcess.Result Evaluate(params string[] options) =>
        CommandProcess.Elm("", ["evaluate", "--model", demo.Model, .. options]);
}
