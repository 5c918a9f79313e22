using System.Text.Json;
using ElmMlx.Generation;
using ElmMlx.OpenElm;
using ElmMlx.Text;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>The loop from prompt to text.</summary>
public sealed class GenerationTests
{
    private static readonly JsonElement Numbers = GoldenArrays.Json("mlx-lm/expected.json");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Sampled_tokens_equal_mlx_lm(int prompt)
    {
        JsonElement expected = Numbers.GetProperty("generate_sampled_seed7");
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        GenerationOptions options = SamplerTests.Options(expected) with { MaxTokens = 40, Seed = 7, EosIds = [] };
        Assert.Equal(expected.GetProperty("ids")[prompt].Ints(), Tokens(model, Prompt(prompt), options));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    public void Prompt_in_chunks_gives_the_same_tokens(int chunk)
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        var options = new GenerationOptions { MaxTokens = 20, EosIds = [], PrefillStepSize = chunk };
        Assert.Equal(
            Tokens(model, Prompt(1), options with { PrefillStepSize = 2048 }), Tokens(model, Prompt(1), options));
    }

    [Fact]
    public void Cache_goes_on_where_it_was_left()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        using PromptCache cache = PromptCache.For(model.Config);
        var options = new GenerationOptions { MaxTokens = 8, EosIds = [] };
        int[] whole = Tokens(model, Prompt(1), options with { MaxTokens = 16 });
        int[] first = [.. new Generator(model).Generate(Prompt(1), options, cache).Select(step => step.Token)];
        // The last token was not fed back.
        Assert.Equal(17 + 7, cache.Offset);
        int[] second = [.. new Generator(model).Generate([first[^1]], options, cache).Select(step => step.Token)];
        Assert.Equal(whole, first.Concat(second));
    }

    [Fact]
    public void Generation_ends_at_an_end_token_and_says_so()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        int[] whole = Tokens(model, Prompt(0), new GenerationOptions { MaxTokens = 40, EosIds = [] });
        var generator = new Generator(model);
        GenerationStep[] steps =
            [.. generator.Generate(Prompt(0), new GenerationOptions { MaxTokens = 40, EosIds = [whole[4]] })];
        Assert.Equal(whole[..5], steps.Select(step => step.Token));
        Assert.Equal(FinishReason.Stop, steps[^1].FinishReason);
        Assert.All(steps[..^1], step => Assert.Null(step.FinishReason));
        Assert.Equal(5, generator.Statistics.GeneratedTokens);
        Assert.Equal(5, generator.Statistics.PromptTokens);

        steps = [.. generator.Generate(Prompt(0), new GenerationOptions { MaxTokens = 3, EosIds = [] })];
        Assert.Equal(FinishReason.Length, steps[^1].FinishReason);
        Assert.Equal(3, steps.Length);
    }

    [Fact]
    public void Text_streams_and_stops_before_a_stop_text()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        Tokenizer tokenizer = Tokenizer.Load(Fixtures.Path("mlx-lm/micro"));
        var generator = new Generator(model, tokenizer);
        var options = new GenerationOptions { MaxTokens = 30, EosIds = [] };
        string whole = string.Concat(generator.Generate(Prompt(1), options).Select(step => step.Text));
        // mlx-lm's stream leaves out a space at the beginning.
        Assert.Equal(tokenizer.Decode(Tokens(model, Prompt(1), options)).TrimStart(' '), whole.TrimStart(' '));

        string stop = whole[6..9];
        GenerationStep[] steps = [.. generator.Generate(Prompt(1), options with { Stop = [stop, "never"] })];
        Assert.Equal(
            whole[..whole.IndexOf(stop, StringComparison.Ordinal)], string.Concat(steps.Select(step => step.Text)));
        Assert.Equal(FinishReason.Stop, steps[^1].FinishReason);
    }

    [Fact]
    public async Task Steps_through_another_thread_are_the_same()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        var options = new GenerationOptions { MaxTokens = 12, EosIds = [] };
        var tokens = new List<int>();
        await foreach (GenerationStep step in new Generator(model).GenerateAsync(Prompt(2), options))
        {
            Assert.Null(step.LogProbs);
            tokens.Add(step.Token);
        }
        Assert.Equal(Tokens(model, Prompt(2), options), tokens);
    }

    [Fact]
    public async Task Cancelled_generation_ends_with_an_exception()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        using var cancellation = new CancellationTokenSource();
        var options = new GenerationOptions { MaxTokens = -1, EosIds = [] };
        int count = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (
                GenerationStep step in new Generator(model).GenerateAsync(
                    Prompt(2), options, cancellation: cancellation.Token))
                if (++count == 5)
                    await cancellation.CancelAsync();
        });
        Assert.InRange(count, 5, 200);
    }

    [Fact]
    public void Candidates_below_a_limit_are_chosen_only()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        var options = new GenerationOptions { MaxTokens = 40, EosIds = [], CandidateCount = 100 };
        foreach (GenerationStep step in new Generator(model).Generate(Prompt(0), options))
        {
            Assert.InRange(step.Token, 0, 99);
            Assert.Equal([100], step.LogProbs!.Shape);
        }
    }

    [Fact]
    public void Prompt_that_cannot_be_is_refused()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        Assert.Throws<ArgumentException>(() => new Generator(model).Generate(Array.Empty<int>()));
        Assert.Contains("320", Assert.Throws<ArgumentException>(() => new Generator(model).Generate([320])).Message,
            StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => new Generator(model).Generate("text"));
    }

    private static int[] Prompt(int index) => Numbers.GetProperty("prompts")[index].Ints();

    private static int[] Tokens(OpenElmModel model, int[] prompt, GenerationOptions options) =>
        [.. new Generator(model).Generate(prompt, options).Select(step => step.Token)];
}
