namespace ElmMlx.Lora;

/// <summary>
/// The largest singular values of a matrix and their vectors, by subspace iteration in float64: a few more vectors
/// than are asked for go through the matrix and back until what they hold of it grows no more. Where the matrix has
/// no more than that rank, the result is the matrix.
/// </summary>
internal sealed class TruncatedSvd
{
    private const int Oversampling = 8;     // vectors beside those that are asked for: the last ones converge slowly
    private const int MaxIterations = 60;
    private const double Growth = 1e-5;     // of what is left out, in one iteration: then it is done
    private const int MaxSweeps = 40;

    private TruncatedSvd(double[] values, double[][] left, double[][] right)
    {
        Values = values;
        Left = left;
        Right = right;
    }

    /// <summary>The singular values, largest first.</summary>
    public double[] Values { get; }

    /// <summary>A vector of the matrix's rows for each value.</summary>
    public double[][] Left { get; }

    /// <summary>A vector of the matrix's columns for each value.</summary>
    public double[][] Right { get; }

    /// <summary>Computes it.</summary>
    /// <param name="matrix">[rows, columns], row-major.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="rank">Values to compute, no more than the matrix has rows or columns.</param>
    /// <param name="cancellation">Looked at before each iteration.</param>
    public static TruncatedSvd Of(float[] matrix, int rows, int rank, CancellationToken cancellation = default)
    {
        int columns = matrix.Length / rows;
        int count = Math.Min(rank + Oversampling, Math.Min(rows, columns));
        double whole = matrix.Sum(value => (double)value * value);
        double[][] right = Begin(count, columns);
        DoubleRows.Orthonormalise(right);
        double held = -1;
        for (int iteration = 0; ; iteration++)
        {
            cancellation.ThrowIfCancellationRequested();
            double[][] left = DoubleRows.Multiply(matrix, rows, right);
            DoubleRows.Orthonormalise(left);
            right = DoubleRows.MultiplyTransposed(matrix, rows, left);      // Dᵀ = right · leftᵀ on what is held
            TruncatedSvd found = Rotate(left, right, rank);
            double now = found.Values.Sum(value => value * value);
            if (now - held <= Growth * Math.Max(whole - now, 0) + 1e-15 * whole || iteration == MaxIterations)
                return found;
            held = now;
            DoubleRows.Orthonormalise(right);
        }
    }

    // The same start for every matrix of a size, so that results do not change from run to run.
    private static double[][] Begin(int count, int length)
    {
        Random random = new(1);
        double[][] vectors = DoubleRows.New(count, length);
        foreach (double[] vector in vectors)
            for (int i = 0; i < length; i++)
                vector[i] = random.NextDouble() - 0.5;
        return vectors;
    }

    /// <summary>
    /// One-sided Jacobi: turns pairs of the right vectors until all are orthogonal, and the left ones with them;
    /// their lengths are the singular values then.
    /// </summary>
    private static TruncatedSvd Rotate(double[][] left, double[][] right, int rank)
    {
        bool isTurned = true;
        for (int sweep = 0; isTurned && sweep < MaxSweeps; sweep++)
        {
            isTurned = false;
            for (int i = 0; i < right.Length; i++)
                for (int j = i + 1; j < right.Length; j++)
                    isTurned |= Turn(left, right, i, j);
        }
        double[] lengths = [.. right.Select(vector => Math.Sqrt(DoubleRows.Dot(vector, vector)))];
        int[] order = [.. Enumerable.Range(0, right.Length).OrderByDescending(i => lengths[i]).Take(rank)];
        double[][] unit = [.. order.Select(i => (double[])right[i].Clone())];
        for (int k = 0; k < order.Length; k++)
            DoubleRows.Scale(unit[k], lengths[order[k]] > 0 ? 1 / lengths[order[k]] : 0);
        return new TruncatedSvd([.. order.Select(i => lengths[i])], [.. order.Select(i => left[i])], unit);
    }

    private static bool Turn(double[][] left, double[][] right, int i, int j)
    {
        double a = DoubleRows.Dot(right[i], right[i]), b = DoubleRows.Dot(right[j], right[j]);
        double c = DoubleRows.Dot(right[i], right[j]);
        if (Math.Abs(c) <= 1e-14 * Math.Sqrt(a * b))
            return false;
        double zeta = (b - a) / (2 * c);
        double tangent = (zeta >= 0 ? 1 : -1) / (Math.Abs(zeta) + Math.Sqrt(1 + zeta * zeta));
        double cosine = 1 / Math.Sqrt(1 + tangent * tangent);
        DoubleRows.Turn(right[i], right[j], cosine, cosine * tangent);
        DoubleRows.Turn(left[i], left[j], cosine, cosine * tangent);
        return true;
    }
}
