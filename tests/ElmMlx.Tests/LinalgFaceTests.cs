using Xunit;

namespace ElmMlx.Tests;

/// <summary>Linear algebra and Fourier transforms by their C# names.</summary>
public class LinalgFaceTests
{
    private static readonly float[] Positive = [4, 2, 2, 3];

    private static MlxArray A => MlxArray.From(Positive, 2, 2);

    [Fact]
    public void Factors_multiply_to_the_matrix()
    {
        using IDisposable device = MlxDevice.Cpu.Use();
        MlxArray lower = Linalg.Cholesky(A), upper = Linalg.Cholesky(A, upper: true);
        Same(A, lower.MatMul(lower.Transpose()));
        Same(A, upper.Transpose().MatMul(upper));
        (MlxArray q, MlxArray r) = Linalg.Qr(A);
        Same(A, q.MatMul(r));
        (MlxArray u, MlxArray s, MlxArray vt) = Linalg.Svd(A);
        Same(A, (u * s).MatMul(vt));
        Same(s, Linalg.SingularValues(A));
        (MlxArray rows, MlxArray l, MlxArray up) = Linalg.Lu(A);
        Same(A.Take(rows, 0), l.MatMul(up));
        (MlxArray factors, MlxArray pivots) = Linalg.LuFactor(A);
        Same(up, factors.Triu());
        Assert.Equal([2], pivots.Shape);
        (MlxArray values, MlxArray vectors) = Linalg.Eigh(A, upper: true);
        Same(A, (vectors * values).MatMul(vectors.Transpose()));
        Same(values, Linalg.EigValsh(A, upper: true));
        (MlxArray any, MlxArray columns) = Linalg.Eig(A);
        Same(A, (columns * any).MatMul(Linalg.Inv(columns.Real())).Real());
        Same(values, Linalg.EigVals(A).Real().Sort());
    }

    [Fact]
    public void Inverses_and_solutions_undo_the_product()
    {
        using IDisposable device = MlxDevice.Cpu.Use();
        MlxArray one = MlxArray.Eye(2), b = MlxArray.From([1f, 2], 2, 1);
        Same(one, A.MatMul(Linalg.Inv(A)));
        Same(one, A.MatMul(Linalg.Pinv(A)));
        Same(one, A.MatMul(Linalg.CholeskyInv(Linalg.Cholesky(A))));
        Same(one, A.Triu().MatMul(Linalg.TriInv(A.Triu(), upper: true)));
        Same(b, A.MatMul(Linalg.Solve(A, b)));
        Same(b, A.Triu().MatMul(Linalg.SolveTriangular(A.Triu(), b, upper: true)));
    }

    [Fact]
    public void Norms_and_the_cross_product_are_those_of_the_textbook()
    {
        using IDisposable device = MlxDevice.Cpu.Use();
        MlxArray x = MlxArray.From([3f, -4]);
        Assert.Equal(5, Linalg.Norm(x).Item<float>(), 1e-5);
        Assert.Equal(7, Linalg.Norm(x, 1).Item<float>(), 1e-5);
        Assert.Equal(Math.Sqrt(33), Linalg.Norm(A, MatrixNorm.Frobenius).Item<float>(), 1e-4);
        Assert.Equal(7, Linalg.Norm(A, MatrixNorm.Nuclear).Item<float>(), 1e-4);
        Assert.Equal([2, 1], Linalg.Norm(A, axes: [1], keepDims: true).Shape);
        Assert.Equal([0f, 0, 1], Linalg.Cross(MlxArray.From([1f, 0, 0]), MlxArray.From([0f, 1, 0])).ToArray<float>());
        Assert.Throws<MlxException>(() => Linalg.Inv(MlxArray.Ones([2, 3])).Eval());
    }

    [Fact]
    public void Fourier_transforms_come_back_and_know_their_frequencies()
    {
        MlxArray x = MlxArray.Arange(24.0, 48.0).Reshape(2, 3, 4);
        Same(x, MlxFft.Ifft(MlxFft.Fft(x)).Real());
        Same(x, MlxFft.Irfft(MlxFft.Rfft(x)));
        Same(x, MlxFft.Ifft2(MlxFft.Fft2(x, norm: FftNorm.Ortho), norm: FftNorm.Ortho).Real());
        Same(x, MlxFft.Irfft2(MlxFft.Rfft2(x)));
        Same(x, MlxFft.Ifftn(MlxFft.Fftn(x)).Real());
        Same(x, MlxFft.Irfftn(MlxFft.Rfftn(x, norm: FftNorm.Forward), norm: FftNorm.Forward));
        Assert.Equal([2, 3, 5], MlxFft.Rfft(x, n: 8).Shape);
        Assert.Equal([2, 2, 4], MlxFft.Fftn(x, n: [2], axes: [1]).Shape);
        Same(x, MlxFft.IfftShift(MlxFft.FftShift(x)));
        Assert.Equal([0f, 0.5f, -1, -0.5f], MlxFft.FftFreq(4, 0.5).ToArray<float>());
        Assert.Equal([0f, 0.5f, 1], MlxFft.RfftFreq(4, 0.5).ToArray<float>());
        Assert.Throws<MlxException>(() => MlxFft.Fftn(x, n: [2, 2], axes: [1]));
    }

    private static void Same(MlxArray expected, MlxArray actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.True(
            expected.AllClose(actual, 1e-4, 1e-4).Item<bool>(), $"{expected} is not {actual}");
    }
}
