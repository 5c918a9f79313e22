using ElmMlx.Nn;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Initializers that are more than one draw; the others are in <see cref="NnLayerTests"/>.</summary>
public sealed class InitializerTests
{
    [Theory]
    [InlineData(5, 5)]
    [InlineData(3, 7)]
    [InlineData(8, 2)]
    public void Orthogonal_matrix_has_orthogonal_rows_or_columns(int rows, int columns)
    {
        using var scope = new ArrayScope();
        MlxArray q = Initializers.Orthogonal(gain: 3)([rows, columns]);
        Assert.Equal([rows, columns], q.Shape);
        MlxArray product = rows <= columns ? q.MatMul(q.Transpose()) : q.Transpose().MatMul(q);
        double[] expected = [.. (MlxArray.Eye(Math.Min(rows, columns)) * 9.0).Floats().Select(value => (double)value)];
        GoldenArrays.Close(expected, product.Floats(), 1e-4, "q · qᵀ");
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.25, 3)]
    [InlineData(0.5, 5)]
    [InlineData(1, 10)]
    public void Sparse_matrix_has_so_many_zeros_a_row(double sparsity, int nZeros)
    {
        using var scope = new ArrayScope();
        MlxRandom.Seed(4);
        float[] values = Initializers.Sparse(sparsity, mean: 5, std: 0.1)([6, 10]).Floats();
        Assert.All(values.Chunk(10), row => Assert.Equal(nZeros, row.Count(value => value == 0)));
        Assert.All(values.Where(value => value != 0), value => Assert.InRange(value, 4f, 6f));
        if (nZeros is 3 or 5)
            Assert.True(values.Chunk(10)
                .Select(row => string.Join(' ', row.Select(value => value == 0))).Distinct().Count() > 1);
    }

    [Fact]
    public void Constants_and_types_are_as_told()
    {
        using var scope = new ArrayScope();
        Assert.Equal([1f, 0, 0, 1], Initializers.Identity()([2, 2]).Floats());
        MlxArray half = Initializers.Constant(0.5, DType.BFloat16)([3]);
        Assert.Equal(DType.BFloat16, half.DType);
        Assert.Equal([0.5f, 0.5f, 0.5f], half.Floats());
        Assert.Equal(DType.Float16, Initializers.HeUniform(dtype: DType.Float16)([3, 2]).DType);
    }

    [Fact]
    public void Shapes_that_an_initializer_cannot_fill_are_refused()
    {
        using var scope = new ArrayScope();
        Refuses("[2, 3]", () => Initializers.Identity()([2, 3]));
        Refuses("[4]", () => Initializers.HeNormal()([4]));
        Refuses("[4]", () => Initializers.Sparse(0.5)([4]));
        Refuses("[4]", () => Initializers.Orthogonal()([4]));
    }

    private static void Refuses(string shape, Action action) =>
        Assert.Contains(shape, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
}
