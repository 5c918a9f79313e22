using Xunit;

namespace ElmMlx.Tests;

/// <summary>x is [2, 3, 4] with x[i, j, k] = 12 i + 4 j + k; expectations are numpy's.</summary>
public class ArrayIndexingTests
{
    private static MlxArray X => MlxArray.Arange(24).Reshape(2, 3, 4);

    public static TheoryData<string, ArrayIndex[], int[], int[]> Reads() => new()
    {
        { "x[1]", At(1), [3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23] },
        { "x[-1, 0]", At(-1, 0), [4], [12, 13, 14, 15] },
        { "x[^1, ^1, ^1]", At(^1, ^1, ^1), [], [23] },
        { "x[.., 1, 0]", At(.., 1, 0), [2], [4, 16] },
        { "x[0, 1.., ..2]", At(0, 1.., ..2), [2, 2], [4, 5, 8, 9] },
        { "x[..^1, ^1.., 1..^1]", At(..^1, ^1.., 1..^1), [1, 1, 2], [9, 10] },
        { "x[..., 3]", At(ArrayIndex.Ellipsis, 3), [2, 3], [3, 7, 11, 15, 19, 23] },
        { "x[0, ..., 3]", At(0, ArrayIndex.Ellipsis, 3), [3], [3, 7, 11] },
        { "x[null, 0, 0]", At(ArrayIndex.NewAxis, 0, 0), [1, 4], [0, 1, 2, 3] },
        { "x[0, 0, null]", At(0, 0, ArrayIndex.NewAxis), [1, 4], [0, 1, 2, 3] },
        { "x[0, 0, .., null]", At(0, 0, .., ArrayIndex.NewAxis), [4, 1], [0, 1, 2, 3] },
        { "x[0, 0, ::2]", At(0, 0, ArrayIndex.Step(2)), [2], [0, 2] },
        { "x[0, 0, ::-1]", At(0, 0, ArrayIndex.Step(-1)), [4], [3, 2, 1, 0] },
        { "x[0, 0, 2:0:-1]", At(0, 0, ArrayIndex.Step(1..3, -1)), [2], [2, 1] },
        { "x[0, 0, 1:1]", At(0, 0, 1..1), [0], [] },
        { "x[0, [2, 0], 1]", At(0, MlxArray.From([2, 0]), 1), [2], [9, 1] },
        { "x[1, [[0], [2]]]", At(1, MlxArray.From([0, 2], 2, 1), ..2), [2, 1, 2], [12, 13, 20, 21] },
        { "x[[0, 1], [0, 2]]", At(MlxArray.From([0, 1]), MlxArray.From([0, 2])), [2, 4], [0, 1, 2, 3, 20, 21, 22, 23] },
        { "x[1:, [0, 2], [1, 3]]", At(1.., MlxArray.From([0, 2]), MlxArray.From([1, 3])), [1, 2], [13, 23] },
        { "x[[1, 0], :, [0, 3]]", At(MlxArray.From([1, 0]), .., MlxArray.From([0, 3])), [2, 3],
            [12, 16, 20, 3, 7, 11] },
    };

    public static TheoryData<string, ArrayIndex[], int[], int[]> Writes() => new()
    {
        { "x[0, 1] = 9", At(0, 1), [9], [0, 1, 2, 3, 9, 9, 9, 9, 8, 9, 10, 11] },
        { "x[0, .., ^1] = column", At(0, .., ^1), [70, 71, 72], [0, 1, 2, 70, 4, 5, 6, 71, 8, 9, 10, 72] },
        { "x[0, 0, ::-1] = row", At(0, 0, ArrayIndex.Step(-1)), [7, 8, 9, 10],
            [10, 9, 8, 7, 4, 5, 6, 7, 8, 9, 10, 11] },
        { "x[0, 1:, ::2] = 5", At(0, 1.., ArrayIndex.Step(2)), [5], [0, 1, 2, 3, 5, 5, 5, 7, 5, 9, 5, 11] },
        { "x[..., 0] = 1", At(ArrayIndex.Ellipsis, 0), [1], [1, 1, 2, 3, 1, 5, 6, 7, 1, 9, 10, 11] },
    };

    // Between the brackets of a collection expression, two dots would spread.
    private static ArrayIndex[] At(params ArrayIndex[] indices) => indices;

    [Theory]
    [MemberData(nameof(Reads))]
    public void Brackets_read_as_numpy_does(string text, ArrayIndex[] indices, int[] shape, int[] elements)
    {
        MlxArray part = X[indices];

        Assert.True(shape.SequenceEqual(part.Shape), $"{text} has shape {part.Describe()}");
        Assert.Equal(elements, part.ToArray<int>());
    }

    [Theory]
    [MemberData(nameof(Writes))]
    public void With_writes_a_part_of_a_copy(string text, ArrayIndex[] indices, int[] value, int[] firstMatrix)
    {
        MlxArray x = X, update = value.Length == 1 ? MlxArray.Scalar(value[0]) : MlxArray.From(value);

        MlxArray changed = x.With(update, indices);

        Assert.True(firstMatrix.SequenceEqual(changed[0].ToArray<int>()), $"{text} gave {changed[0]}");
        Assert.Equal(Enumerable.Range(0, 24), x.ToArray<int>());
    }

    [Fact]
    public void With_takes_a_number_in_the_array_s_dtype()
    {
        MlxArray x = MlxArray.Zeros([3], DType.BFloat16).With(1.5, 1);

        Assert.Equal(DType.BFloat16, x.DType);
        Assert.Equal([0f, 1.5f, 0], x.ToArray<float>());
    }

    [Fact]
    public void Null_is_a_new_axis() => Assert.Equal([1, 2, 3, 4], X[null, ..].Shape);

    [Fact]
    public void Whole_array_in_brackets_is_the_array() => Assert.Equal([2, 3, 4], X[.., ArrayIndex.Ellipsis].Shape);

    [Fact]
    public void Number_or_range_that_leaves_its_axis_is_refused()
    {
        Assert.Contains(
            "index 2 leaves axis 0 of [2, 3, 4] int32",
            Assert.Throws<ArgumentOutOfRangeException>(() => X[2]).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => X[-3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => X[.., 2..5]);
        Assert.Throws<ArgumentOutOfRangeException>(() => X[.., ^4..]);
    }

    [Fact]
    public void Too_many_indices_or_two_ellipses_are_refused()
    {
        Assert.Throws<ArgumentException>(() => X[0, 0, 0, 0]);
        Assert.Throws<ArgumentException>(() => X[ArrayIndex.Ellipsis, ArrayIndex.Ellipsis]);
    }

    [Fact]
    public void Mask_as_an_index_is_refused() => Assert.Throws<ArgumentException>(() => X[X > 2]);

    [Fact]
    public void Index_array_out_of_range_is_refused()
    {
        Assert.Throws<MlxException>(() => X[MlxArray.From([2])]);
        Assert.Throws<MlxException>(() => X[MlxArray.From([0]), MlxArray.From([3])]);
    }
}
