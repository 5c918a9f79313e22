using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Fourier transforms along one axis, and what belongs to all of them.</summary>
/// <remarks>Complex results are complex64; float64 stays in double precision only inside.</remarks>
public static unsafe partial class MlxFft
{
    /// <summary>The transform of one axis: […, n, …] complex64.</summary>
    /// <param name="a">Real or complex.</param>
    /// <param name="n">The axis is cut or filled with zeros to this length; its own unless told.</param>
    /// <param name="axis">The axis; negative ones count from the end.</param>
    /// <param name="norm">What is divided by the length.</param>
    /// <exception cref="MlxException">There is no such axis, or the length is not positive.</exception>
    public static MlxArray Fft(MlxArray a, int? n = null, int axis = -1, FftNorm norm = FftNorm.Backward) =>
        Along(&Checked.mlx_fft_fft, a, n ?? a.Dim(axis), axis, norm);

    /// <summary>The inverse of <see cref="Fft"/>: […, n, …] complex64.</summary>
    /// <inheritdoc cref="Fft"/>
    public static MlxArray Ifft(MlxArray a, int? n = null, int axis = -1, FftNorm norm = FftNorm.Backward) =>
        Along(&Checked.mlx_fft_ifft, a, n ?? a.Dim(axis), axis, norm);

    /// <summary>The transform of a real axis, without its redundant half: […, n / 2 + 1, …] complex64.</summary>
    /// <inheritdoc cref="Fft"/>
    public static MlxArray Rfft(MlxArray a, int? n = null, int axis = -1, FftNorm norm = FftNorm.Backward) =>
        Along(&Checked.mlx_fft_rfft, a, n ?? a.Dim(axis), axis, norm);

    /// <summary>The inverse of <see cref="Rfft"/>: […, n, …] float32.</summary>
    /// <param name="a">Complex, n / 2 + 1 elements along the axis.</param>
    /// <param name="n">The length of the result; 2 · (elements - 1) unless told.</param>
    /// <param name="axis">The axis; negative ones count from the end.</param>
    /// <param name="norm">What is divided by the length.</param>
    /// <exception cref="MlxException">There is no such axis, or the length is not positive.</exception>
    public static MlxArray Irfft(MlxArray a, int? n = null, int axis = -1, FftNorm norm = FftNorm.Backward) =>
        Along(&Checked.mlx_fft_irfft, a, n ?? 2 * (a.Dim(axis) - 1), axis, norm);

    /// <summary>The frequencies of the elements of a transform, in cycles a unit: [n] float32.</summary>
    /// <param name="n">The length of the transform.</param>
    /// <param name="spacing">Between two samples.</param>
    public static MlxArray FftFreq(int n, double spacing = 1) =>
        MlxArray.Adopt(Checked.mlx_fft_fftfreq(n, spacing, Stream));

    /// <summary>The frequencies of the elements of a real transform: [n / 2 + 1] float32.</summary>
    /// <param name="n">The length of the transform.</param>
    /// <param name="spacing">Between two samples.</param>
    public static MlxArray RfftFreq(int n, double spacing = 1) =>
        MlxArray.Adopt(Checked.mlx_fft_rfftfreq(n, spacing, Stream));

    /// <summary>Frequency zero in the middle of each axis.</summary>
    /// <param name="a">Of any shape and dtype.</param>
    /// <param name="axes">Which axes; all when none.</param>
    /// <exception cref="MlxException">There is no such axis.</exception>
    public static MlxArray FftShift(MlxArray a, params ReadOnlySpan<int> axes) =>
        Shift(&Checked.mlx_fft_fftshift, a, axes);

    /// <summary>The inverse of <see cref="FftShift"/>.</summary>
    /// <inheritdoc cref="FftShift"/>
    public static MlxArray IfftShift(MlxArray a, params ReadOnlySpan<int> axes) =>
        Shift(&Checked.mlx_fft_ifftshift, a, axes);

    private static mlx_stream Stream => ArrayThread.Current.Stream;

    private static MlxArray Along(
        delegate*<mlx_array, int, int, mlx_fft_norm, mlx_stream, mlx_array> transform, MlxArray a, int n, int axis,
        FftNorm norm)
    {
        MlxArray result = MlxArray.Adopt(transform(a.Handle, n, axis, (mlx_fft_norm)norm, Stream));
        GC.KeepAlive(a);
        return result;
    }

    private static MlxArray Shift(
        delegate*<mlx_array, int*, nuint, mlx_stream, mlx_array> shift, MlxArray a, ReadOnlySpan<int> axes)
    {
        ReadOnlySpan<int> all = axes.IsEmpty ? [.. Enumerable.Range(0, a.Rank)] : axes;
        mlx_stream stream = Stream;
        fixed (int* list = all)
        {
            MlxArray result = MlxArray.Adopt(shift(a.Handle, list, (nuint)all.Length, stream));
            GC.KeepAlive(a);
            return result;
        }
    }
}
