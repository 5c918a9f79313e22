namespace ElmMlx.Cpu;

/// <summary>
/// Shapes, strides and other short rows of numbers that come back with every token. Equal ones mostly are one array, so
/// that nothing is allocated for them; such an array is shared, and nobody writes to it. Which rows are remembered is
/// left to chance: a new one takes the place of another, which stays valid for those who have it. So the memory is
/// bounded and no lock is needed.
/// </summary>
internal static class Interned
{
    /// <summary>A shared array of these numbers. It does not move: C may have its address.</summary>
    public static int[] Of(ReadOnlySpan<int> values) => Table<int>.Of(values);

    /// <inheritdoc cref="Of(ReadOnlySpan{int})"/>
    public static long[] Of(ReadOnlySpan<long> values) => Table<long>.Of(values);

    private static class Table<T>
        where T : unmanaged, IEquatable<T>
    {
        private const int SetCount = 1024, Ways = 4;

        private static readonly T[]?[] Rows = new T[SetCount * Ways][];
        private static readonly T[] Empty = GC.AllocateArray<T>(0, pinned: true);
        private static int s_next;

        public static T[] Of(ReadOnlySpan<T> values)
        {
            if (values.IsEmpty)
                return Empty;
            uint hash = (uint)values.Length;
            foreach (T value in values)
                hash = (hash ^ (uint)value.GetHashCode()) * 0x9E3779B1;
            Span<T[]?> set = Rows.AsSpan((int)(hash >> 22) * Ways, Ways);
            foreach (ref T[]? place in set)
            {
                T[]? row = Volatile.Read(ref place);
                if (row is not null && values.SequenceEqual(row))
                    return row;
            }

            T[] added = GC.AllocateUninitializedArray<T>(values.Length, pinned: true);
            values.CopyTo(added);
            Volatile.Write(ref set[s_next++ & (Ways - 1)], added);
            return added;
        }
    }
}
