using System.Text.Json;
using ElmMlx.Generation;
using ElmMlx.OpenElm;
using ElmMlx.Text;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>The demo's model tells CoreNet's stories, token by token.</summary>
public sealed class DemoTests
{
    private static readonly JsonElement Expected =
        JsonDocument.Parse(File.ReadAllBytes(Fixtures.Demo("expected.json"))).RootElement;

    [Fact]
    public void Logits_equal_corenet()
    {
        using var scope = new ArrayScope();
        using SafetensorsFile expected = SafetensorsFile.Open(Fixtures.Demo("expected.safetensors"));
        using OpenElmModel model = Load();
        GoldenArrays.Close(
            expected.Doubles("logits"), model.Forward(expected.IdArray("input_ids")).Floats(), 1e-4, "logits");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Greedy_story_equals_corenet(int index)
    {
        JsonElement story = Expected.GetProperty("greedy")[index];
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Demo("tokenizer.model"));
        using OpenElmModel model = Load();
        var generator = new Generator(model, tokenizer);
        Assert.Equal(
            story.GetProperty("prompt_ids").Ints(), generator.Encode(story.GetProperty("prompt").GetString()!));

        // The padding id, 2048, bounds the candidates without being told.
        GenerationStep[] steps = [.. generator.Generate(
            story.GetProperty("prompt").GetString()!, new GenerationOptions { MaxTokens = 160 })];
        int[] expected = story.GetProperty("greedy_ids").Ints();
        Assert.Equal(expected, steps.Select(step => step.Token).Take(expected.Length));
        Assert.NotNull(steps[^1].FinishReason);
    }

    [Fact]
    public void Likelihood_of_unseen_stories_equals_corenet()
    {
        JsonElement heldOut = Expected.GetProperty("heldout_stories");
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Demo("tokenizer.model"));
        using OpenElmModel model = Load();
        double sum = 0;
        int tokens = 0;
        foreach (string story in File.ReadAllText(
            Fixtures.Demo("stories.txt")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var scope = new ArrayScope();
            int[] ids = tokenizer.Encode(story, new EncodeOptions { AddBos = true, AddEos = true });
            MlxArray logits = model.Forward(MlxArray.From<int>(ids.AsSpan(0, ids.Length - 1), 1, ids.Length - 1));
            MlxArray chosen =
                logits.TakeAlongAxis(MlxArray.From<int>(ids.AsSpan(1), 1, ids.Length - 1, 1), -1).Squeeze(-1);
            sum += (logits.LogSumExp(-1) - chosen).Sum().Item<float>();
            tokens += ids.Length - 1;
        }
        Assert.Equal(heldOut.GetProperty("tokens").GetInt32(), tokens);
        Assert.Equal(heldOut.GetProperty("mean_nll").GetDouble(), sum / tokens, 1e-5);
    }

    private static OpenElmModel Load() =>
        CoreNetModels.Load(Fixtures.Demo("openelm-demo.pt"), Fixtures.Demo("architecture.json"));
}
