using System.Text.Json;
using System.Text.Json.Serialization;
using ElmMlx.Datasets;
using Parquet;
using Parquet.Serialization;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Parquet files hold the same records as JSON lines, conversations included.</summary>
public sealed class ParquetTests : IDisposable
{
    private static readonly Row[] Rows =
    [
        new() { Text = "a", Messages = [new("user", "Who?"), new("assistant", "Me. 東京 🙂", Weight: 0.5)] },
        new() { Text = "", Messages = [new("user", null), new("assistant", "x", ["p", null, ""]), new(null, "y", [])] },
        new() { Id = 3 },
        new() { Text = "b", Id = long.MinValue, Messages = [] },
        new() { Text = "c", Messages = [new("user", "1"), new("assistant", "2", ["q"])], Flag = true },
    ];

    private readonly DataFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(100)]
    [InlineData(2)]
    public void Nested_records_are_those_of_json_lines(int rowsOfAGroup)
    {
        string parquet = Write("data.parquet", Rows, rowsOfAGroup);
        string lines = _files.Write("data.jsonl", [.. Rows.Select(row => JsonSerializer.Serialize(row))]);
        DataRecord[] expected = [.. DataRecords.Read(lines)], actual = [.. DataRecords.Read(parquet)];
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i].Line, actual[i].Line);
            Assert.True(
                JsonElement.DeepEquals(expected[i].Value, actual[i].Value), $"{expected[i].Value}\n{actual[i].Value}");
        }
        DataRecord wanted = DataRecords.Read(parquet, ["messages", "other"]).First();
        Assert.Equal(["messages"], wanted.Value.EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public void Conversations_and_completions_give_the_rows_of_json_lines()
    {
        SameRows<Conversation>("chat", row => row with { Blob = [1], Made = DateTime.UnixEpoch });
        SameRows<Completion>("completions", row => row);

        void SameRows<T>(string folder, Func<T, T> changed)
        {
            string lines = Fixtures.Path($"train/data/{folder}/train.jsonl");
            T[] rows = [.. File.ReadLines(lines).Select(line => changed(JsonSerializer.Deserialize<T>(line)!))];
            DatasetOptions options = new() { MaskPrompt = true };
            TokenDataset expected = DataFiles.Load(lines, options);
            TokenDataset actual = DataFiles.Load(Write("train.parquet", rows, 7), options);
            Assert.Equal(expected.Kind, actual.Kind);
            Assert.Equal(
                expected.Rows.Select(row => (row.Record, Ids: string.Join(' ', row.Ids.ToArray()), row.LearnedCount)),
                actual.Rows.Select(row => (row.Record, Ids: string.Join(' ', row.Ids.ToArray()), row.LearnedCount)));
        }
    }

    [Fact]
    public void Column_without_json_values_is_named_only_where_it_is_wanted()
    {
        string path = Write("train.parquet", [new Conversation { Blob = [1, 2], Messages = Rows[0].Messages }], 100);
        Assert.Single(DataFiles.Load(path).Rows);
        Assert.DoesNotContain("blob", DataRecords.Read(path).First().Value.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(
            $"{path}: the column blob (ReadOnlyMemory) is of a type that is not read; texts, numbers, true or " +
            "false, and lists and structures of these are. Write the file again without it, or as JSON lines.",
            Assert.Throws<InvalidDataException>(() => DataFiles.Load(path, new DatasetOptions { TextKey = "blob" }))
                .Message);
    }

    [Fact]
    public void Bad_row_is_named_by_its_number_and_a_torn_file_by_its_name()
    {
        string path = Write("train.parquet", Rows, 2);
        Assert.StartsWith(
            $"{path}, line 2: message 1: 'content' is null.",
            Assert.Throws<InvalidDataException>(() => DataFiles.Load(path)).Message, StringComparison.Ordinal);
        byte[] bytes = File.ReadAllBytes(path);
        foreach (int length in (int[])[0, 3, 40, bytes.Length / 2, bytes.Length - 1])
        {
            string torn = _files.WriteBytes("torn.parquet", bytes[..length]);
            Assert.StartsWith(
                $"{torn} cannot be read as parquet: ",
                Assert.Throws<InvalidDataException>(() => DataFiles.Load(torn)).Message, StringComparison.Ordinal);
        }
    }

    // A changed byte may be a letter of a text; whatever it is, it is no other exception.
    [Fact]
    public void Changed_bytes_never_end_in_another_exception()
    {
        byte[] whole = File.ReadAllBytes(Write("train.parquet", Rows, 3));
        int refused = 0;
        for (int i = 4; i < whole.Length; i += whole.Length / 150)
        {
            byte[] bytes = [.. whole];
            bytes[i] ^= 0x41;
            try
            {
                _ = DataRecords.Read(_files.WriteBytes("changed.parquet", bytes)).Count();
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 10, whole.Length);
    }

    private string Write<T>(string name, T[] rows, int rowsOfAGroup)
    {
        string path = Path.Combine(_files.Folder, name);
        using FileStream file = File.Create(path);
        ParquetSerializer.SerializeAsync(
            rows, file, new ParquetOptions { RowGroupSize = rowsOfAGroup }).GetAwaiter().GetResult();
        return path;
    }

    /// <summary>A record with what Hugging Face's files have beside the messages.</summary>
    public sealed record Row
    {
        [JsonPropertyName("id")]
        public long? Id { get; init; }

        [JsonPropertyName("flag")]
        public bool Flag { get; init; }

        [JsonPropertyName("text")]
        public string? Text { get; init; }

        [JsonPropertyName("messages")]
        public List<Message>? Messages { get; init; }
    }

    /// <summary>A conversation beside what is no JSON value.</summary>
    public sealed record Conversation
    {
        [JsonPropertyName("messages")]
        public List<Message>? Messages { get; init; }

        [JsonPropertyName("blob")]
        public byte[]? Blob { get; init; }

        [JsonPropertyName("made")]
        public DateTime Made { get; init; }
    }

    /// <summary>A completion.</summary>
    public sealed record Completion(
        [property: JsonPropertyName("prompt")] string Prompt, [property: JsonPropertyName("completion")] string Answer)
    {
        public Completion()
            : this("", "")
        {
        }
    }

    /// <summary>A message, with parts that few have.</summary>
    public sealed record Message
    {
        public Message()
        {
        }

        public Message(string? role, string? content, List<string?>? parts = null, double? Weight = null) =>
            (Role, Content, Parts, this.Weight) = (role, content, parts, Weight);

        [JsonPropertyName("content")]
        public string? Content { get; init; }

        [JsonPropertyName("role")]
        public string? Role { get; init; }

        [JsonPropertyName("parts")]
        public List<string?>? Parts { get; init; }

        [JsonPropertyName("weight")]
        public double? Weight { get; init; }
    }
}
