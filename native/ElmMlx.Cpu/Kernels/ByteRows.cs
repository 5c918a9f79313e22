using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Rows of x rounded to bytes, −127 to 127, with a scale a group: x ≈ scale · byte. Of as many numbers as a vector of four-bit weights
/// holds, those at even places come first and then those at odd ones, as the low and high halves of the weights' bytes lie.
/// </summary>
internal unsafe struct ByteRows
{
    /// <summary>[M, K].</summary>
    public sbyte* Bytes;

    /// <summary>
    /// [M, <see cref="PaddedGroups"/>]: scales, sums of x itself, and sums of the bytes times −8, half the weights' range; zeros behind
    /// the last group.
    /// </summary>
    public float* Scales, Sums, Starts;

    /// <summary>Groups, and zeros up to a whole vector.</summary>
    public int PaddedGroups;

    /// <summary>Rounds x [<paramref name="m"/>, K] in float32, of which <paramref name="unit"/> numbers meet a vector of weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ByteRows Of(float* x, int xRow, int m, in QuantizedMatrix w, int unit)
    {
        int k = w.Columns, padded = (w.GroupsPerRow + 15) / 16 * 16;
        long groups = (long)m * padded;
        float* memory = KernelScratch.Floats(KernelScratch.Use.Extra, 3 * groups + (long)m * k / 4);
        new Span<float>(memory, checked((int)(3 * groups))).Clear();
        var rows = new ByteRows
        {
            Scales = memory,
            Sums = memory + groups,
            Starts = memory + 2 * groups,
            Bytes = (sbyte*)(memory + 3 * groups),
            PaddedGroups = padded,
        };
        sbyte* plain = stackalloc sbyte[unit];
        for (int row = 0; row < m; row++)
        {
            float* from = x + (long)row * xRow;
            sbyte* to = rows.Bytes + (long)row * k;
            for (int at = 0; at < k; at += unit)
            {
                for (int i = 0; i < unit; i += 16)
                {
                    int group = (at + i) / w.GroupSize, place = row * padded + group;
                    if ((at + i) % w.GroupSize == 0)
                        rows.Measure(from + at + i, w.GroupSize, place);
                    rows.Starts[place] -= 8 * Round(from + at + i, rows.Scales[place], plain + i);
                }

                for (int i = 0; i < unit; i += 32)
                {
                    Vector128<short> a = Vector128.Load((short*)(plain + i)), b = Vector128.Load((short*)(plain + i + 16));
                    Vector128.Narrow((a << 8) >> 8, (b << 8) >> 8).Store(to + at + i / 2);
                    Vector128.Narrow(a >> 8, b >> 8).Store(to + at + unit / 2 + i / 2);
                }
            }
        }

        return rows;
    }

    // The scale and the sum of a group.
    private readonly void Measure(float* x, int n, int place)
    {
        Vector128<float> largest = default, sum = default;
        for (int i = 0; i < n; i += 4)
        {
            var value = Vector128.Load(x + i);
            largest = Vector128.Max(largest, Vector128.Abs(value));
            sum += value;
        }

        Scales[place] = MathF.Max(MathF.Max(largest[0], largest[1]), MathF.Max(largest[2], largest[3])) / 127;
        Sums[place] = Vector128.Sum(sum);
    }

    // Sixteen numbers; their sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Round(float* x, float scale, sbyte* to)
    {
        Vector128<float> inverse = Vector128.Create(scale > 0 ? 1 / scale : 0);
        Vector128<int> a = Four(x, inverse), b = Four(x + 4, inverse), c = Four(x + 8, inverse), d = Four(x + 12, inverse);
        Vector128.Narrow(Vector128.Narrow(a, b), Vector128.Narrow(c, d)).Store(to);
        return Vector128.Sum((a + b) + (c + d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Four(float* x, Vector128<float> inverse)
    {
        Vector128<float> limit = Vector128.Create(127f), value = Vector128.Round(Vector128.Load(x) * inverse);
        return Vector128.ConvertToInt32(Vector128.Min(Vector128.Max(value, -limit), limit));
    }
}
