using System.Text.Json;
using ElmMlx.Datasets;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Python's random numbers, formats and characters, as CoreNet's data pipeline uses them.</summary>
public class PythonRandomTests
{
    private static readonly JsonElement Golden = GoldenArrays.Json("pretrain/data_small.json");

    public static TheoryData<int> Draws() =>
        [.. Enumerable.Range(0, Golden.GetProperty("python_random").GetArrayLength())];

    public static TheoryData<int> Texts() =>
        [.. Enumerable.Range(0, Golden.GetProperty("process_text").GetArrayLength())];

    [Theory]
    [MemberData(nameof(Draws))]
    public void Shuffle_and_choices_are_Pythons(int number)
    {
        JsonElement golden = Golden.GetProperty("python_random")[number];
        PythonRandom random = new(golden.GetProperty("seed").GetInt64());
        int[] list = [.. Enumerable.Range(0, golden.GetProperty("n").GetInt32())];
        int[] numbers = [.. list];
        random.Shuffle(list);
        Assert.Equal(golden.GetProperty("shuffle").Ints(), list);
        Assert.Equal(golden.GetProperty("then_choices_5").Ints(), random.Choices(numbers, 5));
        random.Shuffle(list);
        Assert.Equal(golden.GetProperty("then_shuffle_again").Ints(), list);
    }

    // random.Random(-3).random(), random.Random(2 ** 62 + 1).random()
    [Theory]
    [InlineData(-3, 0.23796462709189137)]
    [InlineData((1L << 62) + 1, 0.6659382411023513)]
    public void Seeds_of_either_sign_and_two_words_are_Pythons(long seed, double first) =>
        Assert.Equal(first, new PythonRandom(seed).NextDouble());

    [Theory]
    [MemberData(nameof(Texts))]
    public void Length_that_filters_is_that_of_the_processed_text(int number)
    {
        JsonElement golden = Golden.GetProperty("process_text")[number];
        Assert.Equal(
            golden.GetProperty("length").GetInt32(), FilteredText.Length(golden.GetProperty("text").GetString()!));
    }

    // '…'.format(file_id=id)
    [Theory]
    [InlineData("a/part-{file_id:05d}-05534.parquet", 17, "a/part-00017-05534.parquet")]
    [InlineData("{file_id}.jsonl", 3, "3.jsonl")]
    [InlineData("{file_id:02}_{file_id:x}.jsonl", 300, "300_12c.jsonl")]
    [InlineData("{file_id:>4}|{file_id:<4}|{file_id:^5}|{file_id:*^5d}", 42, "  42|42  | 42  |*42**")]
    [InlineData("{{{file_id}}}", 7, "{7}")]
    [InlineData("{file_id:04X}{file_id:b}{file_id:o}{file_id:n}", 10, "000A10101210")]
    [InlineData("one.jsonl", 0, "one.jsonl")]
    public void File_names_are_formatted_as_Python_does(string template, int id, string expected) =>
        Assert.Equal(expected, PythonFormat.Format(template, "file_id", id));

    [Theory]
    [InlineData("part-{id}.jsonl", "the only name known here is file_id")]
    [InlineData("part-{file_id.jsonl", "single '{' at character 6")]
    [InlineData("part}.jsonl", "single '}' at character 5")]
    [InlineData("{file_id:5.2f}", "'5.2f' is no format")]
    [InlineData("{}", "the only name known here is file_id")]
    public void Templates_that_name_no_file_are_refused(string template, string reason)
    {
        var problem = Assert.Throws<FormatException>(() => PythonFormat.Format(template, "file_id", 1));
        Assert.Contains(reason, problem.Message, StringComparison.Ordinal);
    }
}
