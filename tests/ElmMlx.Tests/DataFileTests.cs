using System.IO.Compression;
using System.Text;
using ElmMlx.Datasets;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Data files as people have them: what is read all the same, and what is refused by its line.</summary>
public sealed class DataFileTests : IDisposable
{
    private readonly DataFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Marks_line_ends_and_blank_lines_do_not_matter()
    {
        string text = "\uFEFF{\"text\": \"one\"}\r\n\r\n  \t\n{\"text\": \"two\"}\n\n{\"text\": \"three\"}";
        TokenDataset dataset = DataFiles.Load(_files.WriteBytes("train.jsonl", Encoding.UTF8.GetBytes(text)));
        TokenDataset plain = DataFiles.Load(_files.Write(
            "plain.jsonl", DataFiles.Text("one"), DataFiles.Text("two"), DataFiles.Text("three")));
        Assert.Equal(plain.Rows.Select(row => row.Ids.ToArray()), dataset.Rows.Select(row => row.Ids.ToArray()));
        Assert.Equal([1L, 4L, 6L], dataset.Rows.Select(row => row.Record));
        Assert.Equal(3, dataset.Report.Records);
    }

    [Theory]
    [InlineData("{\"text\": \"a\"", "the line is not valid JSON (byte ")]
    [InlineData("{\"text\": \"a\"} {\"text\": \"b\"}", "the line is not valid JSON (byte 15).")]
    [InlineData("{text: 'a'}", "the line is not valid JSON (byte 2).")]
    [InlineData("[\"a\"]", "the line is a list, not a JSON object.")]
    [InlineData("null", "the line is null, not a JSON object.")]
    [InlineData("{\"text\": \"\u00FF\"}", "the line is not UTF-8.")]
    [InlineData("{\"text\": \"\\uD83D\"}", "'text' has half of a surrogate pair in it.")]
    [InlineData("{\"text\": [\"a\"]}", "'text' is a list, not a text.")]
    [InlineData("{\"texts\": \"a\"}", "the record has neither 'prompt' and 'completion', nor 'messages', nor 'text'.")]
    public void Bad_line_is_named_or_skipped_and_counted(string line, string reason)
    {
        byte[] bytes = Encoding.Latin1.GetBytes($"{{\"text\": \"first\"}}\n\n{line}\n{{\"text\": \"last\"}}\n");
        string path = _files.WriteBytes("train.jsonl", bytes);
        string message = Assert.Throws<InvalidDataException>(() => DataFiles.Load(path)).Message;
        Assert.StartsWith($"{path}, line 3: {reason}", message, StringComparison.Ordinal);
        Assert.EndsWith(" Correct the line, or skip bad lines.", message, StringComparison.Ordinal);

        TokenDataset dataset = DataFiles.Load(path, new DatasetOptions { SkipBadLines = true });
        Assert.Equal([1L, 4L], dataset.Rows.Select(row => row.Record));
        Assert.Equal((3, 2, 1), (dataset.Report.Records, dataset.Report.Rows, dataset.Report.Skipped));
        Assert.StartsWith(
            $"{path}, line 3: {reason}", Assert.Single(dataset.Report.SkippedReasons), StringComparison.Ordinal);
    }

    [Fact]
    public void All_bad_lines_are_counted_and_a_hundred_are_explained()
    {
        string path = _files.Write(
            "train.jsonl", [.. Enumerable.Range(1, 240).Select(i => i % 2 == 0 ? "x" : DataFiles.Text($"{i}"))]);
        DatasetReport report = DataFiles.Load(path, new DatasetOptions { SkipBadLines = true }).Report;
        Assert.Equal((240, 120, 120, 100), (report.Records, report.Rows, report.Skipped, report.SkippedReasons.Count));
        Assert.StartsWith($"{path}, line 200: ", report.SkippedReasons[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Line_beyond_64_MiB_is_refused_without_being_kept()
    {
        string path = Path.Combine(_files.Folder, "train.jsonl.gz");
        using (var zip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            zip.Write("{\"text\": \""u8);
            byte[] part = [.. Enumerable.Repeat((byte)'a', 1 << 20)];
            for (int i = 0; i < 65; i++)
                zip.Write(part);
            zip.Write("\"}\n{\"text\": \"b\"}\n"u8);
        }
        Assert.Contains(
            "line 1: the line is longer than 64 MiB.",
            Assert.Throws<InvalidDataException>(() => DataFiles.Load(path)).Message, StringComparison.Ordinal);
        Assert.Equal(2, Assert.Single(DataFiles.Load(path, new DatasetOptions { SkipBadLines = true }).Rows).Record);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void Lines_are_cut_at_newlines_however_the_bytes_come(int piece)
    {
        const string text = "ab\n\nlonger than ten\n0123456789\nlonger than ten too, and last";
        var lines = new BoundedLines(new Dripping(Encoding.UTF8.GetBytes(text), piece), maxBytes: 10);
        List<string> read = [];
        while (lines.MoveNext())
            read.Add(lines.IsTooLong ? "…" : Encoding.UTF8.GetString(lines.Current.Span));
        Assert.Equal(["ab", "", "…", "0123456789", "…"], read);
    }

    [Fact]
    public void Zipped_file_gives_the_same_rows_and_a_torn_one_is_named()
    {
        byte[] plain = File.ReadAllBytes(Fixtures.Path("train/data/text/train.jsonl"));
        using var zipped = new MemoryStream();
        using (var zip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
            zip.Write(plain);
        TokenDataset expected = DataFiles.Load(_files.WriteBytes("train.jsonl", plain));
        foreach (string name in (string[])["a.jsonl.gz", "b.json.gz"])
        {
            TokenDataset actual = DataFiles.Load(_files.WriteBytes(name, zipped.ToArray()));
            Assert.Equal(expected.Rows.Select(row => row.Ids.ToArray()), actual.Rows.Select(row => row.Ids.ToArray()));
        }
        string torn = _files.WriteBytes("torn.jsonl.gz", zipped.ToArray()[..^20]);
        Assert.Contains(
            "torn.jsonl.gz cannot be unzipped beyond line ",
            Assert.Throws<InvalidDataException>(() => DataFiles.Load(torn)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Folder_s_files_are_found_by_name()
    {
        TrainingData data = Open();
        Assert.Equal(
            $"{_files.Folder} has no train.jsonl; put the data there, one JSON object a line.",
            Assert.Throws<FileNotFoundException>(() => data.Train).Message);
        Assert.Null(data.Validation);

        _files.WriteBytes("train.jsonl.gz", []);
        _files.Write("valid.jsonl");
        _files.Write("test.jsonl", "\n");
        data = Open();
        Assert.Null(data.Validation);
        Assert.Equal($"{data.PathOf("test")} is empty.", Assert.Throws<InvalidDataException>(() => data.Test).Message);
        Assert.Equal(
            $"{data.PathOf("train")} is empty.", Assert.Throws<InvalidDataException>(() => data.Train).Message);

        _files.Write("train.jsonl", DataFiles.Text("a"));
        Assert.Equal(
            $"{_files.Folder} has both train.jsonl and train.jsonl.gz; leave one of them.",
            Assert.Throws<InvalidDataException>(() => Open().Train).Message);
    }

    [Fact]
    public void Folder_is_named_that_is_none()
    {
        string file = _files.Write("train.jsonl", DataFiles.Text("a"));
        Assert.Equal(
            $"{file} is a file; give the folder that holds train.jsonl.",
            Assert.Throws<DirectoryNotFoundException>(() => TrainingData.Open(file, DataFiles.Bytes)).Message);
        Assert.Contains("There is no data file", Assert.Throws<FileNotFoundException>(
            () => DataFiles.Load(file + "x")).Message, StringComparison.Ordinal);
        Assert.Contains("its name must end in .jsonl, .jsonl.gz", Assert.Throws<InvalidDataException>(
            () => DataFiles.Load(_files.Write("train.csv", "a,b"))).Message, StringComparison.Ordinal);
    }

    private TrainingData Open() => TrainingData.Open(_files.Folder, DataFiles.Bytes);

    /// <summary>A stream that gives a few bytes at a time.</summary>
    private sealed class Dripping(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) =>
            base.Read(buffer, offset, Math.Min(count, piece));
    }
}
