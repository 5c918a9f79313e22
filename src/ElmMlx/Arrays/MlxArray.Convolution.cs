using ElmMlx.Bindings;

namespace ElmMlx;

// Convolutions: channels last, kernels [O, …, C / groups], as MLX has them.
public sealed unsafe partial class MlxArray
{
    /// <summary>The sums of products with a kernel that slides along a sequence: [B, L, C] to [B, L', O].</summary>
    /// <param name="weight">The kernel, [O, K, C / groups].</param>
    /// <param name="stride">Steps between two places of the kernel.</param>
    /// <param name="padding">Zeros before and after the sequence.</param>
    /// <param name="dilation">Steps between two elements of the kernel.</param>
    /// <param name="groups">Channels in and out are cut into so many groups, each with kernels of its own.</param>
    /// <exception cref="MlxException">The shapes do not go together.</exception>
    public MlxArray Conv1d(MlxArray weight, int stride = 1, int padding = 0, int dilation = 1, int groups = 1) =>
        New(Checked.mlx_conv1d(Handle, weight.Handle, stride, padding, dilation, groups, Stream), this, weight);

    /// <summary>The same over pictures: [B, H, W, C] to [B, H', W', O].</summary>
    /// <param name="weight">The kernel, [O, Kh, Kw, C / groups].</param>
    /// <param name="stride">Steps between two places of the kernel; 1 unless told.</param>
    /// <param name="padding">Zeros on both sides of an axis.</param>
    /// <param name="dilation">Steps between two elements of the kernel; 1 unless told.</param>
    /// <param name="groups">Channels in and out are cut into so many groups, each with kernels of its own.</param>
    /// <exception cref="MlxException">The shapes do not go together.</exception>
    public MlxArray Conv2d(
        MlxArray weight, IntOrPair? stride = null, IntOrPair padding = default, IntOrPair? dilation = null,
        int groups = 1)
    {
        (IntOrPair s, IntOrPair d) = (stride ?? 1, dilation ?? 1);
        return New(
            Checked.mlx_conv2d(
                Handle, weight.Handle, s.First, s.Second, padding.First, padding.Second, d.First, d.Second, groups,
                Stream),
            this,
            weight);
    }

    /// <summary>The same over volumes: [B, D, H, W, C] to [B, D', H', W', O].</summary>
    /// <param name="weight">The kernel, [O, Kd, Kh, Kw, C / groups].</param>
    /// <param name="stride">Steps between two places of the kernel; 1 unless told.</param>
    /// <param name="padding">Zeros on both sides of an axis.</param>
    /// <param name="dilation">Steps between two elements of the kernel; 1 unless told.</param>
    /// <param name="groups">Channels in and out are cut into so many groups, each with kernels of its own.</param>
    /// <exception cref="MlxException">The shapes do not go together.</exception>
    public MlxArray Conv3d(
        MlxArray weight, IntOrTriple? stride = null, IntOrTriple padding = default, IntOrTriple? dilation = null,
        int groups = 1)
    {
        (IntOrTriple s, IntOrTriple p, IntOrTriple d) = (stride ?? 1, padding, dilation ?? 1);
        return New(
            Checked.mlx_conv3d(
                Handle, weight.Handle, s.First, s.Second, s.Third, p.First, p.Second, p.Third,
                d.First, d.Second, d.Third, groups, Stream),
            this,
            weight);
    }

    /// <summary>The gradient of <see cref="Conv1d"/> with respect to its input: [B, L, C] to [B, L', O].</summary>
    /// <param name="weight">The kernel, [O, K, C / groups].</param>
    /// <param name="stride">Places of the result between two of the input.</param>
    /// <param name="padding">How many are cut off on both sides.</param>
    /// <param name="dilation">Steps between two elements of the kernel.</param>
    /// <param name="outputPadding">Zeros that are added at the end.</param>
    /// <param name="groups">Channels in and out are cut into so many groups, each with kernels of its own.</param>
    /// <exception cref="MlxException">The shapes do not go together.</exception>
    public MlxArray ConvTranspose1d(
        MlxArray weight, int stride = 1, int padding = 0, int dilation = 1, int outputPadding = 0, int groups = 1) =>
        New(
            Checked.mlx_conv_transpose1d(
                Handle, weight.Handle, stride, padding, dilation, outputPadding, groups, Stream),
            this,
            weight);

    /// <summary>
    /// The gradient of <see cref="Conv2d"/> with respect to its input: [B, H, W, C] to [B, H', W', O].
    /// </summary>
    /// <param name="weight">The kernel, [O, Kh, Kw, C / groups].</param>
    /// <param name="stride">Places of the result between two of the input; 1 unless told.</param>
    /// <param name="padding">How many are cut off on both sides of an axis.</param>
    /// <param name="dilation">Steps between two elements of the kernel; 1 unless told.</param>
    /// <param name="outputPadding">Zeros that are added at the end of an axis.</param>
    /// <param name="groups">Channels in and out are cut into so many groups, each with kernels of its own.</param>
    /// <exception cref="MlxException">The shapes do not go together.</exception>
    public MlxArray ConvTranspose2d(
        MlxArray weight, IntOrPair? stride = null, IntOrPair padding = default, IntOrPair? dilation = null,
        IntOrPair outputPadding = default, int groups = 1)
    {
        (IntOrPair s, IntOrPair d) = (stride ?? 1, dilation ?? 1);
        return New(
            Checked.mlx_conv_transpose2d(
                Handle, weight.Handle, s.First, s.Second, padding.First, padding.Second, d.First, d.Second,
                outputPadding.First, outputPadding.Second, groups, Stream),
            this,
            weight);
    }

    /// <summary>
    /// The gradient of <see cref="Conv3d"/> with respect to its input: [B, D, H, W, C] to [B, D', H', W', O].
    /// </summary>
    /// <param name="weight">The kernel, [O, Kd, Kh, Kw, C / groups].</param>
    /// <param name="stride">Places of the result between two of the input; 1 unless told.</param>
    /// <param name="padding">How many are cut off on both sides of an axis.</param>
    /// <param name="dilation">Steps between two elements of the kernel; 1 unless told.</param>
    /// <param name="outputPadding">Zeros that are added at the end of an axis.</param>
    /// <param name="groups">Channels in and out are cut into so many groups, each with kernels of its own.</param>
    /// <exception cref="MlxException">The shapes do not go together.</exception>
    public MlxArray ConvTranspose3d(
        MlxArray weight, IntOrTriple? stride = null, IntOrTriple padding = default, IntOrTriple? dilation = null,
        IntOrTriple outputPadding = default, int groups = 1)
    {
        (IntOrTriple s, IntOrTriple p, IntOrTriple d) = (stride ?? 1, padding, dilation ?? 1);
        return New(
            Checked.mlx_conv_transpose3d(
                Handle, weight.Handle, s.First, s.Second, s.Third, p.First, p.Second, p.Third,
                d.First, d.Second, d.Third,
                outputPadding.First, outputPadding.Second, outputPadding.Third, groups, Stream),
            this,
            weight);
    }

    /// <summary>A convolution over any number of axes of space, with all of MLX's options.</summary>
    /// <param name="weight">The kernel, [O, …, C / groups].</param>
    /// <param name="stride">Steps between two places of the kernel, an axis of space each; none: 1.</param>
    /// <param name="paddingLow">Zeros before each axis of space; none: 0.</param>
    /// <param name="paddingHigh">Zeros behind each axis of space; none: 0.</param>
    /// <param name="kernelDilation">Steps between two elements of the kernel; none: 1.</param>
    /// <param name="inputDilation">Steps between two elements of the input, zeros between them; none: 1.</param>
    /// <param name="groups">Channels in and out are cut into so many groups, each with kernels of its own.</param>
    /// <param name="flip">Whether the kernel is turned over, as in a convolution of signal processing.</param>
    /// <exception cref="MlxException">The shapes do not go together.</exception>
    public MlxArray ConvGeneral(
        MlxArray weight, ReadOnlySpan<int> stride = default, ReadOnlySpan<int> paddingLow = default,
        ReadOnlySpan<int> paddingHigh = default, ReadOnlySpan<int> kernelDilation = default,
        ReadOnlySpan<int> inputDilation = default, int groups = 1, bool flip = false)
    {
        mlx_stream stream = Stream;
        fixed (int* s = stride)
        fixed (int* low = paddingLow)
        fixed (int* high = paddingHigh)
        fixed (int* kernel = kernelDilation)
        fixed (int* input = inputDilation)
            return New(
                Checked.mlx_conv_general(
                    Handle, weight.Handle, s, (nuint)stride.Length, low, (nuint)paddingLow.Length, high,
                    (nuint)paddingHigh.Length, kernel, (nuint)kernelDilation.Length, input, (nuint)inputDilation.Length,
                    groups, flip, stream),
                this,
                weight);
    }
}
