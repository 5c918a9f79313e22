using ElmMlx.Datasets;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Rows over the length, ids over the vocabulary, rows that have nothing to learn: all of it counted.
/// </summary>
public sealed class LongRowTests : IDisposable
{
    private readonly DataFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("completions", true, 12)]
    [InlineData("completions", false, 7)]
    [InlineData("chat", true, 2)]
    [InlineData("chat", true, 3)]
    [InlineData("chat", false, 16)]
    [InlineData("text", false, 5)]
    public void Split_row_learns_exactly_what_the_whole_one_does(string folder, bool masks, int most)
    {
        string path = Fixtures.Path($"train/data/{folder}/train.jsonl");
        TokenDataset whole = DataFiles.Load(path, new DatasetOptions { MaskPrompt = masks });
        TokenDataset split = DataFiles.Load(
            path, new DatasetOptions { MaskPrompt = masks, MaxSequenceLength = most, LongRows = LongRows.Split });
        Assert.All(split.Rows, row => Assert.InRange(row.Length, 2, most));
        foreach (TokenRow row in whole.Rows)
        {
            Assert.Equal(
                DataFiles.Learned(row),
                split.Rows.Where(piece => piece.Record == row.Record).SelectMany(DataFiles.Learned));
        }
        Assert.Equal(whole.Report.LearnedTokens, split.Report.LearnedTokens);
        int pieces = whole.Rows.Sum(row => (row.Length - 1 + most - 2) / (most - 1));
        Assert.Equal(pieces, split.Rows.Count + split.Report.NothingToLearn);
        Assert.Equal(whole.Rows.Count(row => row.Length > most), split.Report.Split);
        Assert.Equal((0, 0L), (split.Report.Truncated, split.Report.TruncatedTokens));
    }

    [Theory]
    [InlineData(12)]
    [InlineData(40)]
    public void Truncated_row_is_the_beginning_and_counted(int most)
    {
        string path = Fixtures.Path("train/data/chat/train.jsonl");
        DatasetOptions masking = new() { MaskPrompt = true };
        TokenDataset whole = DataFiles.Load(path, masking);
        TokenDataset cut = DataFiles.Load(path, masking with { MaxSequenceLength = most });
        foreach (TokenRow row in cut.Rows)
        {
            TokenRow source = whole.Rows.Single(other => other.Record == row.Record);
            Assert.Equal(source.Ids[..Math.Min(source.Length, most)].ToArray(), row.Ids.ToArray());
            Assert.Equal(source.Learned[..row.Length].ToArray(), row.Learned.ToArray());
        }
        Assert.Equal(whole.Rows.Count(row => row.Length > most), cut.Report.Truncated);
        Assert.Equal(whole.Rows.Sum(row => Math.Max(row.Length - most, 0L)), cut.Report.TruncatedTokens);
        Assert.Equal(whole.Rows.Count, cut.Rows.Count + cut.Report.NothingToLearn);
        Assert.Equal(0, cut.Report.Split);
    }

    [Fact]
    public void Prompt_that_fills_the_length_leaves_nothing_to_learn()
    {
        string path = _files.Write(
            "train.jsonl",
            DataFiles.Record(("prompt", new string('x', 400)), ("completion", "y")),
            DataFiles.Record(("prompt", "x"), ("completion", "y")));
        DatasetOptions options = new() { MaskPrompt = true, MaxSequenceLength = 16 };
        TokenDataset dataset = DataFiles.Load(path, options);
        Assert.Equal(2, Assert.Single(dataset.Rows).Record);
        Assert.Equal((2, 1, 1), (dataset.Report.Records, dataset.Report.Truncated, dataset.Report.NothingToLearn));

        _files.Write("train.jsonl", File.ReadLines(path).First());
        Assert.Equal(
            $"{path} has nothing to learn: of 1 records 0 cannot be read, and 1 rows have no token that is to be " +
                "learnt.",
            Assert.Throws<InvalidDataException>(
                () => TrainingData.Open(_files.Folder, DataFiles.Bytes, null, options).Train).Message);
    }

    [Fact]
    public void Token_beyond_the_model_s_vocabulary_is_named()
    {
        string path = _files.Write("train.jsonl", DataFiles.Text("a"), DataFiles.Text("The river warms the stone."));
        int[][] ids = [.. DataFiles.Load(path).Rows.Select(row => row.Ids.ToArray())];
        int largest = ids[1].Max();
        Assert.True(largest > ids[0].Max());
        Assert.Equal(2, DataFiles.Load(path, new DatasetOptions { VocabularySize = largest + 1 }).Rows.Count);
        Assert.Contains(
            $"line 2: the tokenizer gives token {largest}, and the model's vocabulary has {largest}; take the " +
                "model's own tokenizer.",
            Assert.Throws<InvalidDataException>(
                () => DataFiles.Load(path, new DatasetOptions { VocabularySize = largest }))
                    .Message, StringComparison.Ordinal);
        Assert.Equal(
            1, DataFiles.Load(
                path, new DatasetOptions { VocabularySize = largest, SkipBadLines = true }).Report.Skipped);
    }
}
