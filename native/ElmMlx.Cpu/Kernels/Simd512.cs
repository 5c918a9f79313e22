using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Sixteen floats (AVX-512).</summary>
internal readonly unsafe struct Simd512 : ISimd<Vector512<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Count => 16;

    public static bool HasManyRegisters => true;

    [MethodImpl(Inline)]
    public static Vector512<float> Create(float value) => Vector512.Create(value);

    [MethodImpl(Inline)]
    public static Vector512<float> Load(float* from) => Vector512.Load(from);

    [MethodImpl(Inline)]
    public static Vector512<float> LoadBFloat16(ushort* from) => (Widen(from) << 16).AsSingle();

    [MethodImpl(Inline)]
    public static Vector512<float> LoadFloat16(ushort* from)
    {
        Vector512<uint> half = Widen(from);
        Vector512<uint> magnitude = (half & Vector512.Create(0x7FFFu)) << 13;
        Vector512<uint> value = (magnitude.AsSingle() * Vector512.Create(HalfFormat.Rebias)).AsUInt32();
        Vector512<uint> special = Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(HalfFormat.Special));
        value |= special & Vector512.Create(0x7F800000u);
        return (value | ((half & Vector512.Create(0x8000u)) << 16)).AsSingle();
    }

    [MethodImpl(Inline)]
    public static void Store(Vector512<float> value, float* to) => value.Store(to);

    [MethodImpl(Inline)]
    public static void StoreBFloat16(Vector512<float> value, ushort* to)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> odd = (bits >>> 16) & Vector512<uint>.One;
        Vector512<uint> rounded = (bits + Vector512.Create(0x7FFFu) + odd) >>> 16;
        Vector512<uint> quiet = (bits >>> 16) | Vector512.Create(0x40u);
        Vector512<uint> isNumber = Vector512.Equals(value, value).AsUInt32();
        Narrow(Vector512.ConditionalSelect(isNumber, rounded, quiet)).Store(to);
    }

    [MethodImpl(Inline)]
    public static void StoreFloat16(Vector512<float> value, ushort* to)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> sign = bits & Vector512.Create(0x80000000u);
        Vector512<uint> magnitude = bits ^ sign;
        Vector512<uint> odd = (magnitude >>> 13) & Vector512<uint>.One;
        Vector512<uint> normal = (magnitude + Vector512.Create(HalfFormat.RoundNormal) + odd) >>> 13;
        Vector512<float> magic = Vector512.Create(HalfFormat.Magic);
        Vector512<uint> small = (magnitude.AsSingle() + magic).AsUInt32() - magic.AsUInt32();
        Vector512<uint> large = Vector512.ConditionalSelect(
            Vector512.GreaterThan(magnitude, Vector512.Create(0x7F800000u)),
            Vector512.Create(0x7E00u),
            Vector512.Create(0x7C00u));
        Vector512<uint> result = Vector512.ConditionalSelect(
            Vector512.LessThan(magnitude, Vector512.Create(HalfFormat.SmallestNormal)), small, normal);
        result = Vector512.ConditionalSelect(
            Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(HalfFormat.Overflow)), large, result);
        Narrow(result | (sign >>> 16)).Store(to);
    }

    [MethodImpl(Inline)]
    public static void StoreTurned(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* to, int step)
    {
        if (!Avx512F.IsSupported)
        {
            Simd256.StoreTurned(a.GetLower(), b.GetLower(), c.GetLower(), d.GetLower(), to, step);
            Simd256.StoreTurned(a.GetUpper(), b.GetUpper(), c.GetUpper(), d.GetUpper(), to + 8 * step, step);
            return;
        }

        // Each quarter of 128 bits is turned by itself.
        Vector512<double> low01 = Avx512F.UnpackLow(a, b).AsDouble(), low23 = Avx512F.UnpackLow(c, d).AsDouble();
        Vector512<double> high01 = Avx512F.UnpackHigh(a, b).AsDouble(), high23 = Avx512F.UnpackHigh(c, d).AsDouble();
        Store(Avx512F.UnpackLow(low01, low23).AsSingle(), to, step);
        Store(Avx512F.UnpackHigh(low01, low23).AsSingle(), to + step, step);
        Store(Avx512F.UnpackLow(high01, high23).AsSingle(), to + 2 * step, step);
        Store(Avx512F.UnpackHigh(high01, high23).AsSingle(), to + 3 * step, step);
    }

    [MethodImpl(Inline)]
    private static void Store(Vector512<float> value, float* to, int step)
    {
        value.GetLower().GetLower().Store(to);
        Avx512F.ExtractVector128(value, 1).Store(to + 4 * step);
        Avx512F.ExtractVector128(value, 2).Store(to + 8 * step);
        Avx512F.ExtractVector128(value, 3).Store(to + 12 * step);
    }

    [MethodImpl(Inline)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(Inline)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(Inline)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.MultiplyAddEstimate(a, b, c);

    [MethodImpl(Inline)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.Max(a, b);

    [MethodImpl(Inline)]
    public static Vector512<float> First(Vector512<float> value, int count) =>
        value & Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector512<float> Exp(Vector512<float> value) =>
        Unsafe.BitCast<Lanes512<float>, Vector512<float>>(
            FloatLanes.Exp(Unsafe.BitCast<Vector512<float>, Lanes512<float>>(value)));

    [MethodImpl(Inline)]
    public static float Sum(Vector512<float> value) => Simd256.Sum(value.GetLower() + value.GetUpper());

    [MethodImpl(Inline)]
    public static Vector128<float> Sums(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        if (!Avx512F.IsSupported)
        {
            return Simd256.Sums(
                a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper(), c.GetLower() + c.GetUpper(), d.GetLower() + d.GetUpper());
        }

        // Within each quarter: a₀+a₂ b₀+b₂ a₁+a₃ b₁+b₃, then the sums of a b c d.
        Vector512<double> ab = (Avx512F.UnpackLow(a, b) + Avx512F.UnpackHigh(a, b)).AsDouble();
        Vector512<double> cd = (Avx512F.UnpackLow(c, d) + Avx512F.UnpackHigh(c, d)).AsDouble();
        Vector512<float> quarters = Avx512F.UnpackLow(ab, cd).AsSingle() + Avx512F.UnpackHigh(ab, cd).AsSingle();
        Vector256<float> halves = quarters.GetLower() + quarters.GetUpper();
        return halves.GetLower() + halves.GetUpper();
    }

    [MethodImpl(Inline)]
    public static Vector512<float> Evens(Vector512<float> a, Vector512<float> b) => Avx512F.IsSupported
        ? Avx512F.PermuteVar16x32x2(a, Vector512<int>.Indices * 2, b)
        : Vector512.Create(Simd256.Evens(a.GetLower(), a.GetUpper()), Simd256.Evens(b.GetLower(), b.GetUpper()));

    [MethodImpl(Inline)]
    public static Vector512<float> Odds(Vector512<float> a, Vector512<float> b) => Avx512F.IsSupported
        ? Avx512F.PermuteVar16x32x2(a, Vector512<int>.Indices * 2 + Vector512<int>.One, b)
        : Vector512.Create(Simd256.Odds(a.GetLower(), a.GetUpper()), Simd256.Odds(b.GetLower(), b.GetUpper()));

    [MethodImpl(Inline)]
    public static float Largest(Vector512<float> value) =>
        Simd256.Largest(Vector256.Max(value.GetLower(), value.GetUpper()));

    [MethodImpl(Inline)]
    public static Vector512<float> Spread(float* from, Vector512<float> places) =>
        Permute(Vector512.Load(from), places.AsInt32());

    [MethodImpl(Inline)]
    public static Vector512<float> SpreadPlaces(int lanesEach) =>
        (Vector512<int>.Indices >>> BitOperations.Log2((uint)lanesEach)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector512<float> LoadBytes(byte* from)
    {
        Vector128<sbyte> bytes = (Vector128.Load(from) ^ Vector128.Create((byte)128)).AsSByte();
        return Vector512.ConvertToSingle(Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Int32(bytes)
            : Vector512.WidenLower(Vector512.WidenLower(bytes.ToVector256Unsafe().ToVector512Unsafe())));
    }

    [MethodImpl(Inline)]
    public static Vector512<float> LoadThrees(byte* from) => Avx512Vbmi.IsSupported
        ? Avx512Vbmi.PermuteVar64x8(Vector512.Load(from), BytesOfLanes(3, 0)).AsSingle()
        : Vector512.Create(Simd256.LoadThrees(from), Simd256.LoadThrees(from + 24));

    [MethodImpl(Inline)]
    public static Vector512<float> LoadFives(byte* from, int first)
    {
        if (!Avx512Vbmi.IsSupported)
            return Vector512.Create(Simd256.LoadFives(from, first), Simd256.LoadFives(from + 40, first));

        // 80 bytes are more than a vector holds: of those from the 64th on, the second one has the last 16.
        Vector512<byte> places = BytesOfLanes(5, first);
        places += Vector512.GreaterThanOrEqual(places, Vector512.Create((byte)64)) & Vector512.Create((byte)48);
        return Avx512Vbmi.PermuteVar64x8x2(Vector512.Load(from), places, Vector512.Load(from + 16)).AsSingle();
    }

    // Byte b of lane j from place stride·j + first + b.
    [MethodImpl(Inline)]
    private static Vector512<byte> BytesOfLanes(int stride, int first) =>
        (Vector512<uint>.Indices * (uint)(stride * 0x01010101) + Vector512.Create(0x03020100u + (uint)(first * 0x01010101))).AsByte();

    [MethodImpl(Inline)]
    public static Vector512<float> LowField(Vector512<float> words, int bits, Vector512<float> table)
    {
        // The permutation looks at the four lowest bits of an index: no mask, no conversion.
        if (bits <= 4 && Avx512F.IsSupported)
            return Avx512F.PermuteVar16x32(table, words.AsInt32());
        Vector512<uint> code = words.AsUInt32() & Vector512.Create((1u << bits) - 1);
        return (code | Vector512.Create(FieldNumbers.One)).AsSingle() - Vector512.Create(FieldNumbers.Centre(bits));
    }

    [MethodImpl(Inline)]
    public static Vector512<float> ShiftWords(Vector512<float> words, int bits) =>
        (words.AsUInt32() >>> bits).AsSingle();

    [MethodImpl(Inline)]
    public static Vector512<float> NibbleProducts(byte* w, sbyte* evens, sbyte* odds)
    {
        if (!Avx512BW.IsSupported)
        {
            return Vector512.Create(
                Simd256.NibbleProducts(w, evens, odds), Simd256.NibbleProducts(w + 32, evens + 32, odds + 32));
        }

        Vector512<byte> bytes = Vector512.Load(w), half = Vector512.Create((byte)15);
        Vector512<short> pairs = Avx512BW.MultiplyAddAdjacent(bytes & half, Vector512.Load(evens))
            + Avx512BW.MultiplyAddAdjacent((bytes.AsUInt16() >>> 4).AsByte() & half, Vector512.Load(odds));
        return Vector512.ConvertToSingle(Avx512BW.MultiplyAddAdjacent(pairs, Vector512<short>.One));
    }

    [MethodImpl(Inline)]
    public static Vector512<float> FieldTable(int bits) =>
        Vector512.ConvertToSingle(
            (Vector512<int>.Indices & Vector512.Create((1 << bits) - 1)) - Vector512.Create(1 << (bits - 1)));

    [MethodImpl(Inline)]
    private static Vector512<float> Permute(Vector512<float> value, Vector512<int> indices) =>
        Avx512F.IsSupported ? Avx512F.PermuteVar16x32(value, indices) : Vector512.Shuffle(value, indices);

    [MethodImpl(Inline)]
    private static Vector512<uint> Widen(ushort* from) =>
        Avx512F.IsSupported
            ? Avx512F.ConvertToVector512UInt32(Vector256.Load(from))
            : Vector512.WidenLower(Vector256.Load(from).ToVector512());

    [MethodImpl(Inline)]
    private static Vector256<ushort> Narrow(Vector512<uint> value) =>
        Avx512F.IsSupported
            ? Avx512F.ConvertToVector256UInt16(value)
            : Vector512.Narrow(value, value).GetLower();
}
