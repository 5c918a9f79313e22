using CsCheck;
using ElmMlx.Datasets;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Which rows meet, for any lengths, batch size, seed and epoch.</summary>
public sealed class BatchPlanTests
{
    private static readonly Gen<int[]> Lengths = Gen.Int[2, 64].Array[1, 700];

    [Theory]
    [InlineData(BatchOrder.LengthGrouped)]
    [InlineData(BatchOrder.Sorted)]
    [InlineData(BatchOrder.Sequential)]
    public void Every_epoch_holds_every_row_once_and_uses_the_last_batch(BatchOrder order) =>
        Gen.Select(Lengths, Gen.Int[1, 9], Gen.ULong, Gen.Int[0, 1000]).Sample((lengths, size, seed, epoch) =>
        {
            BatchPlan plan = BatchPlan.Create(lengths, size, seed, epoch, order);
            int[] sizes = [.. plan.Batches.Select(batch => batch.Count)];
            return plan.Batches.SelectMany(batch => batch).Order().SequenceEqual(Enumerable.Range(0, lengths.Length))
                && plan.Count == (lengths.Length + size - 1) / size
                && sizes.Count(count => count != size) <= 1
                && sizes.Min() == (lengths.Length % size == 0 ? size : lengths.Length % size);
        }, iter: 200);

    [Fact]
    public void Same_numbers_give_the_same_order_and_others_another() =>
        Gen.Select(Gen.Int[2, 64].Array[40, 300], Gen.Int[1, 9], Gen.ULong, Gen.Int[0, 1000]).Sample(
            (lengths, size, seed, epoch) =>
        {
            int[] order = Order(lengths, size, seed, epoch);
            return order.SequenceEqual(Order(lengths, size, seed, epoch))
                && !order.SequenceEqual(Order(lengths, size, seed, epoch + 1))
                && !order.SequenceEqual(Order(lengths, size, seed + 1, epoch));
        }, iter: 100);

    [Fact]
    public void Orders_without_chance_are_what_they_say()
    {
        int[] lengths = [5, 3, 9, 3, 7];
        Assert.Equal([0, 1, 2, 3, 4], Order(lengths, 2, 1, 7, BatchOrder.Sequential));
        Assert.Equal([1, 3, 0, 4, 2], Order(lengths, 2, 1, 7, BatchOrder.Sorted));
    }

    [Fact]
    public void Mlx_lm_s_order_leaves_out_only_the_longest_rows() =>
        Gen.Select(Lengths, Gen.Int[1, 9], Gen.UInt).Sample((lengths, size, seed) =>
        {
            int[] used = Order(lengths, size, seed, 2, BatchOrder.MlxLm);
            int[] left = [.. Enumerable.Range(0, lengths.Length).Except(used)];
            return used.Distinct().Count() == lengths.Length / size * size
                && used.Length + left.Length == lengths.Length
                && (used.Length == 0
                    || left.Length == 0
                    || used.Max(row => lengths[row]) <= left.Min(row => lengths[row]));
        }, iter: 100);

    // 3,000 rows of 10 to 1,000 tokens: filled up to the longest of eight, rows in any order waste two fifths.
    [Fact]
    public void Grouping_by_length_wastes_little_and_shuffles_all_the_same()
    {
        var random = new DeterministicRandom(1, 2);
        int[] lengths =
            [.. Enumerable.Range(10, 991).Concat(Enumerable.Range(10, 991)).Concat(Enumerable.Range(10, 991))];
        random.Shuffle(lengths.AsSpan());
        BatchPlan first = BatchPlan.Create(lengths, 8, 1, 0), second = BatchPlan.Create(lengths, 8, 1, 1);
        Assert.InRange(Waste(BatchPlan.Create(lengths, 8, 1, 0, BatchOrder.Sequential)), 0.3, 1);
        Assert.InRange(Waste(first), 0, 0.03);
        Assert.InRange(Waste(second), 0, 0.03);

        // few pairs of rows meet again, and no epoch goes from short to long
        HashSet<(int, int)> met = [.. Pairs(first)];
        Assert.InRange(Pairs(second).Count(met.Contains), 0, met.Count / 8);
        double[] means = [.. first.Batches.Select(batch => batch.Average(row => lengths[row]))];
        Assert.InRange(Enumerable.Range(1, means.Length - 1)
            .Count(i => means[i] > means[i - 1]), means.Length * 0.4, means.Length * 0.6);
        Assert.InRange(Math.Abs(means[..(means.Length / 2)].Average() - means[(means.Length / 2)..].Average()), 0, 100);

        double Waste(BatchPlan plan)
        {
            long width = plan.Batches.Sum(batch => (long)batch.Count * batch.Max(row => lengths[row]));
            return 1 - lengths.Sum() / (double)width;
        }

        static IEnumerable<(int, int)> Pairs(BatchPlan plan) => plan.Batches.SelectMany(batch =>
            batch.SelectMany(a => batch.Where(b => b > a).Select(b => (a, b))));
    }

    [Fact]
    public void Numbers_that_cannot_be_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BatchPlan.Create([2], 0, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => BatchPlan.Create([2], 1, 0, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BatchPlan.Create([2], 1, 1UL << 32, 0, BatchOrder.MlxLm));
        Assert.Equal(0, BatchPlan.Create([], 4, 0, 0).Count);
    }

    [Fact]
    public void Packing_uses_every_row_once_and_no_two_sequences_would_fit_into_one() =>
        Gen.Select(Lengths, Gen.Int[64, 200]).Sample((lengths, most) =>
        {
            int[][] sequences = RowPacking.Pack(lengths, most);
            int[] filled = [.. sequences.Select(sequence => sequence.Sum(row => lengths[row])).Order()];
            return sequences.SelectMany(rows => rows).Order().SequenceEqual(Enumerable.Range(0, lengths.Length))
                && filled[^1] <= most
                && (filled.Length < 2 || filled[0] + filled[1] > most);
        }, iter: 200);

    // Every place of a packed batch is one token of one row, or filling; a query sees the places of its row up to its
    // own.
    [Fact]
    public void Packed_rows_lie_one_behind_the_other_and_see_only_themselves() =>
        Gen.Select(Gen.Int[2, 12].Array[1, 14], Gen.Int[12, 24], Gen.Int[1, 8]).Sample((lengths, most, multiple) =>
        {
            using var scope = new ArrayScope();
            int next = 1;
            TokenRow[] rows =
                [.. lengths.Select(length => TokenRow.From([.. Enumerable.Range(0, length).Select(_ => next++)]))];
            BatchOptions options =
                new() { Pack = true, MaxSequenceLength = most, BatchSize = 100, PadMultiple = multiple };
            using Batch batch = new BatchSource(rows, options).Get(0, 0);
            (int count, int width) = (batch.Inputs.Shape[0], batch.Inputs.Shape[1]);
            int[] inputs = batch.Inputs.ToArray<int>(), targets = batch.Targets.ToArray<int>();
            float[] mask = batch.Mask.ToArray<float>();
            bool[] sees = batch.Attention.Array!.ToArray<bool>();
            int[] owner = new int[next];        // row of a token; 0 of filling
            foreach ((int index, TokenRow row) in rows.Index())
            {
                foreach (int id in row.Ids)
                    owner[id] = index + 1;
            }
            int learnt = 0;
            for (int place = 0; place < inputs.Length; place++)
            {
                bool continues = targets[place] != 0 && owner[targets[place]] == owner[inputs[place]];
                Assert.Equal(continues ? 1 : 0, mask[place]);
                Assert.True(!continues || targets[place] == inputs[place] + 1);
                learnt += continues ? 1 : 0;
                int start = place / width * width;
                for (int key = start; key < start + width; key++)
                    Assert.Equal(
                        key <= place && owner[inputs[key]] == owner[inputs[place]], sees[place * width + key - start]);
            }
            Assert.Equal(lengths.Sum(length => length - 1), learnt);
            Assert.Equal(learnt, batch.TokenCount);
            Assert.Equal(Enumerable.Range(0, rows.Length), batch.Rows.Order());
        }, iter: 100);

    private static int[] Order(
        int[] lengths, int size, ulong seed, int epoch, BatchOrder order = BatchOrder.LengthGrouped) =>
        [.. BatchPlan.Create(lengths, size, seed, epoch, order).Batches.SelectMany(batch => batch)];
}
