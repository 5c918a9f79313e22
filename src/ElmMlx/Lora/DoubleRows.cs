using System.Numerics;

namespace ElmMlx.Lora;

/// <summary>
/// A few long vectors in float64, and a float32 matrix times them. All sums run in one order, whatever the threads.
/// </summary>
internal static class DoubleRows
{
    private const int RowBlock = 32;        // rows of the matrix that one task takes
    private const int ColumnBlock = 256;    // columns that one task takes: 256 doubles a vector stay in the caches

    /// <summary><c>D · q</c> for every vector.</summary>
    /// <param name="matrix">[rows, columns].</param>
    /// <param name="vectors">Each of the matrix's columns.</param>
    /// <param name="rows">Rows of the matrix.</param>
    /// <returns>As many vectors, each of its rows.</returns>
    public static double[][] Multiply(float[] matrix, int rows, double[][] vectors)
    {
        int columns = matrix.Length / rows;
        double[][] results = New(vectors.Length, rows);
        Parallel.For(0, (rows + RowBlock - 1) / RowBlock, block =>
        {
            var wide = new double[columns];
            for (int row = block * RowBlock; row < Math.Min(rows, (block + 1) * RowBlock); row++)
            {
                Widen(matrix.AsSpan(row * columns, columns), wide);
                for (int j = 0; j < vectors.Length; j++)
                    results[j][row] = Dot(wide, vectors[j]);
            }
        });
        return results;
    }

    /// <summary><c>Dᵀ · y</c> for every vector.</summary>
    /// <param name="matrix">[rows, columns].</param>
    /// <param name="rows">Rows of the matrix.</param>
    /// <param name="vectors">Each of the matrix's rows.</param>
    /// <returns>As many vectors, each of its columns.</returns>
    public static double[][] MultiplyTransposed(float[] matrix, int rows, double[][] vectors)
    {
        int columns = matrix.Length / rows;
        double[][] results = New(vectors.Length, columns);
        Parallel.For(0, (columns + ColumnBlock - 1) / ColumnBlock, block =>
        {
            int start = block * ColumnBlock, length = Math.Min(ColumnBlock, columns - start);
            var wide = new double[length];
            for (int row = 0; row < rows; row++)
            {
                Widen(matrix.AsSpan(row * columns + start, length), wide);
                for (int j = 0; j < vectors.Length; j++)
                    AddScaled(results[j].AsSpan(start, length), wide, vectors[j][row]);
            }
        });
        return results;
    }

    /// <summary>Makes the vectors orthonormal, one after the other; those that add nothing become zero.</summary>
    public static void Orthonormalise(double[][] vectors)
    {
        double largest = Math.Sqrt(vectors.Max(vector => Dot(vector, vector)));
        for (int j = 0; j < vectors.Length; j++)
        {
            // twice, because one pass leaves what rounding left
            for (int pass = 0; pass < 2; pass++)
                for (int i = 0; i < j; i++)
                    AddScaled(vectors[j], vectors[i], -Dot(vectors[i], vectors[j]));
            double norm = Math.Sqrt(Dot(vectors[j], vectors[j]));
            Scale(vectors[j], norm > 1e-13 * largest ? 1 / norm : 0);
        }
    }

    /// <summary><c>Σ x y</c>.</summary>
    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        int width = Vector<double>.Count, i = 0;
        Vector<double> sum0 = Vector<double>.Zero, sum1 = Vector<double>.Zero;
        for (; i <= x.Length - 2 * width; i += 2 * width)
        {
            sum0 += new Vector<double>(x[i..]) * new Vector<double>(y[i..]);
            sum1 += new Vector<double>(x[(i + width)..]) * new Vector<double>(y[(i + width)..]);
        }
        double sum = Vector.Sum(sum0 + sum1);
        for (; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }

    /// <summary><c>y += factor · x</c>.</summary>
    public static void AddScaled(Span<double> y, ReadOnlySpan<double> x, double factor)
    {
        int width = Vector<double>.Count, i = 0;
        Vector<double> wide = new(factor);
        for (; i <= y.Length - width; i += width)
            (new Vector<double>(y[i..]) + new Vector<double>(x[i..]) * wide).CopyTo(y[i..]);
        for (; i < y.Length; i++)
            y[i] += x[i] * factor;
    }

    /// <summary>Turns two vectors in their plane: <c>x, y = c x − s y, s x + c y</c>.</summary>
    public static void Turn(Span<double> x, Span<double> y, double cosine, double sine)
    {
        int width = Vector<double>.Count, i = 0;
        Vector<double> c = new(cosine), s = new(sine);
        for (; i <= x.Length - width; i += width)
        {
            Vector<double> a = new(x[i..]), b = new(y[i..]);
            (c * a - s * b).CopyTo(x[i..]);
            (s * a + c * b).CopyTo(y[i..]);
        }
        for (; i < x.Length; i++)
            (x[i], y[i]) = (cosine * x[i] - sine * y[i], sine * x[i] + cosine * y[i]);
    }

    /// <summary><c>x *= factor</c>.</summary>
    public static void Scale(Span<double> x, double factor)
    {
        for (int i = 0; i < x.Length; i++)
            x[i] *= factor;
    }

    /// <summary>Vectors of zeros.</summary>
    public static double[][] New(int count, int length) =>
        [.. Enumerable.Range(0, count).Select(_ => new double[length])];

    private static void Widen(ReadOnlySpan<float> source, Span<double> destination)
    {
        int width = Vector<float>.Count, half = Vector<double>.Count, i = 0;
        for (; i <= source.Length - width; i += width)
        {
            Vector.Widen(new Vector<float>(source[i..]), out Vector<double> low, out Vector<double> high);
            low.CopyTo(destination[i..]);
            high.CopyTo(destination[(i + half)..]);
        }
        for (; i < source.Length; i++)
            destination[i] = source[i];
    }
}
