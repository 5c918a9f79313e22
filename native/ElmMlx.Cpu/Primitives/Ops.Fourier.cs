using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;
using static ElmMlx.Bindings.mlx_fft_norm;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>
    /// Discrete Fourier transforms along axes, the input cut or filled up with zeros to <paramref name="lengths"/>:
    /// complex64 from complex64, or with <paramref name="isReal"/> from float32 (only the first n / 2 + 1 numbers of
    /// the last of the axes), or back to float32.
    /// </summary>
    public static Node FourierTransform(
        Node a, int[] lengths, int[] axes, bool isReal, bool isInverse, mlx_fft_norm norm)
    {
        if (a.Rank == 0)
            throw new ArgumentException("[fft] A scalar has no axis to transform along.");
        if (lengths.Length != axes.Length)
            throw new ArgumentException($"[fft] Lengths {Text(lengths)} and axes {Text(axes)} do not go together.");
        if (axes.Length == 0)
            return a;
        int[] at = [.. axes.Select(axis => Axis("fft", axis, a.Rank))];
        if (at.Distinct().Count() != at.Length)
            throw new ArgumentException($"[fft] Axes {Text(axes)} of {a} name one twice.");
        if (lengths.Any(length => length <= 0))
            throw new ArgumentException($"[fft] A transform of lengths {Text(lengths)} has no elements.");
        int[] input = [.. a.Shape];
        for (int i = 0; i < at.Length; i++)
            input[at[i]] = lengths[i];
        int[] output = [.. input];
        if (isReal)
            (isInverse ? input : output)[at[^1]] = lengths[^1] / 2 + 1;
        mlx_dtype from = isReal && !isInverse ? MLX_FLOAT32 : MLX_COMPLEX64;
        mlx_dtype to = isReal && isInverse ? MLX_FLOAT32 : MLX_COMPLEX64;
        Node transformed = Make(new Fourier(at, isInverse, isReal), output, to, AsType(Fitted(a, input), from));
        double n = lengths.Aggregate(1.0, (product, length) => product * length);
        double scale = norm switch
        {
            MLX_FFT_NORM_ORTHO => Math.Sqrt(n),
            MLX_FFT_NORM_FORWARD => n,
            _ => 1,
        };
        return scale == 1 ? transformed : Multiply(transformed, Scalar(isInverse ? scale : 1 / scale, to));
    }

    /// <summary>
    /// Moves frequency 0 to the middle of axes, or with <paramref name="isInverse"/> back to their start.
    /// </summary>
    public static Node FourierShift(Node a, int[] axes, bool isInverse)
    {
        string operation = isInverse ? "ifftshift" : "fftshift";
        int[] shifts = [.. axes.Select(axis => a.Shape[Axis(operation, axis, a.Rank)] / 2)];
        return axes.Length == 0 ? a : Roll(a, isInverse ? [.. shifts.Select(shift => -shift)] : shifts, axes);
    }

    /// <summary>The frequencies of a transform's numbers, where samples are <paramref name="spacing"/> apart.</summary>
    public static Node FourierFrequencies(int n, double spacing, bool isReal)
    {
        string operation = isReal ? "rfftfreq" : "fftfreq";
        if (n <= 0)
            throw new ArgumentException($"[{operation}] A transform of {n} numbers has no frequencies.");
        if (spacing == 0)
            throw new ArgumentException($"[{operation}] The spacing of the samples is 0.");
        Node steps = isReal
            ? Arange(n / 2 + 1, MLX_FLOAT32)
            : Concatenate([Arange((n + 1) / 2, MLX_FLOAT32), Arange(-(n / 2), 0, 1, MLX_FLOAT32)], 0);
        return Multiply(steps, Scalar(1 / (n * spacing), MLX_FLOAT32));
    }

    // Cut at the end of axes that are too long, with zeros behind those that are too short
    private static Node Fitted(Node a, int[] shape)
    {
        int[] zeros = new int[a.Rank], steps = new int[a.Rank];
        Array.Fill(steps, 1);
        int[] kept = [.. shape.Zip(a.Shape, Math.Min)];
        Node part = Slice(a, zeros, kept, steps);
        return kept.AsSpan().SequenceEqual(shape)
            ? part
            : SliceUpdate(Zeros(shape, a.Type), part, zeros, kept, steps);
    }
}
