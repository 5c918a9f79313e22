using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>
/// P·A = L·U: both factors in one matrix [.., m, n], the exchanged rows, and where each row came from.
/// </summary>
internal sealed class LUF : MatrixPrimitive
{
    protected override void Compute(Node x, double[][] inputs, double[][] outputs)
    {
        int m = x.Shape[^2], n = x.Shape[^1];
        var pivots = new int[Math.Min(m, n)];
        if (!Factorizations.Lu(inputs[0], m, n, pivots))
            throw new InvalidOperationException($"[lu] A matrix of {x} is singular: a pivot is 0.");
        inputs[0].CopyTo(outputs[0], 0);
        double[] rows = outputs[2];
        for (int i = 0; i < m; i++)
            rows[i] = i;
        for (int k = 0; k < pivots.Length; k++)
            outputs[1][k] = pivots[k];
        for (int k = pivots.Length - 1; k >= 0; k--)
            (rows[k], rows[pivots[k]]) = (rows[pivots[k]], rows[k]);
    }
}

/// <summary>A = Q·R: Q [.., m, k] and R [.., k, n], where k = min(m, n).</summary>
internal sealed class QRF : MatrixPrimitive
{
    protected override void Compute(Node x, double[][] inputs, double[][] outputs) =>
        Factorizations.Qr(inputs[0], x.Shape[^2], x.Shape[^1], outputs[0], outputs[1]);
}

/// <summary>A = L·Lᵀ, or Uᵀ·U, of a symmetric matrix, of which that triangle is read.</summary>
internal sealed class Cholesky(bool isUpper) : MatrixPrimitive
{
    protected override void Compute(Node x, double[][] inputs, double[][] outputs)
    {
        int n = x.Shape[^1];
        Span<double> a = outputs[0];
        Copy(inputs[0], a, n);
        if (!Factorizations.Cholesky(a, n))
            throw new InvalidOperationException($"[cholesky] A matrix of {x} is not positive definite.");
        if (isUpper)
            Copy(a.ToArray(), a, n);
    }

    // Transposed, when the triangle is the upper one
    private void Copy(double[] from, Span<double> to, int n)
    {
        for (int i = 0; i < n * n; i++)
            to[i] = isUpper ? from[i % n * n + i / n] : from[i];
    }
}

/// <summary>The inverse of a matrix, or of one of its triangles.</summary>
internal sealed class Inverse(bool isTriangle, bool isUpper) : MatrixPrimitive
{
    // d(A⁻¹) = −A⁻¹·dA·A⁻¹; of a triangle, what lies in it
    public override Node?[] Gradient(Backward backward)
    {
        Node transposed = Ops.SwapAxes(backward.Output, -1, -2);
        Node gradient = Ops.Negative(Ops.MatMul(Ops.MatMul(transposed, backward.Cotangent), transposed));
        return [!isTriangle ? gradient : isUpper ? Ops.Triu(gradient, 0) : Ops.Tril(gradient, 0)];
    }

    protected override void Compute(Node x, double[][] inputs, double[][] outputs)
    {
        int n = x.Shape[^1];
        double[] inverse = outputs[0];
        for (int i = 0; i < n; i++)
            inverse[i * n + i] = 1;
        bool isRegular = isTriangle
            ? Factorizations.SolveTriangle(inputs[0], n, inverse, n, isUpper, hasUnitDiagonal: false)
            : Solve.Run(inputs[0], n, inverse, n);
        if (!isRegular)
            throw new InvalidOperationException($"[inv] A matrix of {x} is singular.");
    }
}

/// <summary>X of A·X = B for a [.., n, n] and b [.., n, k].</summary>
internal sealed class Solve : MatrixPrimitive
{
    public override Node?[] Gradient(Backward backward)
    {
        Node transposed = Ops.SwapAxes(backward.X, -1, -2);
        Node ofB = Ops.Make(this, backward.Y.Shape, backward.Y.Type, transposed, backward.Cotangent);
        return backward.Each(
            () => Ops.Negative(Ops.MatMul(ofB, Ops.SwapAxes(backward.Output, -1, -2))), () => ofB);
    }

    /// <summary>b becomes X, a is overwritten; whether a is regular.</summary>
    internal static bool Run(double[] a, int n, double[] b, int columns)
    {
        var pivots = new int[n];
        if (!Factorizations.Lu(a, n, n, pivots))
            return false;
        Factorizations.Exchange(b, columns, pivots);
        Factorizations.SolveTriangle(a, n, b, columns, isUpper: false, hasUnitDiagonal: true);
        return Factorizations.SolveTriangle(a, n, b, columns, isUpper: true, hasUnitDiagonal: false);
    }

    protected override void Compute(Node x, double[][] inputs, double[][] outputs)
    {
        int n = x.Shape[^1];
        if (!Run(inputs[0], n, inputs[1], n == 0 ? 0 : inputs[1].Length / n))
            throw new InvalidOperationException($"[solve] A matrix of {x} is singular.");
        inputs[1].CopyTo(outputs[0], 0);
    }
}

/// <summary>A = U·S·Vᴴ: U, S and Vᴴ, or S alone.</summary>
internal sealed class SVD(bool isWhole) : MatrixPrimitive
{
    protected override void Compute(Node x, double[][] inputs, double[][] outputs)
    {
        int m = x.Shape[^2], n = x.Shape[^1];
        (double[] u, double[] s, double[] vt) = isWhole ? (outputs[0], outputs[1], outputs[2]) : ([], outputs[0], []);
        if (x.Type == mlx_dtype.MLX_COMPLEX64)
            Spectra.ComplexSvd(inputs[0], m, n, u, s, vt);
        else
            Spectra.Svd(inputs[0], m, n, u, s, vt);
    }
}

/// <summary>Eigenvalues, ascending, and perhaps eigenvectors of symmetric or Hermitian matrices.</summary>
internal sealed class Eigh(bool isUpper) : MatrixPrimitive
{
    protected override void Compute(Node x, double[][] inputs, double[][] outputs)
    {
        double[] vectors = outputs.Length > 1 ? outputs[1] : [];
        if (x.Type == mlx_dtype.MLX_COMPLEX64)
            Spectra.ComplexEigh(inputs[0], x.Shape[^1], isUpper, outputs[0], vectors);
        else
            Spectra.Eigh(inputs[0], x.Shape[^1], isUpper, outputs[0], vectors);
    }
}

/// <summary>Eigenvalues, and perhaps eigenvectors, of any square matrices.</summary>
internal sealed class Eig : MatrixPrimitive
{
    protected override void Compute(Node x, double[][] inputs, double[][] outputs) => Spectra.Eig(
        inputs[0], x.Shape[^1], x.Type == mlx_dtype.MLX_COMPLEX64, outputs[0], outputs.Length > 1 ? outputs[1] : []);
}
