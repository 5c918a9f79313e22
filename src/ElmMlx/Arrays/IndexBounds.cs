using System.Numerics;

namespace ElmMlx;

/// <summary>
/// The smallest and the largest element of an integer array that came from managed memory: MLX does not check indices,
/// so those that are known here are checked here.
/// </summary>
internal sealed record IndexBounds(long Least, long Most)
{
    private const int MaxScanned = 1 << 20; // elements

    /// <summary>The bounds of integer elements; null for others, for none, and for very many.</summary>
    public static IndexBounds? Of<T>(ReadOnlySpan<T> data)
        where T : unmanaged => data switch
        {
            { Length: 0 or > MaxScanned } => null,
            _ when typeof(T) == typeof(int) => Scan<T, int>(data),
            _ when typeof(T) == typeof(uint) => Scan<T, uint>(data),
            _ when typeof(T) == typeof(long) => Scan<T, long>(data),
            _ when typeof(T) == typeof(byte) => Scan<T, byte>(data),
            _ when typeof(T) == typeof(ushort) => Scan<T, ushort>(data),
            _ when typeof(T) == typeof(short) => Scan<T, short>(data),
            _ => null,
        };

    private static IndexBounds Scan<T, TInteger>(ReadOnlySpan<T> data)
        where T : unmanaged
        where TInteger : unmanaged, IBinaryInteger<TInteger>
    {
        ReadOnlySpan<TInteger> values = System.Runtime.InteropServices.MemoryMarshal.Cast<T, TInteger>(data);
        TInteger least = values[0], most = values[0];
        foreach (TInteger value in values)
        {
            least = TInteger.Min(least, value);
            most = TInteger.Max(most, value);
        }

        return new IndexBounds(long.CreateChecked(least), long.CreateChecked(most));
    }
}
