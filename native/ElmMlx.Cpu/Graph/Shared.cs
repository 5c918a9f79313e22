namespace ElmMlx.Cpu;

/// <summary>
/// Primitives without a new object an operation: they never change, so those with equal parameters can be one. Which
/// ones are remembered is left to chance, as with <see cref="Interned"/>.
/// </summary>
internal static class Shared
{
    /// <summary>The one primitive of a kind that has no parameters.</summary>
    public static T Of<T>()
        where T : Primitive, new() => One<T>.Primitive;

    /// <summary>A primitive with these parameters.</summary>
    /// <param name="parameters">Arrays among them are shared ones, which are compared by reference.</param>
    /// <param name="make">Makes one where none is remembered.</param>
    public static T Of<TParameters, T>(TParameters parameters, Func<TParameters, T> make)
        where TParameters : struct, IEquatable<TParameters>
        where T : Primitive
    {
        Entry<TParameters, T>?[] entries = Remembered<TParameters, T>.Entries;
        ref Entry<TParameters, T>? place = ref entries[(uint)parameters.GetHashCode() % (uint)entries.Length];
        Entry<TParameters, T>? entry = Volatile.Read(ref place);
        if (entry is null || !entry.Parameters.Equals(parameters))
        {
            entry = new(parameters, make(parameters));
            Volatile.Write(ref place, entry);
        }

        return entry.Primitive;
    }

    private static class One<T>
        where T : Primitive, new()
    {
        public static readonly T Primitive = new();
    }

    private static class Remembered<TParameters, T>
        where T : Primitive
    {
        public static readonly Entry<TParameters, T>?[] Entries = new Entry<TParameters, T>[128];
    }

    private sealed record Entry<TParameters, T>(TParameters Parameters, T Primitive);
}
