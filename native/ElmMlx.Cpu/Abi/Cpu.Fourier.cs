using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_fft_fft(mlx_array* res, mlx_array a, int n, int axis, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, [n], [axis], isReal: false, isInverse: false, norm);

    public static int mlx_fft_fft2(
        mlx_array* res, mlx_array a, int* n, nuint n_num, int* axes, nuint axes_num, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, Handles.Ints(n, n_num), Handles.Ints(axes, axes_num), isReal: false, isInverse: false, norm);

    public static int mlx_fft_fftn(
        mlx_array* res, mlx_array a, int* n, nuint n_num, int* axes, nuint axes_num, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, Handles.Ints(n, n_num), Handles.Ints(axes, axes_num), isReal: false, isInverse: false, norm);

    public static int mlx_fft_ifft(mlx_array* res, mlx_array a, int n, int axis, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, [n], [axis], isReal: false, isInverse: true, norm);

    public static int mlx_fft_ifft2(
        mlx_array* res, mlx_array a, int* n, nuint n_num, int* axes, nuint axes_num, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, Handles.Ints(n, n_num), Handles.Ints(axes, axes_num), isReal: false, isInverse: true, norm);

    public static int mlx_fft_ifftn(
        mlx_array* res, mlx_array a, int* n, nuint n_num, int* axes, nuint axes_num, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, Handles.Ints(n, n_num), Handles.Ints(axes, axes_num), isReal: false, isInverse: true, norm);

    public static int mlx_fft_rfft(mlx_array* res, mlx_array a, int n, int axis, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, [n], [axis], isReal: true, isInverse: false, norm);

    public static int mlx_fft_rfft2(
        mlx_array* res, mlx_array a, int* n, nuint n_num, int* axes, nuint axes_num, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, Handles.Ints(n, n_num), Handles.Ints(axes, axes_num), isReal: true, isInverse: false, norm);

    public static int mlx_fft_rfftn(
        mlx_array* res, mlx_array a, int* n, nuint n_num, int* axes, nuint axes_num, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, Handles.Ints(n, n_num), Handles.Ints(axes, axes_num), isReal: true, isInverse: false, norm);

    public static int mlx_fft_irfft(mlx_array* res, mlx_array a, int n, int axis, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, [n], [axis], isReal: true, isInverse: true, norm);

    public static int mlx_fft_irfft2(
        mlx_array* res, mlx_array a, int* n, nuint n_num, int* axes, nuint axes_num, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, Handles.Ints(n, n_num), Handles.Ints(axes, axes_num), isReal: true, isInverse: true, norm);

    public static int mlx_fft_irfftn(
        mlx_array* res, mlx_array a, int* n, nuint n_num, int* axes, nuint axes_num, mlx_fft_norm norm, mlx_stream s) =>
        Transform(res, a, Handles.Ints(n, n_num), Handles.Ints(axes, axes_num), isReal: true, isInverse: true, norm);

    public static int mlx_fft_fftshift(mlx_array* res, mlx_array a, int* axes, nuint axes_num, mlx_stream s) =>
        Return(res, Ops.FourierShift(Handles.Node(a), Handles.Ints(axes, axes_num), isInverse: false));

    public static int mlx_fft_ifftshift(mlx_array* res, mlx_array a, int* axes, nuint axes_num, mlx_stream s) =>
        Return(res, Ops.FourierShift(Handles.Node(a), Handles.Ints(axes, axes_num), isInverse: true));

    public static int mlx_fft_fftfreq(mlx_array* res, int n, double d, mlx_stream s) =>
        Return(res, Ops.FourierFrequencies(n, d, isReal: false));

    public static int mlx_fft_rfftfreq(mlx_array* res, int n, double d, mlx_stream s) =>
        Return(res, Ops.FourierFrequencies(n, d, isReal: true));

    private static int Transform(
        mlx_array* res, mlx_array a, int[] sizes, int[] axes, bool isReal, bool isInverse, mlx_fft_norm norm) =>
        Return(res, Ops.FourierTransform(Handles.Node(a), sizes, axes, isReal, isInverse, norm));
}
