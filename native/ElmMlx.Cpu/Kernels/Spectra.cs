using System.Numerics;
using System.Runtime.InteropServices;
using MathNet.Numerics.Providers.LinearAlgebra;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Singular values and eigenvalues, by Math.NET Numerics in float64. Matrices are row-major here and column-major
/// there: what is a matrix to one is its transpose to the other.
/// </summary>
internal static class Spectra
{
    private static readonly ManagedLinearAlgebraProvider Library = ManagedLinearAlgebraProvider.Instance;

    /// <summary>
    /// A = U·S·Vᵀ of a [m, n]: u [m, m], s [min(m, n)] descending, vt [n, n]; u and vt may be empty: not wanted.
    /// </summary>
    public static void Svd(double[] a, int m, int n, double[] u, double[] s, double[] vt)
    {
        bool isWhole = u.Length > 0;
        Library.SingularValueDecomposition(
            isWhole, a, n, m, s, isWhole ? vt : new double[n * n], isWhole ? u : new double[m * m]);
    }

    /// <summary>The same of complex numbers, pairs of real and imaginary parts: A = U·S·Vᴴ.</summary>
    public static void ComplexSvd(double[] a, int m, int n, double[] u, double[] s, double[] vt)
    {
        bool isWhole = u.Length > 0;
        Complex[] values = new Complex[s.Length], left = new Complex[m * m], right = new Complex[n * n];
        Library.SingularValueDecomposition(isWhole, Numbers(a), n, m, values, right, left);
        for (int i = 0; i < s.Length; i++)
            s[i] = values[i].Real;
        if (!isWhole)
            return;
        Parts(left, u);
        Parts(right, vt);
    }

    /// <summary>
    /// Eigenvalues of a symmetric a [n, n], ascending, and its eigenvectors as columns of vectors [n, n], which may be
    /// empty: not wanted. Only one triangle of a is read.
    /// </summary>
    public static void Eigh(double[] a, int n, bool isUpper, double[] values, double[] vectors)
    {
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < i; j++)
                a[i * n + j] = a[j * n + i] = isUpper ? a[j * n + i] : a[i * n + j];
        }

        var columns = new double[n * n];
        var spectrum = new Complex[n];
        Library.EigenDecomp(true, n, a, columns, spectrum, new double[n * n]);
        int[] order = [.. Enumerable.Range(0, n).OrderBy(k => spectrum[k].Real)];
        for (int k = 0; k < n; k++)
        {
            values[k] = spectrum[order[k]].Real;
            for (int i = 0; vectors.Length > 0 && i < n; i++)
                vectors[i * n + k] = columns[order[k] * n + i];
        }
    }

    /// <summary>The same of a Hermitian matrix, pairs of real and imaginary parts; its eigenvalues are real.</summary>
    public static void ComplexEigh(double[] a, int n, bool isUpper, double[] values, double[] vectors)
    {
        Complex[] rows = Numbers(a), matrix = new Complex[n * n], columns = new Complex[n * n];
        for (int i = 0; i < n; i++)
        {
            matrix[i * n + i] = rows[i * n + i].Real;
            for (int j = 0; j < i; j++)
            {
                Complex lower = isUpper ? Complex.Conjugate(rows[j * n + i]) : rows[i * n + j];
                matrix[j * n + i] = lower;      // column j
                matrix[i * n + j] = Complex.Conjugate(lower);
            }
        }

        var spectrum = new Complex[n];
        Library.EigenDecomp(true, n, matrix, columns, spectrum, new Complex[n * n]);
        int[] order = [.. Enumerable.Range(0, n).OrderBy(k => spectrum[k].Real)];
        for (int k = 0; k < n; k++)
        {
            values[k] = spectrum[order[k]].Real;
            for (int i = 0; vectors.Length > 0 && i < n; i++)
                (vectors[2 * (i * n + k)], vectors[2 * (i * n + k) + 1]) = Pair(columns[order[k] * n + i]);
        }
    }

    /// <summary>
    /// Eigenvalues and eigenvectors (columns, of length 1, the largest element real) of any a [n, n], all of them pairs
    /// of real and imaginary parts; a has such pairs only when <paramref name="isComplex"/>. Vectors may be empty: not
    /// wanted.
    /// </summary>
    public static void Eig(double[] a, int n, bool isComplex, double[] values, double[] vectors)
    {
        Complex[] spectrum = new Complex[n], columns = new Complex[n * n];
        if (isComplex)
            Library.EigenDecomp(false, n, Transposed(Numbers(a), n), columns, spectrum, new Complex[n * n]);
        else
            RealEig(a, n, spectrum, columns);
        Parts(spectrum, values);
        for (int k = 0; vectors.Length > 0 && k < n; k++)
        {
            Complex[] vector = Normalized(columns.AsSpan(k * n, n));
            for (int i = 0; i < n; i++)
                (vectors[2 * (i * n + k)], vectors[2 * (i * n + k) + 1]) = Pair(vector[i]);
        }
    }

    // Conjugate eigenvalues share two columns: real and imaginary parts of the first one's vector
    private static void RealEig(double[] a, int n, Complex[] spectrum, Complex[] columns)
    {
        var real = new double[n * n];
        Library.EigenDecomp(false, n, Transposed(a, n), real, spectrum, new double[n * n]);
        for (int k = 0; k < n; k++)
        {
            bool isFirst = spectrum[k].Imaginary > 0, isSecond = spectrum[k].Imaginary < 0;
            for (int i = 0; i < n; i++)
            {
                columns[k * n + i] = isFirst ? new Complex(real[k * n + i], real[(k + 1) * n + i])
                    : isSecond ? new Complex(real[(k - 1) * n + i], -real[k * n + i])
                    : real[k * n + i];
            }
        }
    }

    private static Complex[] Normalized(ReadOnlySpan<Complex> vector)
    {
        Complex largest = 0;
        double norm = 0;
        foreach (Complex element in vector)
        {
            norm = double.Hypot(norm, element.Magnitude);
            if (element.Magnitude > largest.Magnitude)
                largest = element;
        }

        Complex scale = norm == 0 ? 1
            : largest.Imaginary == 0 ? 1 / norm : Complex.Conjugate(largest) / (largest.Magnitude * norm);
        var result = new Complex[vector.Length];
        for (int i = 0; i < result.Length; i++)
            result[i] = vector[i] * scale;
        return result;
    }

    private static T[] Transposed<T>(T[] a, int n)
    {
        var result = new T[n * n];
        for (int i = 0; i < n * n; i++)
            result[i % n * n + i / n] = a[i];
        return result;
    }

    private static Complex[] Numbers(double[] parts) => MemoryMarshal.Cast<double, Complex>(parts).ToArray();

    private static void Parts(Complex[] numbers, double[] parts) =>
        MemoryMarshal.Cast<Complex, double>(numbers).CopyTo(parts);

    private static (double Real, double Imaginary) Pair(Complex number) => (number.Real, number.Imaginary);
}
