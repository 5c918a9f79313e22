using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Rows to arrays: mlx-lm's batches, and how wide ours are.</summary>
public sealed class BatchTests
{
    private static readonly SafetensorsFile Golden = GoldenArrays.Open("train/batches.safetensors");
    private static readonly JsonElement Json = GoldenArrays.Json("train/batches.json");

    // mlx-lm draws seed0's order from NumPy's generator as the caller had seeded it, with 11; cached sorts nothing, for
    // it takes every row to be as long as its record has keys.
    [Theory]
    [InlineData("pairs", 8)]
    [InlineData("pairs_msl48", 9)]
    [InlineData("seed0", 11)]
    [InlineData("cached", 8)]
    [InlineData("width_edge", 5)]
    public void Batches_in_mlx_lm_s_order_are_mlx_lm_s(string name, ulong seed)
    {
        using var scope = new ArrayScope();
        JsonElement golden = Json.GetProperty("cases").EnumerateArray()
            .Single(c => c.GetProperty("name").GetString() == name);
        BatchOptions options = new()
        {
            BatchSize = golden.GetProperty("batch_size").GetInt32(),
            MaxSequenceLength = golden.GetProperty("max_seq_length").GetInt32(),
            Seed = seed,
            Order = BatchOrder.MlxLm,
        };
        TokenRow[] rows = name == "width_edge"
            ? RowsOf("width_edge.0")
            : [.. Json.GetProperty("documents").EnumerateArray()
            .Select(document => TokenRow.From(
                document[0].Ints()[..Math.Min(document[0].GetArrayLength(), options.MaxSequenceLength)],
                document[1].GetInt32()))];
        BatchPlan plan = BatchPlan.Create(
            [.. rows.Select(row => name == "cached" ? 2 : row.Length)], options.BatchSize, seed, 0, BatchOrder.MlxLm);
        Assert.Equal(golden.GetProperty("batches").GetInt32(), plan.Count);
        if (name != "cached")
            Assert.Equal(plan.Count, new BatchSource(rows, options).BatchesPerEpoch);
        for (int i = 0; i < plan.Count; i++)
        {
            using Batch batch = name == "cached"
                ? Batch.Create(rows, plan.Batches[i], options)
                : new BatchSource(rows, options).Get(0, i);
            Check(batch, $"{name}.{i}");
        }
    }

    [Fact]
    public void Generator_of_mlx_lm_s_order_goes_on_from_epoch_to_epoch()
    {
        int[] lengths = [.. Enumerable.Range(5, 41)];
        var random = new MersenneTwister(3);
        for (int epoch = 0; epoch < 4; epoch++)
        {
            int[] order = random.Permutation(10);
            Assert.Equal(
                order.Select(group => group * 4),
                BatchPlan.Create(lengths, 4, 3, epoch, BatchOrder.MlxLm).Batches.Select(b => b[0]));
        }
    }

    [Theory]
    [InlineData(1, 2048, 7, 20, 20)]
    [InlineData(8, 2048, 7, 20, 25)]
    [InlineData(8, 2048, 7, 24, 25)]
    [InlineData(8, 2048, 7, 25, 33)]
    [InlineData(32, 2048, 7, 20, 33)]
    [InlineData(32, 24, 7, 20, 24)]
    [InlineData(int.MaxValue, 100, 7, 20, 100)]
    public void Width_is_a_multiple_and_one_within_the_limit(int multiple, int most, int first, int second, int width)
    {
        using var scope = new ArrayScope();
        TokenRow[] rows = [Row(first), Row(second)];
        using Batch batch =
            Batch.Create(rows, [0, 1], new BatchOptions { PadMultiple = multiple, MaxSequenceLength = most });
        Assert.Equal([2, width - 1], batch.Inputs.Shape);
        Assert.Equal([2, width - 1], batch.Targets.Shape);
        Assert.Equal([2, width - 1], batch.Mask.Shape);
        Assert.Equal(first + second - 2, batch.TokenCount);
        Assert.Equal(batch.TokenCount, (int)batch.Mask.Sum().Item<float>());
        int[] inputs = batch.Inputs.ToArray<int>(), targets = batch.Targets.ToArray<int>();
        float[] mask = batch.Mask.ToArray<float>();
        Assert.Equal(Enumerable.Range(0, mask.Length).Where(place => mask[place] == 1), batch.Places);
        for (int row = 0; row < 2; row++)
        {
            for (int i = 0; i < width - 1; i++)
            {
                int place = row * (width - 1) + i;
                Assert.Equal(i < rows[row].Length ? rows[row].Ids[i] : 0, inputs[place]);
                Assert.Equal(i + 1 < rows[row].Length ? rows[row].Ids[i + 1] : 0, targets[place]);
                Assert.Equal(i + 1 < rows[row].Length ? 1 : 0, mask[place]);
            }
        }
    }

    [Fact]
    public void Mask_is_what_the_row_learns()
    {
        using var scope = new ArrayScope();
        TokenRow[] rows = [new([1, 2, 3, 4, 5], [true, false, true, false, true]), TokenRow.From([6, 7, 8], offset: 2)];
        using Batch batch = Batch.Create(rows, [1, 0], new BatchOptions { PadMultiple = 1 });
        Assert.Equal([0, 1, 0, 0, 0, 1, 0, 1], batch.Mask.ToArray<float>());
        Assert.Equal([1, 0], batch.Rows);
    }

    [Fact]
    public void Rows_that_make_no_batch_are_refused()
    {
        TokenRow[] rows = [Row(4), Row(9), Row(1)];
        Assert.Contains("1 tokens; it must have 2 to 2048", Message(() => new BatchSource(rows, new BatchOptions())));
        Assert.Contains(
            "Row 1 has 9 tokens", Message(() => new BatchSource(rows, new BatchOptions { MaxSequenceLength = 8 })));
        Assert.Contains("The data set has no rows.", Message(() => new BatchSource([], new BatchOptions())));
        Assert.Contains(
            "mlx-lm's order needs 3 rows for a batch; the data set has 2.",
            Message(() => new BatchSource(rows[..2], new BatchOptions { BatchSize = 3, Order = BatchOrder.MlxLm })));
        Assert.Contains("at least one row", Message(() => Batch.Create(rows, [], new BatchOptions())));
        Assert.Contains(
            "13 tokens",
            Message(() => Batch.CreatePacked(rows, [[0, 1]], new BatchOptions { MaxSequenceLength = 12 })));
        var source = new BatchSource(rows[..2], new BatchOptions { BatchSize = 2 });
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Get(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Get(0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => source.Get(-1, 0));

        static string Message(Func<object> action) => Assert.ThrowsAny<ArgumentException>(action).Message;
    }

    // mlx-lm counts the padding behind a row as its last target; the right mask ends before it (docs/differences.md).
    private static void Check(Batch batch, string key)
    {
        int[] expected = Golden.Ids(key + ".batch"), lengths = Golden.Ids(key + ".lengths");
        (int count, int width) = (Golden[key + ".batch"].Shape[0], Golden[key + ".batch"].Shape[1]);
        Assert.Equal([count, width - 1], batch.Inputs.Shape);
        int[] inputs = batch.Inputs.ToArray<int>(), targets = batch.Targets.ToArray<int>();
        float[] mask = batch.Mask.ToArray<float>();
        for (int row = 0; row < count; row++)
        {
            int[] ids = expected[(row * width)..((row + 1) * width)];
            Range own = (row * (width - 1))..((row + 1) * (width - 1));
            Assert.Equal(ids[..^1], inputs[own]);
            Assert.Equal(ids[1..], targets[own]);
            (int offset, int length) = (lengths[2 * row], lengths[2 * row + 1]);
            Assert.Equal(Enumerable.Range(1, width - 1).Select(s => s >= offset && s < length ? 1f : 0f), mask[own]);
        }
    }

    private static TokenRow[] RowsOf(string key)
    {
        int[] ids = Golden.Ids(key + ".batch"), lengths = Golden.Ids(key + ".lengths");
        int width = Golden[key + ".batch"].Shape[1];
        return [.. Enumerable.Range(0, lengths.Length / 2).Select(row => TokenRow.From(
            ids[(row * width)..(row * width + lengths[2 * row + 1])], lengths[2 * row]))];
    }

    private static TokenRow Row(int length) => TokenRow.From([.. Enumerable.Range(100, length)]);
}
