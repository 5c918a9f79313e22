using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Eight floats (AVX2).</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Count => 8;

    public static bool HasManyRegisters => false;

    [MethodImpl(Inline)]
    public static Vector256<float> Create(float value) => Vector256.Create(value);

    [MethodImpl(Inline)]
    public static Vector256<float> Load(float* from) => Vector256.Load(from);

    [MethodImpl(Inline)]
    public static Vector256<float> LoadBFloat16(ushort* from) => (Widen(from) << 16).AsSingle();

    [MethodImpl(Inline)]
    public static Vector256<float> LoadFloat16(ushort* from)
    {
        Vector256<uint> half = Widen(from);
        Vector256<uint> magnitude = (half & Vector256.Create(0x7FFFu)) << 13;
        Vector256<uint> value = (magnitude.AsSingle() * Vector256.Create(HalfFormat.Rebias)).AsUInt32();
        Vector256<uint> special = Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(HalfFormat.Special));
        value |= special & Vector256.Create(0x7F800000u);
        return (value | ((half & Vector256.Create(0x8000u)) << 16)).AsSingle();
    }

    [MethodImpl(Inline)]
    public static void Store(Vector256<float> value, float* to) => value.Store(to);

    [MethodImpl(Inline)]
    public static void StoreBFloat16(Vector256<float> value, ushort* to)
    {
        Vector256<uint> bits = value.AsUInt32();
        Vector256<uint> odd = (bits >>> 16) & Vector256<uint>.One;
        Vector256<uint> rounded = (bits + Vector256.Create(0x7FFFu) + odd) >>> 16;
        Vector256<uint> quiet = (bits >>> 16) | Vector256.Create(0x40u);
        Vector256<uint> isNumber = Vector256.Equals(value, value).AsUInt32();
        Narrow(Vector256.ConditionalSelect(isNumber, rounded, quiet)).Store(to);
    }

    [MethodImpl(Inline)]
    public static void StoreFloat16(Vector256<float> value, ushort* to)
    {
        Vector256<uint> bits = value.AsUInt32();
        Vector256<uint> sign = bits & Vector256.Create(0x80000000u);
        Vector256<uint> magnitude = bits ^ sign;
        Vector256<uint> odd = (magnitude >>> 13) & Vector256<uint>.One;
        Vector256<uint> normal = (magnitude + Vector256.Create(HalfFormat.RoundNormal) + odd) >>> 13;
        Vector256<float> magic = Vector256.Create(HalfFormat.Magic);
        Vector256<uint> small = (magnitude.AsSingle() + magic).AsUInt32() - magic.AsUInt32();
        Vector256<uint> large = Vector256.ConditionalSelect(
            Vector256.GreaterThan(magnitude, Vector256.Create(0x7F800000u)),
            Vector256.Create(0x7E00u),
            Vector256.Create(0x7C00u));
        Vector256<uint> result = Vector256.ConditionalSelect(
            Vector256.LessThan(magnitude, Vector256.Create(HalfFormat.SmallestNormal)), small, normal);
        result = Vector256.ConditionalSelect(
            Vector256.GreaterThanOrEqual(magnitude, Vector256.Create(HalfFormat.Overflow)), large, result);
        Narrow(result | (sign >>> 16)).Store(to);
    }

    [MethodImpl(Inline)]
    public static void StoreTurned(
        Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, float* to, int step)
    {
        if (!Avx.IsSupported)
        {
            Simd128.StoreTurned(a.GetLower(), b.GetLower(), c.GetLower(), d.GetLower(), to, step);
            Simd128.StoreTurned(a.GetUpper(), b.GetUpper(), c.GetUpper(), d.GetUpper(), to + 4 * step, step);
            return;
        }

        // Each half of 128 bits is turned by itself.
        Vector256<double> low01 = Avx.UnpackLow(a, b).AsDouble(), low23 = Avx.UnpackLow(c, d).AsDouble();
        Vector256<double> high01 = Avx.UnpackHigh(a, b).AsDouble(), high23 = Avx.UnpackHigh(c, d).AsDouble();
        Store(Avx.UnpackLow(low01, low23), to, step);
        Store(Avx.UnpackHigh(low01, low23), to + step, step);
        Store(Avx.UnpackLow(high01, high23), to + 2 * step, step);
        Store(Avx.UnpackHigh(high01, high23), to + 3 * step, step);
    }

    [MethodImpl(Inline)]
    private static void Store(Vector256<double> value, float* to, int step)
    {
        value.GetLower().AsSingle().Store(to);
        value.GetUpper().AsSingle().Store(to + 4 * step);
    }

    [MethodImpl(Inline)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(Inline)]
    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(Inline)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.MultiplyAddEstimate(a, b, c);

    [MethodImpl(Inline)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.Max(a, b);

    [MethodImpl(Inline)]
    public static Vector256<float> First(Vector256<float> value, int count) =>
        value & Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector256<float> Exp(Vector256<float> value) =>
        Unsafe.BitCast<Lanes256<float>, Vector256<float>>(
            FloatLanes.Exp(Unsafe.BitCast<Vector256<float>, Lanes256<float>>(value)));

    [MethodImpl(Inline)]
    public static float Sum(Vector256<float> value) => Simd128.Sum(value.GetLower() + value.GetUpper());

    [MethodImpl(Inline)]
    public static Vector128<float> Sums(
        Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d) => Simd128.Sums(
            a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper(), c.GetLower() + c.GetUpper(), d.GetLower() + d.GetUpper());

    [MethodImpl(Inline)]
    public static Vector256<float> Evens(Vector256<float> a, Vector256<float> b) => Vector256.Create(
        Simd128.Evens(a.GetLower(), a.GetUpper()), Simd128.Evens(b.GetLower(), b.GetUpper()));

    [MethodImpl(Inline)]
    public static Vector256<float> Odds(Vector256<float> a, Vector256<float> b) => Vector256.Create(
        Simd128.Odds(a.GetLower(), a.GetUpper()), Simd128.Odds(b.GetLower(), b.GetUpper()));

    [MethodImpl(Inline)]
    public static float Largest(Vector256<float> value) =>
        Simd128.Largest(Vector128.Max(value.GetLower(), value.GetUpper()));

    [MethodImpl(Inline)]
    public static Vector256<float> Spread(float* from, Vector256<float> places) =>
        Permute(Vector256.Load(from), places.AsInt32());

    [MethodImpl(Inline)]
    public static Vector256<float> SpreadPlaces(int lanesEach) =>
        (Vector256<int>.Indices >>> BitOperations.Log2((uint)lanesEach)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector256<float> LoadBytes(byte* from)
    {
        Vector128<sbyte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(from) ^ 0x8080808080808080).AsSByte();
        return Vector256.ConvertToSingle(Avx2.IsSupported
            ? Avx2.ConvertToVector256Int32(bytes)
            : Vector256.WidenLower(Vector256.WidenLower(bytes.ToVector256Unsafe())));
    }

    [MethodImpl(Inline)]
    public static Vector256<float> LoadThrees(byte* from) =>
        Vector256.Create(Simd128.LoadThrees(from), Simd128.LoadThrees(from + 12));

    [MethodImpl(Inline)]
    public static Vector256<float> LoadFives(byte* from, int first) =>
        Vector256.Create(Simd128.LoadFives(from, first), Simd128.LoadFives(from + 20, first));

    [MethodImpl(Inline)]
    public static Vector256<float> LowField(Vector256<float> words, int bits, Vector256<float> table) =>
        ((words.AsUInt32() & Vector256.Create((1u << bits) - 1)) | Vector256.Create(FieldNumbers.One)).AsSingle()
            - Vector256.Create(FieldNumbers.Centre(bits));

    [MethodImpl(Inline)]
    public static Vector256<float> ShiftWords(Vector256<float> words, int bits) =>
        (words.AsUInt32() >>> bits).AsSingle();

    [MethodImpl(Inline)]
    public static Vector256<float> NibbleProducts(byte* w, sbyte* evens, sbyte* odds)
    {
        if (!Avx2.IsSupported)
        {
            return Vector256.Create(
                Simd128.NibbleProducts(w, evens, odds), Simd128.NibbleProducts(w + 16, evens + 16, odds + 16));
        }

        Vector256<byte> bytes = Vector256.Load(w), half = Vector256.Create((byte)15);
        Vector256<short> pairs = Avx2.MultiplyAddAdjacent(bytes & half, Vector256.Load(evens))
            + Avx2.MultiplyAddAdjacent((bytes.AsUInt16() >>> 4).AsByte() & half, Vector256.Load(odds));
        return Vector256.ConvertToSingle(Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One));
    }

    [MethodImpl(Inline)]
    public static Vector256<float> FieldTable(int bits) => default;

    [MethodImpl(Inline)]
    private static Vector256<float> Permute(Vector256<float> value, Vector256<int> indices) =>
        Avx2.IsSupported ? Avx2.PermuteVar8x32(value, indices) : Vector256.Shuffle(value, indices);

    [MethodImpl(Inline)]
    private static Vector256<uint> Widen(ushort* from) =>
        Avx2.IsSupported
            ? Avx2.ConvertToVector256Int32(from).AsUInt32()
            : Vector256.WidenLower(Vector128.Load(from).ToVector256());

    [MethodImpl(Inline)]
    private static Vector128<ushort> Narrow(Vector256<uint> value) => Vector256.Narrow(value, value).GetLower();
}
