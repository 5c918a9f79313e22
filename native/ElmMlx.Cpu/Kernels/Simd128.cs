using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Four floats (SSE, NEON).</summary>
internal readonly unsafe struct Simd128 : ISimd<Vector128<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Count => 4;

    public static bool HasManyRegisters => AdvSimd.IsSupported;

    [MethodImpl(Inline)]
    public static Vector128<float> Create(float value) => Vector128.Create(value);

    [MethodImpl(Inline)]
    public static Vector128<float> Load(float* from) => Vector128.Load(from);

    [MethodImpl(Inline)]
    public static Vector128<float> LoadBFloat16(ushort* from) => (Widen(from) << 16).AsSingle();

    [MethodImpl(Inline)]
    public static Vector128<float> LoadFloat16(ushort* from)
    {
        Vector128<uint> half = Widen(from);
        Vector128<uint> magnitude = (half & Vector128.Create(0x7FFFu)) << 13;
        Vector128<uint> value = (magnitude.AsSingle() * Vector128.Create(HalfFormat.Rebias)).AsUInt32();
        Vector128<uint> special = Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(HalfFormat.Special));
        value |= special & Vector128.Create(0x7F800000u);
        return (value | ((half & Vector128.Create(0x8000u)) << 16)).AsSingle();
    }

    [MethodImpl(Inline)]
    public static void Store(Vector128<float> value, float* to) => value.Store(to);

    [MethodImpl(Inline)]
    public static void StoreBFloat16(Vector128<float> value, ushort* to)
    {
        Vector128<uint> bits = value.AsUInt32();
        Vector128<uint> odd = (bits >>> 16) & Vector128<uint>.One;
        Vector128<uint> rounded = (bits + Vector128.Create(0x7FFFu) + odd) >>> 16;
        Vector128<uint> quiet = (bits >>> 16) | Vector128.Create(0x40u);
        Vector128<uint> isNumber = Vector128.Equals(value, value).AsUInt32();
        Narrow(Vector128.ConditionalSelect(isNumber, rounded, quiet)).Store(to);
    }

    [MethodImpl(Inline)]
    public static void StoreFloat16(Vector128<float> value, ushort* to)
    {
        Vector128<uint> bits = value.AsUInt32();
        Vector128<uint> sign = bits & Vector128.Create(0x80000000u);
        Vector128<uint> magnitude = bits ^ sign;
        Vector128<uint> odd = (magnitude >>> 13) & Vector128<uint>.One;
        Vector128<uint> normal = (magnitude + Vector128.Create(HalfFormat.RoundNormal) + odd) >>> 13;
        Vector128<float> magic = Vector128.Create(HalfFormat.Magic);
        Vector128<uint> small = (magnitude.AsSingle() + magic).AsUInt32() - magic.AsUInt32();
        Vector128<uint> large = Vector128.ConditionalSelect(
            Vector128.GreaterThan(magnitude, Vector128.Create(0x7F800000u)),
            Vector128.Create(0x7E00u),
            Vector128.Create(0x7C00u));
        Vector128<uint> result = Vector128.ConditionalSelect(
            Vector128.LessThan(magnitude, Vector128.Create(HalfFormat.SmallestNormal)), small, normal);
        result = Vector128.ConditionalSelect(
            Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(HalfFormat.Overflow)), large, result);
        Narrow(result | (sign >>> 16)).Store(to);
    }

    [MethodImpl(Inline)]
    public static void StoreTurned(
        Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d, float* to, int step)
    {
        Vector128<double> low01 = ZipLow(a, b), high01 = ZipHigh(a, b), low23 = ZipLow(c, d), high23 = ZipHigh(c, d);
        ZipLow(low01, low23).Store(to);
        ZipHigh(low01, low23).Store(to + step);
        ZipLow(high01, high23).Store(to + 2 * step);
        ZipHigh(high01, high23).Store(to + 3 * step);
    }

    [MethodImpl(Inline)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(Inline)]
    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b) => a - b;

    [MethodImpl(Inline)]
    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) =>
        Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(Inline)]
    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.Max(a, b);

    [MethodImpl(Inline)]
    public static Vector128<float> First(Vector128<float> value, int count) =>
        value & Vector128.LessThan(Vector128<int>.Indices, Vector128.Create(count)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector128<float> Exp(Vector128<float> value) =>
        Unsafe.BitCast<Lanes128<float>, Vector128<float>>(
            FloatLanes.Exp(Unsafe.BitCast<Vector128<float>, Lanes128<float>>(value)));

    [MethodImpl(Inline)]
    public static float Sum(Vector128<float> value)
    {
        Vector128<float> halves = value + Vector128.Shuffle(value, Vector128.Create(2, 3, 0, 1));
        return (halves + Vector128.Shuffle(halves, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(Inline)]
    public static Vector128<float> Sums(
        Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        if (Sse3.IsSupported)
            return Sse3.HorizontalAdd(Sse3.HorizontalAdd(a, b), Sse3.HorizontalAdd(c, d));
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.AddPairwise(AdvSimd.Arm64.AddPairwise(a, b), AdvSimd.Arm64.AddPairwise(c, d));
        return Vector128.Create(Sum(a), Sum(b), Sum(c), Sum(d));
    }

    [MethodImpl(Inline)]
    public static Vector128<float> Evens(Vector128<float> a, Vector128<float> b) => Sse.IsSupported
        ? Sse.Shuffle(a, b, 0b10_00_10_00)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.UnzipEven(a, b) : Vector128.Create(a[0], a[2], b[0], b[2]);

    [MethodImpl(Inline)]
    public static Vector128<float> Odds(Vector128<float> a, Vector128<float> b) => Sse.IsSupported
        ? Sse.Shuffle(a, b, 0b11_01_11_01)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.UnzipOdd(a, b) : Vector128.Create(a[1], a[3], b[1], b[3]);

    [MethodImpl(Inline)]
    public static float Largest(Vector128<float> value)
    {
        Vector128<float> halves = Vector128.Max(value, Vector128.Shuffle(value, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Max(halves, Vector128.Shuffle(halves, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(Inline)]
    public static Vector128<float> Spread(float* from, Vector128<float> places) =>
        Vector128.Shuffle(Vector128.Load(from), places.AsInt32());

    [MethodImpl(Inline)]
    public static Vector128<float> SpreadPlaces(int lanesEach) =>
        (Vector128<int>.Indices >>> BitOperations.Log2((uint)lanesEach)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector128<float> LoadBytes(byte* from)
    {
        Vector128<sbyte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(from) ^ 0x80808080).AsSByte();
        return Vector128.ConvertToSingle(Sse41.IsSupported
            ? Sse41.ConvertToVector128Int32(bytes)
            : Vector128.WidenLower(Vector128.WidenLower(bytes)));
    }

    [MethodImpl(Inline)]
    public static Vector128<float> LoadThrees(byte* from) => Vector128.Shuffle(
        Vector128.Load(from),
        Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector128<float> LoadFives(byte* from, int first)
    {
        from += first;
        return Vector128.Create(*(uint*)from, *(uint*)(from + 5), *(uint*)(from + 10), *(uint*)(from + 15)).AsSingle();
    }

    [MethodImpl(Inline)]
    public static Vector128<float> LowField(Vector128<float> words, int bits, Vector128<float> table) =>
        ((words.AsUInt32() & Vector128.Create((1u << bits) - 1)) | Vector128.Create(FieldNumbers.One)).AsSingle()
            - Vector128.Create(FieldNumbers.Centre(bits));

    [MethodImpl(Inline)]
    public static Vector128<float> ShiftWords(Vector128<float> words, int bits) =>
        (words.AsUInt32() >>> bits).AsSingle();

    [MethodImpl(Inline)]
    public static Vector128<float> NibbleProducts(byte* w, sbyte* evens, sbyte* odds)
    {
        Vector128<byte> bytes = Vector128.Load(w), half = Vector128.Create((byte)15);
        Vector128<byte> low = bytes & half, high = (bytes.AsUInt16() >>> 4).AsByte() & half;
        Vector128<sbyte> x = Vector128.Load(evens), y = Vector128.Load(odds);
        if (Dp.IsSupported)
            return Vector128.ConvertToSingle(Dp.DotProduct(Dp.DotProduct(default, low.AsSByte(), x), high.AsSByte(), y));
        if (Ssse3.IsSupported)
        {
            Vector128<short> pairs = Ssse3.MultiplyAddAdjacent(low, x) + Ssse3.MultiplyAddAdjacent(high, y);
            return Vector128.ConvertToSingle(Sse2.MultiplyAddAdjacent(pairs, Vector128<short>.One));
        }

        return Vector128.Create(
            SimdScalar.NibbleProducts(w, evens, odds), SimdScalar.NibbleProducts(w + 4, evens + 4, odds + 4),
            SimdScalar.NibbleProducts(w + 8, evens + 8, odds + 8), SimdScalar.NibbleProducts(w + 12, evens + 12, odds + 12));
    }

    [MethodImpl(Inline)]
    public static Vector128<float> FieldTable(int bits) => default;

    [MethodImpl(Inline)]
    private static Vector128<uint> Widen(ushort* from) =>
        Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)from).AsUInt16());

    [MethodImpl(Inline)]
    private static Vector64<ushort> Narrow(Vector128<uint> value) => Vector128.Narrow(value, value).GetLower();

    // a0 b0 a1 b1, as pairs.
    [MethodImpl(Inline)]
    private static Vector128<double> ZipLow(Vector128<float> a, Vector128<float> b) => (
        Sse.IsSupported ? Sse.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1])).AsDouble();

    // a2 b2 a3 b3, as pairs.
    [MethodImpl(Inline)]
    private static Vector128<double> ZipHigh(Vector128<float> a, Vector128<float> b) => (
        Sse.IsSupported ? Sse.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[2], b[2], a[3], b[3])).AsDouble();

    [MethodImpl(Inline)]
    private static Vector128<float> ZipLow(Vector128<double> a, Vector128<double> b) =>
        Vector128.Create(a.GetLower(), b.GetLower()).AsSingle();

    [MethodImpl(Inline)]
    private static Vector128<float> ZipHigh(Vector128<double> a, Vector128<double> b) =>
        Vector128.Create(a.GetUpper(), b.GetUpper()).AsSingle();
}
