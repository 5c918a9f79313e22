using ElmMlx.Bindings;

namespace ElmMlx;

// Fourier transforms along two or more axes.
public static unsafe partial class MlxFft
{
    /// <summary>The transform of two axes.</summary>
    /// <param name="a">Real or complex.</param>
    /// <param name="n">The length of each axis, cut or filled with zeros; their own when none.</param>
    /// <param name="axes">The axes; the last two when none.</param>
    /// <param name="norm">What is divided by the number of elements.</param>
    /// <returns>complex64, in the place of each axis its length.</returns>
    /// <exception cref="MlxException">
    /// There is no such axis, an axis comes twice, or lengths and axes differ in number.
    /// </exception>
    public static MlxArray Fft2(
        MlxArray a, ReadOnlySpan<int> n = default, ReadOnlySpan<int> axes = default, FftNorm norm = FftNorm.Backward) =>
        Along(&Checked.mlx_fft_fft2, a, n, axes.IsEmpty ? [-2, -1] : axes, norm);

    /// <summary>The inverse of <see cref="Fft2"/>.</summary>
    /// <inheritdoc cref="Fft2"/>
    public static MlxArray Ifft2(
        MlxArray a, ReadOnlySpan<int> n = default, ReadOnlySpan<int> axes = default, FftNorm norm = FftNorm.Backward) =>
        Along(&Checked.mlx_fft_ifft2, a, n, axes.IsEmpty ? [-2, -1] : axes, norm);

    /// <summary>The transform of two real axes: the last one has n / 2 + 1 elements.</summary>
    /// <inheritdoc cref="Fft2"/>
    public static MlxArray Rfft2(
        MlxArray a, ReadOnlySpan<int> n = default, ReadOnlySpan<int> axes = default, FftNorm norm = FftNorm.Backward) =>
        Along(&Checked.mlx_fft_rfft2, a, n, axes.IsEmpty ? [-2, -1] : axes, norm);

    /// <summary>The inverse of <see cref="Rfft2"/>, float32.</summary>
    /// <inheritdoc cref="Irfftn"/>
    public static MlxArray Irfft2(
        MlxArray a, ReadOnlySpan<int> n = default, ReadOnlySpan<int> axes = default, FftNorm norm = FftNorm.Backward) =>
        Inverse(&Checked.mlx_fft_irfft2, a, n, axes.IsEmpty ? [-2, -1] : axes, norm);

    /// <summary>The transform of several axes; of all when none is named.</summary>
    /// <inheritdoc cref="Fft2"/>
    public static MlxArray Fftn(
        MlxArray a, ReadOnlySpan<int> n = default, ReadOnlySpan<int> axes = default, FftNorm norm = FftNorm.Backward) =>
        Along(&Checked.mlx_fft_fftn, a, n, axes.IsEmpty ? All(a) : axes, norm);

    /// <summary>The inverse of <see cref="Fftn"/>.</summary>
    /// <inheritdoc cref="Fft2"/>
    public static MlxArray Ifftn(
        MlxArray a, ReadOnlySpan<int> n = default, ReadOnlySpan<int> axes = default, FftNorm norm = FftNorm.Backward) =>
        Along(&Checked.mlx_fft_ifftn, a, n, axes.IsEmpty ? All(a) : axes, norm);

    /// <summary>The transform of several real axes: the last one has n / 2 + 1 elements.</summary>
    /// <inheritdoc cref="Fft2"/>
    public static MlxArray Rfftn(
        MlxArray a, ReadOnlySpan<int> n = default, ReadOnlySpan<int> axes = default, FftNorm norm = FftNorm.Backward) =>
        Along(&Checked.mlx_fft_rfftn, a, n, axes.IsEmpty ? All(a) : axes, norm);

    /// <summary>The inverse of <see cref="Rfftn"/>, float32.</summary>
    /// <param name="a">Complex, n / 2 + 1 elements along the last of the axes.</param>
    /// <param name="n">The lengths of the result; that of the last axis is 2 · (elements - 1) unless told.</param>
    /// <param name="axes">The axes; all when none (the last two of <see cref="Irfft2"/>).</param>
    /// <param name="norm">What is divided by the number of elements.</param>
    /// <exception cref="MlxException">
    /// There is no such axis, an axis comes twice, or lengths and axes differ in number.
    /// </exception>
    public static MlxArray Irfftn(
        MlxArray a, ReadOnlySpan<int> n = default, ReadOnlySpan<int> axes = default, FftNorm norm = FftNorm.Backward) =>
        Inverse(&Checked.mlx_fft_irfftn, a, n, axes.IsEmpty ? All(a) : axes, norm);

    private static int[] All(MlxArray a) => [.. Enumerable.Range(0, a.Rank)];

    private static int[] Lengths(MlxArray a, ReadOnlySpan<int> axes)
    {
        int[] lengths = new int[axes.Length];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = a.Dim(axes[i]);
        return lengths;
    }

    private static MlxArray Inverse(
        delegate*<mlx_array, int*, nuint, int*, nuint, mlx_fft_norm, mlx_stream, mlx_array> transform, MlxArray a,
        ReadOnlySpan<int> n, ReadOnlySpan<int> axes, FftNorm norm)
    {
        if (!n.IsEmpty || axes.IsEmpty)
            return Along(transform, a, n, axes, norm);
        int[] lengths = Lengths(a, axes);
        lengths[^1] = 2 * (lengths[^1] - 1);
        return Along(transform, a, lengths, axes, norm);
    }

    private static MlxArray Along(
        delegate*<mlx_array, int*, nuint, int*, nuint, mlx_fft_norm, mlx_stream, mlx_array> transform, MlxArray a,
        ReadOnlySpan<int> n, ReadOnlySpan<int> axes, FftNorm norm)
    {
        ReadOnlySpan<int> lengths = n.IsEmpty ? Lengths(a, axes) : n;
        mlx_stream stream = Stream;
        fixed (int* sizes = lengths)
        fixed (int* list = axes)
        {
            MlxArray result = MlxArray.Adopt(transform(
                a.Handle, sizes, (nuint)lengths.Length, list, (nuint)axes.Length, (mlx_fft_norm)norm, stream));
            GC.KeepAlive(a);
            return result;
        }
    }
}
