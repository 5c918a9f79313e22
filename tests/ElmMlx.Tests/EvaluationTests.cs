using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Evaluation;
using ElmMlx.Generation;
using ElmMlx.OpenElm;
using ElmMlx.Text;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Perplexity, likelihoods, exact answers and choices, against mlx-lm and against naive twins.</summary>
public sealed class EvaluationTests
{
    private static readonly SafetensorsFile Tensors = GoldenArrays.Open("train/evaluation.safetensors");
    private static readonly JsonElement Numbers = GoldenArrays.Json("train/evaluation.json");

    [Theory]
    [InlineData(8)]
    [InlineData(3)]
    [InlineData(1)]
    public void Perplexity_equals_mlx_lm(int batchSize)
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        TokenRow[] rows = [.. Tensors.Ids("ppl.data").Chunk(32).Select(row => TokenRow.From(row))];
        Perplexity measured = Perplexity.Measure(model, rows, new EvaluationOptions { BatchSize = batchSize });
        JsonElement expected = Numbers.GetProperty("perplexity")[0];
        Assert.Equal(310, measured.Tokens);
        Assert.Equal(Tensors.Doubles("ppl.losses").Average(), measured.Loss, 1e-5);
        Assert.Equal(expected.GetProperty("perplexity").GetDouble(), measured.Value, 0.02);
        Assert.Equal(expected.GetProperty("standard_error").GetDouble(), measured.StandardError, 0.005);
    }

    [Fact]
    public void Likelihoods_equal_mlx_lm_in_any_batch()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        JsonElement[] cases = [.. Numbers.GetProperty("loglikelihood").EnumerateArray()];
        TokenRow[] rows =
        [
            .. cases.Select(one => TokenRow.From(
                [.. one.GetProperty("context").Ints(), .. one.GetProperty("continuation").Ints()],
                one.GetProperty("context").GetArrayLength())),
        ];
        foreach (int batchSize in new[] { 1, 5, 16 })
        {
            LogLikelihood[] measured =
                LogLikelihood.Measure(model, rows, new EvaluationOptions { BatchSize = batchSize });
            for (int i = 0; i < cases.Length; i++)
            {
                Assert.Equal(cases[i].GetProperty("loglikelihood").GetDouble(), measured[i].Sum, 1e-4);
                Assert.Equal(cases[i].GetProperty("is_greedy").GetBoolean(), measured[i].IsGreedy);
            }
        }
    }

    [Fact]
    public void Softmax_goes_over_the_candidates_only()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        TokenRow row = TokenRow.From([5, 9, 2, 7, 11], 3);
        double sum = LogLikelihood.Measure(model, [row], new EvaluationOptions { CandidateCount = 40 })[0].Sum;
        using var scope = new ArrayScope();
        float[] logits = model.Forward(MlxArray.From<int>([5, 9, 2, 7], 1, 4)).Floats();
        int v = logits.Length / 4;
        double expected = 0;
        foreach ((int place, int next) in new[] { (2, 7), (3, 11) })
        {
            double[] first = [.. logits[(place * v)..(place * v + 40)].Select(logit => (double)logit)];
            expected += first[next] - Math.Log(first.Sum(Math.Exp));
        }
        Assert.Equal(expected, sum, 1e-4);
    }

    [Fact]
    public void Exact_match_counts_what_greedy_decoding_says()
    {
        using OpenElmModel model =
            CoreNetModels.Load(Fixtures.Demo("openelm-demo.pt"), Fixtures.Demo("architecture.json"));
        var tokenizer = Tokenizer.Load(Fixtures.Demo("tokenizer.model"));
        const string prompt = "Once upon a time";
        string story = string.Concat(new Generator(model, tokenizer)
            .Generate(prompt, new GenerationOptions { Temperature = 0, MaxTokens = 200 }).Select(step => step.Text));
        CompletionItem[] items =
        [
            new(prompt, story), new(prompt, $"  {story.Trim()}\n"), new(prompt, story.TrimEnd()[..^1]),
            new(prompt, story + " More."),
            new(prompt, story.ToUpperInvariant()),
        ];
        Assert.Equal(new ExactMatch(2, 5), ExactMatch.Measure(model, new RowTokenizer(tokenizer), items));
    }

    [Fact]
    public void Choice_is_the_likeliest_one()
    {
        using OpenElmModel model =
            CoreNetModels.Load(Fixtures.Demo("openelm-demo.pt"), Fixtures.Demo("architecture.json"));
        var tokenizer = Tokenizer.Load(Fixtures.Demo("tokenizer.model"));
        ChoiceItem[] items = [.. Questions().Take(10)];
        int right = 0, byLength = 0;
        foreach (ChoiceItem item in items)
        {
            double[] sums = [.. item.Choices.Select(choice => Naive(model, tokenizer, item.Context, " " + choice))];
            double[] shares = [.. sums.Zip(item.Choices, (sum, choice) => sum / choice.Length)];
            right += Array.IndexOf(sums, sums.Max()) == item.Answer ? 1 : 0;
            byLength += Array.IndexOf(shares, shares.Max()) == item.Answer ? 1 : 0;
        }
        MultipleChoice measured = MultipleChoice.Measure(model, tokenizer, items);
        Assert.Equal(new MultipleChoice(right, byLength, 10), measured);
        Assert.InRange(right + byLength, 1, 19);        // else the items would tell nothing
    }

    [Theory]
    [InlineData("The cat", "sat", 0, " sat")]
    [InlineData("The cat ", "sat", 0, " sat")]
    [InlineData("The cat", "\nsat", 0, "\nsat")]
    [InlineData("The cat\n\n", "sat", 0, "\n\nsat")]
    [InlineData("", "sat", 0, "sat")]
    [InlineData("The cat was old and grey", "sat", 4, " sat")]
    public void Continuation_has_the_tokens_that_the_context_has_not(
        string context, string choice, int most, string learned)
    {
        var tokenizer = Tokenizer.Load(Fixtures.Demo("tokenizer.model"));
        TokenRow row = new ContinuationEncoder(tokenizer, most > 0 ? most : 2048).Row(context, choice);
        if (most > 0)
            Assert.Equal(most, row.Length);
        string begin = context.TrimEnd();
        int[] whole = tokenizer.Encode(begin + learned);
        int[] expected = whole[Math.Max(tokenizer.Encode(begin).Length, 1)..];
        int count = row.LearnedCount;
        Assert.Equal(expected, row.Ids[^count..].ToArray());
        Assert.All(row.Learned[^count..].ToArray(), Assert.True);
    }

    [Theory]
    [InlineData("""{"context": "q", "choices": ["a", "b"], "answer": 1}""", 1)]
    [InlineData("""{"query": "q", "choices": ["a", "b", "c"], "gold": 2}""", 2)]
    [InlineData("""{"ctx": "q", "endings": ["a", "b"], "label": "1"}""", 1)]
    [InlineData("""{"question": "q", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "B"}""", 1)]
    [InlineData("""{"question": "q", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "1"}""", 0)]
    [InlineData("""{"question": "q", "options": ["7", "1"], "answer": "1"}""", 1)]
    [InlineData("""{"question": "q", "options": ["yes", "no"], "answer": "no"}""", 1)]
    public void Task_is_read_as_public_ones_are_written(string line, int answer) =>
        WithFile(line, path => Assert.Equal(answer, Assert.Single(ChoiceItem.Load(path)).Answer));

    [Theory]
    [InlineData("""{"choices": ["a", "b"], "answer": 1}""", "line 1: the record has no 'context'")]
    [InlineData("""{"context": "q", "choices": ["a"], "answer": 0}""", "two texts or more")]
    [InlineData("""{"context": "q", "choices": ["a", " "], "answer": 0}""", "choice 1 of 'choices' is empty")]
    [InlineData("""{"context": "q", "choices": "ab", "answer": 0}""", "'choices' is a text, not a list")]
    [InlineData("""{"context": "q", "choices": ["a", "b"], "answer": 2}""", "'answer' is 2; it must be a choice's " +
        "number from 0 to 1")]
    [InlineData("""{"context": "q", "choices": ["a", "b"], "answer": null}""", "'answer' is null")]
    [InlineData("""{"context": "q", "choices": ["a", "b"]}""", "the record has no 'answer'")]
    [InlineData("""["q"]""", "line 1: the line is")]
    public void Bad_question_is_named(string line, string reason)
    {
        WithFile(line, path =>
            Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => ChoiceItem.Load(path)).Message));
        List<string> skipped = [];
        const string fine = """{"context": "q", "choices": ["a", "b"], "answer": 0}""";
        WithFile(line + "\n" + fine, path => Assert.Single(ChoiceItem.Load(path, skipped: skipped)));
        Assert.Contains(reason, Assert.Single(skipped));
    }

    /// <summary>What the demo's stories are about, with the answers of all items as choices.</summary>
    internal static IEnumerable<ChoiceItem> Questions()
    {
        JsonElement[] items =
            [.. File.ReadLines(Fixtures.Demo("about/test.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];
        string[] choices = [.. items.Select(Answer).Distinct().Order(StringComparer.Ordinal)];
        return items.Select(item =>
            new ChoiceItem(item.GetProperty("prompt").GetString()!, choices, Array.IndexOf(choices, Answer(item))));

        static string Answer(JsonElement item) => item.GetProperty("completion").GetString()!.Trim();
    }

    private static double Naive(OpenElmModel model, Tokenizer tokenizer, string context, string rest)
    {
        using var scope = new ArrayScope();
        int[] ids = tokenizer.Encode(context + rest);
        int start = tokenizer.Encode(context).Length;
        float[] logits = model.Forward(MlxArray.From<int>(ids, 1, ids.Length)).Floats();
        int v = logits.Length / ids.Length;
        double sum = 0;
        for (int i = start; i < ids.Length; i++)
        {
            float[] row = logits[((i - 1) * v)..((i - 1) * v + tokenizer.VocabularySize)];
            sum += row[ids[i]] - Math.Log(row.Sum(logit => Math.Exp(logit)));
        }
        return sum;
    }

    private static void WithFile(string text, Action<string> use)
    {
        string path = Path.Combine(Path.GetTempPath(), $"task-{Guid.NewGuid():N}.jsonl");
        File.WriteAllText(path, text);
        try
        {
            use(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
