using System.Runtime.Intrinsics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// One width of vector, for kernels that are written once: <typeparamref name="V"/> holds <see cref="Count"/> floats
/// (a <c>Vector512&lt;float&gt;</c>, …, or one <c>float</c>).
/// </summary>
internal unsafe interface ISimd<V>
    where V : struct
{
    /// <summary>Floats in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>Whether the machine has 32 vector registers of this width, for the tile of a matrix product.</summary>
    static abstract bool HasManyRegisters { get; }

    static abstract V Create(float value);

    static abstract V Load(float* from);

    static abstract V LoadBFloat16(ushort* from);

    static abstract V LoadFloat16(ushort* from);

    static abstract void Store(V value, float* to);

    /// <summary>Rounds to nearest, ties to even.</summary>
    static abstract void StoreBFloat16(V value, ushort* to);

    /// <summary>Rounds to nearest, ties to even.</summary>
    static abstract void StoreFloat16(V value, ushort* to);

    /// <summary>Lane j of the four, side by side, at <paramref name="to"/> + j · <paramref name="step"/>.</summary>
    static abstract void StoreTurned(V a, V b, V c, V d, float* to, int step);

    static abstract V Add(V a, V b);

    static abstract V Subtract(V a, V b);

    static abstract V Multiply(V a, V b);

    /// <summary>a·b + c, rounded once where the machine can.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    static abstract V Max(V a, V b);

    /// <summary>The first <paramref name="count"/> lanes, and zeros behind them.</summary>
    static abstract V First(V value, int count);

    static abstract V Exp(V value);

    /// <summary>The sum over the lanes.</summary>
    static abstract float Sum(V value);

    /// <summary>The sums over the lanes of four vectors.</summary>
    static abstract Vector128<float> Sums(V a, V b, V c, V d);

    /// <summary>The lanes at even places of <paramref name="a"/>, then of <paramref name="b"/>.</summary>
    static abstract V Evens(V a, V b);

    /// <summary>The lanes at odd places of <paramref name="a"/>, then of <paramref name="b"/>.</summary>
    static abstract V Odds(V a, V b);

    /// <summary>The largest lane.</summary>
    static abstract float Largest(V value);

    /// <summary>
    /// Lane j gets the element of <paramref name="from"/> that lane j of <paramref name="places"/> names; <see cref="Count"/>
    /// floats must be readable.
    /// </summary>
    static abstract V Spread(float* from, V places);

    /// <summary>
    /// Places for <see cref="Spread"/> of which each serves <paramref name="lanesEach"/> lanes, a power of two: made once a
    /// kernel.
    /// </summary>
    static abstract V SpreadPlaces(int lanesEach);

    /// <summary><see cref="Count"/> bytes as numbers, each less 128.</summary>
    static abstract V LoadBytes(byte* from);

    /// <summary>
    /// Three bytes into each 32-bit lane, above them anything; 16 bytes behind them may be read.
    /// </summary>
    static abstract V LoadThrees(byte* from);

    /// <summary>
    /// Of each five bytes, four from byte <paramref name="first"/> (0 or 1) on into a 32-bit lane; nothing else is read.
    /// </summary>
    static abstract V LoadFives(byte* from, int first);

    /// <summary>
    /// From each 32-bit lane of <paramref name="words"/> the lowest <paramref name="bits"/> bits (2 to 6) as a number,
    /// less half their range: sums of numbers around 0 lose less. <paramref name="table"/> is what
    /// <see cref="FieldTable"/> gave.
    /// </summary>
    static abstract V LowField(V words, int bits, V table);

    /// <summary>Each 32-bit lane moved down by <paramref name="bits"/>.</summary>
    static abstract V ShiftWords(V words, int bits);

    /// <summary>
    /// For each 32-bit lane of <paramref name="w"/> the sum of eight products: of the low halves of its bytes with four bytes at
    /// <paramref name="evens"/>, and of the high halves with those at <paramref name="odds"/>.
    /// </summary>
    static abstract V NibbleProducts(byte* w, sbyte* evens, sbyte* odds);

    /// <summary>What <see cref="LowField"/> needs, made once a kernel.</summary>
    static abstract V FieldTable(int bits);
}

/// <summary>A kernel that runs at any width.</summary>
internal interface ISimdKernel<TArguments>
    where TArguments : struct
{
    static abstract void Run<L, V>(in TArguments arguments)
        where L : struct, ISimd<V>
        where V : struct;
}
