using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>Elements as numbers, and how they are compared: the README of the golden data has the rules.</summary>
internal static class GoldenValues
{
    /// <summary>The elements as doubles; two of them for a complex one.</summary>
    public static double[] Doubles(this GoldenTensor tensor)
    {
        ReadOnlySpan<byte> bytes = tensor.Bytes.Span;
        return tensor.Type switch
        {
            mlx_dtype.MLX_BOOL or mlx_dtype.MLX_UINT8 => Convert<byte>(bytes, x => x),
            mlx_dtype.MLX_UINT16 => Convert<ushort>(bytes, x => x),
            mlx_dtype.MLX_UINT32 => Convert<uint>(bytes, x => x),
            mlx_dtype.MLX_UINT64 => Convert<ulong>(bytes, x => x),
            mlx_dtype.MLX_INT8 => Convert<sbyte>(bytes, x => x),
            mlx_dtype.MLX_INT16 => Convert<short>(bytes, x => x),
            mlx_dtype.MLX_INT32 => Convert<int>(bytes, x => x),
            mlx_dtype.MLX_INT64 => Convert<long>(bytes, x => x),
            mlx_dtype.MLX_FLOAT16 => Convert<Half>(bytes, x => (double)x),
            mlx_dtype.MLX_BFLOAT16 => Convert<ushort>(bytes, x => BitConverter.UInt32BitsToSingle((uint)x << 16)),
            mlx_dtype.MLX_FLOAT64 => Convert<double>(bytes, x => x),
            _ => Convert<float>(bytes, x => x),
        };
    }

    /// <summary>What is wrong with <paramref name="got"/>; null when it passes.</summary>
    public static string? Difference(
        GoldenTensor got, GoldenTensor want, double rtol, double atol, GoldenTensor? exact = null)
    {
        if (got.Type != want.Type || !got.Shape.AsSpan().SequenceEqual(want.Shape))
            return $"{Text(got)} instead of {Text(want)}";
        bool isWhole = want.Type < mlx_dtype.MLX_FLOAT16;
        if (isWhole && rtol == 0 && atol == 0)
        {
            int at = got.Bytes.Span.CommonPrefixLength(want.Bytes.Span);
            return at == want.Bytes.Length ? null : Report(got.Doubles(), want.Doubles(), at / SizeOf(want.Type));
        }

        double[] a = got.Doubles(), b = want.Doubles(), c = exact?.Doubles() ?? b;
        int parts = want.Type == mlx_dtype.MLX_COMPLEX64 ? 2 : 1;
        for (int i = 0; i < b.Length; i += parts)
        {
            bool passes = parts == 2 ? IsComplexClose(a, b, i, rtol, atol) : IsClose(a[i], b[i], c[i], rtol, atol);
            if (!passes)
                return Report(a, b, i);
        }

        return null;
    }

    /// <summary>What is wrong with plain numbers; null when they pass.</summary>
    public static string? Difference(double[] got, double[] want, double rtol, double atol)
    {
        if (got.Length != want.Length)
            return $"{got.Length} values instead of {want.Length}";
        for (int i = 0; i < want.Length; i++)
        {
            if (!IsClose(got[i], want[i], want[i], rtol, atol))
                return Report(got, want, i);
        }

        return null;
    }

    public static string Text(GoldenTensor tensor) => $"{tensor.Type} [{string.Join(", ", tensor.Shape)}]";

    private static bool IsClose(double got, double want, double exact, double rtol, double atol)
    {
        if (got == want || got == exact || (double.IsNaN(got) && (double.IsNaN(want) || double.IsNaN(exact))))
            return true;
        double low = Math.Min(want - (atol + rtol * Math.Abs(want)), exact - (atol + rtol * Math.Abs(exact)));
        double high = Math.Max(want + (atol + rtol * Math.Abs(want)), exact + (atol + rtol * Math.Abs(exact)));
        return double.IsFinite(low) && double.IsFinite(high) && got >= low && got <= high;
    }

    private static bool IsComplexClose(double[] got, double[] want, int at, double rtol, double atol)
    {
        double real = got[at] - want[at], imaginary = got[at + 1] - want[at + 1];
        if (double.IsFinite(real) && double.IsFinite(imaginary))
            return double.Hypot(real, imaginary) <= atol + rtol * double.Hypot(want[at], want[at + 1]);
        return IsClose(got[at], want[at], want[at], rtol, atol)
            && IsClose(got[at + 1], want[at + 1], want[at + 1], rtol, atol);
    }

    private static string Report(double[] got, double[] want, int at) =>
        $"[{at}] is {got[at]:g9}, not {want[at]:g9}";

    private static int SizeOf(mlx_dtype type) => type switch
    {
        mlx_dtype.MLX_BOOL or mlx_dtype.MLX_UINT8 or mlx_dtype.MLX_INT8 => 1,
        mlx_dtype.MLX_UINT16 or mlx_dtype.MLX_INT16 => 2,
        mlx_dtype.MLX_UINT32 or mlx_dtype.MLX_INT32 => 4,
        _ => 8,
    };

    private static double[] Convert<T>(ReadOnlySpan<byte> bytes, Func<T, double> convert)
        where T : unmanaged
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(bytes);
        var result = new double[values.Length];
        for (int i = 0; i < result.Length; i++)
            result[i] = convert(values[i]);
        return result;
    }
}
