using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using ElmMlx.Datasets;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// CoreNet's data pipeline: which tokens come out of files, in which order, and from where it goes on.
/// </summary>
public sealed class CoreNetDataTests : IDisposable
{
    private static readonly JsonElement Cases = GoldenArrays.Json("pretrain/data.json").GetProperty("cases");
    private static readonly JsonElement Small = GoldenArrays.Json("pretrain/data_small.json");
    private static readonly GoldenTensors Tensors = new([Fixtures.Path("pretrain/data.safetensors")]);

    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-").FullName;

    public static TheoryData<string> Names() => [.. Cases.EnumerateObject().Select(entry => entry.Name)];

    public static TheoryData<int> Resumes() =>
        [.. Enumerable.Range(0, Small.GetProperty("resume").GetProperty("cases").GetArrayLength())];

    public static TheoryData<int> BadInputs() =>
        [.. Enumerable.Range(0, Small.GetProperty("bad_input").GetArrayLength())];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Names))]
    public void Rows_are_CoreNets(string name)
    {
        JsonElement golden = Cases.GetProperty(name), settings = golden.GetProperty("settings");
        CoreNetDataOptions options = CoreNetGolden.Options(settings);
        int processes = settings.GetProperty("world_size").GetInt32();
        foreach (JsonElement rank in golden.GetProperty("ranks").EnumerateArray())
        {
            GoldenTensor expected = Tensors[rank.GetProperty("tensor").GetString()!];
            ReadOnlySpan<short> ids = MemoryMarshal.Cast<byte, short>(expected.Bytes.Span);
            string[] files = [.. rank.GetProperty("files").EnumerateArray()
                .Select(file => Fixtures.Path("pretrain/" + file.GetString()))];
            int number = rank.GetProperty("rank").GetInt32(), length = expected.Shape[^1];
            int[][] sources = Flat(rank.GetProperty("source"));
            int[] epochs = [.. Numbers(rank.GetProperty("epoch"))];

            Func<CoreNetRow> next = options.BatchSize > 1
                ? FromBatches(options, number, processes)
                : FromStream(name, options, number, processes, settings.GetProperty("mode").GetString()!);
            for (int i = 0; i < sources.Length; i++)
            {
                CoreNetRow row = next();
                Assert.Equal(
                    (files[sources[i][0]], sources[i][1], sources[i][2], epochs[i]),
                    (row.Path, row.Document, row.Piece, row.Epoch));
                Assert.Equal(ids.Slice(i * length, length).ToArray().Select(id => (int)id), row.Ids);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(29)]
    [InlineData(57)]
    [InlineData(86)]
    [InlineData(110)]
    public void Going_on_repeats_nothing_and_loses_nothing(int after)
    {
        CoreNetDataOptions options = CoreNetGolden.Options(Small.GetProperty("resume").GetProperty("settings")) with
        {
            Workers = 2,
            BatchSize = 3,
            DocumentSplitSize = 20,
        };
        using CoreNetBatches whole = new(options, CoreNetGolden.Tokenizer);
        for (int i = 0; i < after; i++)
            whole.Next();
        byte[] state = State(whole);

        using var stored = JsonDocument.Parse(state);
        using CoreNetBatches resumed = new(options, CoreNetGolden.Tokenizer, state: stored.RootElement);
        Assert.Equal(state, State(resumed));
        for (int i = 0; i < 40; i++)
            Assert.Equal(whole.Next().Rows.Select(Text), resumed.Next().Rows.Select(Text));
        Assert.Equal(whole.Counts, resumed.Counts);

        static string Text(CoreNetRow row) =>
            $"{row.Epoch} {row.Path} {row.Document} {row.Piece} {string.Join(' ', row.Ids)}";
    }

    // CoreNet goes back to the beginning of a chunk or a file and repeats rows: what it gives after those is what comes
    // here.
    [Theory]
    [MemberData(nameof(Resumes))]
    public void Going_on_gives_what_CoreNet_gives_after_its_repetitions(int number)
    {
        JsonElement resume = Small.GetProperty("resume"), golden = resume.GetProperty("cases")[number];
        CoreNetDataOptions options = CoreNetGolden.Options(resume.GetProperty("settings"));
        int after = golden.GetProperty("after").GetInt32();
        using RowStream whole = new(FileOrder.Of(options, 0, 1, isTraining: true), options, CoreNetGolden.Tokenizer);
        for (int i = 0; i < after; i++)
            whole.Next();

        using RowStream resumed = new(
            FileOrder.Of(options, 0, 1, isTraining: true), options, CoreNetGolden.Tokenizer, whole.Position,
            whole.Counts);
        GoldenTensor rows = Tensors[golden.GetProperty("tensor").GetString()!];
        ReadOnlySpan<short> ids = MemoryMarshal.Cast<byte, short>(rows.Bytes.Span);
        int repeated = after - golden.GetProperty(
            "same_as_uninterrupted_from_sample").GetInt32(), length = rows.Shape[1];
        Assert.True(repeated < rows.Shape[0]);
        for (int i = repeated; i < rows.Shape[0]; i++)
            Assert.Equal(ids.Slice(i * length, length).ToArray().Select(id => (int)id), resumed.Next().Ids);
    }

    [Theory]
    [MemberData(nameof(BadInputs))]
    public void Documents_that_CoreNet_ends_on_are_named_and_others_are_read_as_it_does(int number)
    {
        JsonElement golden = Small.GetProperty("bad_input")[number], settings = golden.GetProperty("settings");
        string what = golden.GetProperty("what").GetString()!;
        string suffix = settings.TryGetProperty("suffix", out JsonElement end) ? end.GetString()! : "jsonl";
        string path = Path.Combine(_folder, "data." + suffix);
        File.WriteAllBytes(path, golden.GetProperty("file").GetString() is { } text
            ? Encoding.UTF8.GetBytes(text)
            : Convert.FromHexString(golden.GetProperty("file_hex").GetString()!));
        string key = settings.TryGetProperty("key", out JsonElement named) ? named.GetString()! : "text";
        int count = settings.TryGetProperty("n", out JsonElement n) ? n.GetInt32() : 1;

        // texts that pandas takes for numbers or dates, and a byte order mark, are no mistakes here
        bool isFine = golden.TryGetProperty("samples", out JsonElement samples)
            || what is "a numeric string alone in its chunk" or "only numeric strings"
                or "a date in a column named date"
                or "a byte order mark";
        if (isFine)
        {
            CoreNetRow[] rows = [.. Rows(path, key, count)];
            if (what == "a text with a NUL and escapes")        // ftfy takes the NUL away, which NFC does not
                Assert.Equal(
                    [1, .. CoreNetGolden.Tokenizer.Encode("a\0b \U0001F600 é", addSpecialTokens: false), 2],
                    rows[0].Ids.TakeWhile(id => id != 2048));
            else if (samples.ValueKind == JsonValueKind.Array)
                Assert.Equal(
                    samples.EnumerateArray().Select(GoldenArrays.Ints),
                    rows.Select(row => row.Ids.TakeWhile(id => id != 2048).ToArray()));
            return;
        }

        var problem = Assert.Throws<InvalidDataException>(() => Rows(path, key, count).ToArray());
        Assert.StartsWith(path, problem.Message, StringComparison.Ordinal);
        if (what != "an unknown extension")
            Assert.Matches(@"document \d: line \d: .*--skip-bad-lines", problem.Message);
    }

    [Fact]
    public void Bad_documents_are_counted_when_they_are_skipped()
    {
        string path = Path.Combine(_folder, "data.jsonl");
        File.WriteAllText(path, "{\"text\": \"one\"}\n\n{\"text\": 5}\n{\"text\": \"two\"}\n{\"text\": \n");
        CoreNetDataOptions options = Options(path, "text") with { SkipBadDocuments = true };
        using RowStream rows = new(FileOrder.Of(options, 0, 1, isTraining: true), options, CoreNetGolden.Tokenizer);
        Assert.Equal([0, 2, 0], Enumerable.Range(0, 3).Select(_ => rows.Next().Document));
        Assert.Equal(2, rows.Counts.BadDocuments);
        Assert.Equal(3, rows.Counts.Documents);
    }

    [Fact]
    public void What_no_row_holds_is_counted()
    {
        string path = Path.Combine(_folder, "data.jsonl");
        File.WriteAllText(
            path, "{\"text\": \"ab\"}\n{\"text\": \"abcdefghijklmnop zzzzzzzzz qqqqqq\"}\n{\"text\": \"ok then\"}\n");
        CoreNetDataOptions options = Options(path, "text") with
        {
            SequenceLength = 4,
            MinCharactersPerText = 3,
            MinTokensPerText = 12,
        };
        using RowStream rows = new(FileOrder.Of(options, 0, 1, isTraining: true), options, CoreNetGolden.Tokenizer);
        int tokens =
            CoreNetGolden.Tokenizer.Encode("abcdefghijklmnop zzzzzzzzz qqqqqq", addSpecialTokens: false).Length + 2;
        rows.Next();
        rows.Next();
        Assert.Equal(
            new DataCounts
            {
                Documents = 5,
                TooFewCharacters = 2,
                TooFewTokens = 1,
                Rows = 2,
                CutRows = 2,
                CutTokens = 2 * (tokens - 5),
            },
            rows.Counts);
    }

    [Fact]
    public void Data_without_a_row_is_an_error_and_not_an_endless_search()
    {
        string path = Path.Combine(_folder, "data.jsonl");
        File.WriteAllText(path, "{\"text\": \"too short\"}\n");
        CoreNetDataOptions options = Options(path, "text") with { MinTokensPerText = 100 };
        using RowStream rows = new(FileOrder.Of(options, 0, 1, isTraining: true), options, CoreNetGolden.Tokenizer);
        Assert.Equal(
            $"None of the 1 documents in {path} passes the filters min_tokens_per_text (100) and " +
            "min_characters_per_text (0): lower them, or give other files.",
            Assert.Throws<InvalidDataException>(rows.Next).Message);

        File.WriteAllText(path, "\n");
        using RowStream none = new(FileOrder.Of(options, 0, 1, isTraining: true), options, CoreNetGolden.Tokenizer);
        Assert.Equal($"There is no document in {path}.", Assert.Throws<InvalidDataException>(none.Next).Message);
    }

    [Fact]
    public void Zipped_file_that_is_cut_short_is_named()
    {
        byte[] whole = File.ReadAllBytes(Fixtures.Path("pretrain/corpus/zipped_7.json.gz"));
        string path = Path.Combine(_folder, "data.json.gz");
        File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
        var problem = Assert.Throws<InvalidDataException>(() => Rows(path, "content", 100).ToArray());
        Assert.StartsWith(path, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_members_of_a_zipped_file_are_read()
    {
        string path = Path.Combine(_folder, "data.json.gz");
        using (FileStream file = File.Create(path))
        {
            foreach (string text in (string[])["{\"text\": \"one\"}\n{\"te", "xt\": \"two\"}\n"])
            {
                using GZipStream zip = new(file, CompressionLevel.Fastest, leaveOpen: true);
                zip.Write(Encoding.UTF8.GetBytes(text));
            }
        }
        Assert.Equal([0, 1, 0], Rows(path, "text", 3).Select(row => row.Document));
    }

    [Theory]
    [InlineData("nothing", "has no column 'nothing'; it has")]
    [InlineData("broken", "cannot be read as parquet")]
    public void Parquet_file_that_cannot_be_read_is_named(string column, string reason)
    {
        string path = Path.Combine(_folder, "data.parquet");
        byte[] whole = File.ReadAllBytes(Fixtures.Path("pretrain/corpus/table-0003.parquet"));
        if (column == "broken")
            whole.AsSpan(whole.Length - 200, 150).Fill(0xA5);
        File.WriteAllBytes(path, whole);
        var problem = Assert.Throws<InvalidDataException>(() => Rows(path, column, 1).ToArray());
        Assert.StartsWith(path, problem.Message, StringComparison.Ordinal);
        Assert.Contains(reason, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(3, 3)]
    public void Range_without_numbers_is_refused(int first, int end)
    {
        CoreNetDataEntry entry = new("x_{file_id}.jsonl", "text", first, end);
        Assert.Contains(
            "file_id_range", Assert.Throws<InvalidDataException>(() => entry.Files().ToArray()).Message,
            StringComparison.Ordinal);
    }

    private static IEnumerable<CoreNetRow> Rows(string path, string key, int count)
    {
        CoreNetDataOptions options = Options(path, key);
        using RowStream rows = new(FileOrder.Of(options, 0, 1, isTraining: true), options, CoreNetGolden.Tokenizer);
        for (int i = 0; i < count; i++)
            yield return rows.Next();
    }

    private static CoreNetDataOptions Options(string path, string key) => new()
    {
        Entries = [new CoreNetDataEntry(path, key, 0, 1)],
        SequenceLength = 30,
        NormalizeNfc = true,
        AddEos = true,
    };

    private static Func<CoreNetRow> FromBatches(CoreNetDataOptions options, int rank, int processes)
    {
        CoreNetBatches batches = new(options, CoreNetGolden.Tokenizer, rank, processes);
        Queue<CoreNetRow> rows = new();
        return () =>
        {
            if (rows.Count == 0)
                rows = new(batches.Next().Rows);
            return rows.Dequeue();
        };
    }

    private static Func<CoreNetRow> FromStream(
        string name, CoreNetDataOptions options, int rank, int processes, string mode)
    {
        bool isTraining = mode == "train";
        FileOrder order = name.StartsWith("second_iteration", StringComparison.Ordinal)
            ? SecondIteration(options, rank, processes)
            : FileOrder.Of(options, rank, processes, isTraining);
        return new RowStream(order, options, CoreNetGolden.Tokenizer).Next;
    }

    // CoreNet's second iteration of one data set draws on from the first one's numbers; an unshuffled list stays filled
    // up.
    private static FileOrder SecondIteration(CoreNetDataOptions options, int rank, int processes)
    {
        PythonRandom random = new(options.Seed);
        List<DataFile> files = [.. options.Entries.SelectMany(entry => entry.Files())];
        if (options.Shuffle)
            random.Shuffle(files);
        List<DataFile> filled = FileOrder.Fill(files, processes, random);
        filled = FileOrder.Fill(options.Shuffle ? files : filled, processes, random);
        return new FileOrder(FileOrder.Share(filled, rank, processes), random, isTraining: true);
    }

    private static byte[] State(CoreNetBatches batches)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            batches.WriteState(json);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static int[][] Flat(JsonElement list) => list[0][0].ValueKind == JsonValueKind.Array
        ? [.. list.EnumerateArray().SelectMany(Flat)]
        : [.. list.EnumerateArray().Select(GoldenArrays.Ints)];

    private static IEnumerable<int> Numbers(JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? value.EnumerateArray().SelectMany(Numbers)
        : [value.GetInt32()];
}
