using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>One float: what a machine without vectors runs, and the plainest form of each kernel.</summary>
internal readonly unsafe struct SimdScalar : ISimd<float>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Count => 1;

    public static bool HasManyRegisters => false;

    [MethodImpl(Inline)]
    public static float Create(float value) => value;

    [MethodImpl(Inline)]
    public static float Load(float* from) => *from;

    [MethodImpl(Inline)]
    public static float LoadBFloat16(ushort* from) => BitConverter.UInt32BitsToSingle((uint)*from << 16);

    [MethodImpl(Inline)]
    public static float LoadFloat16(ushort* from) => (float)BitConverter.UInt16BitsToHalf(*from);

    [MethodImpl(Inline)]
    public static void Store(float value, float* to) => *to = value;

    [MethodImpl(Inline)]
    public static void StoreBFloat16(float value, ushort* to)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        *to = float.IsNaN(value)
            ? (ushort)((bits >> 16) | 0x40)
            : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    [MethodImpl(Inline)]
    public static void StoreFloat16(float value, ushort* to) => *to = BitConverter.HalfToUInt16Bits((Half)value);

    [MethodImpl(Inline)]
    public static void StoreTurned(float a, float b, float c, float d, float* to, int step) =>
        Vector128.Create(a, b, c, d).Store(to);

    [MethodImpl(Inline)]
    public static float Add(float a, float b) => a + b;

    [MethodImpl(Inline)]
    public static float Subtract(float a, float b) => a - b;

    [MethodImpl(Inline)]
    public static float Multiply(float a, float b) => a * b;

    [MethodImpl(Inline)]
    public static float MultiplyAdd(float a, float b, float c) => float.MultiplyAddEstimate(a, b, c);

    [MethodImpl(Inline)]
    public static float Max(float a, float b) => MathF.Max(a, b);

    [MethodImpl(Inline)]
    public static float First(float value, int count) => count > 0 ? value : 0;

    [MethodImpl(Inline)]
    public static float Exp(float value) => MathF.Exp(value);

    [MethodImpl(Inline)]
    public static float Sum(float value) => value;

    [MethodImpl(Inline)]
    public static Vector128<float> Sums(float a, float b, float c, float d) => Vector128.Create(a, b, c, d);

    public static float Evens(float a, float b) => a;

    public static float Odds(float a, float b) => b;

    [MethodImpl(Inline)]
    public static float Largest(float value) => value;

    [MethodImpl(Inline)]
    public static float Spread(float* from, float places) => *from;

    [MethodImpl(Inline)]
    public static float SpreadPlaces(int lanesEach) => 0;

    [MethodImpl(Inline)]
    public static float LoadBytes(byte* from) => *from - 128;

    [MethodImpl(Inline)]
    public static float LoadThrees(byte* from) =>
        BitConverter.Int32BitsToSingle(from[0] | (from[1] << 8) | (from[2] << 16));

    [MethodImpl(Inline)]
    public static float LoadFives(byte* from, int first) =>
        BitConverter.UInt32BitsToSingle(*(uint*)(from + first));

    [MethodImpl(Inline)]
    public static float LowField(float words, int bits, float table) =>
        (BitConverter.SingleToInt32Bits(words) & ((1 << bits) - 1)) - (1 << (bits - 1));

    [MethodImpl(Inline)]
    public static float ShiftWords(float words, int bits) =>
        BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(words) >> bits);

    public static float NibbleProducts(byte* w, sbyte* evens, sbyte* odds)
    {
        int sum = 0;
        for (int i = 0; i < 4; i++)
            sum += (w[i] & 15) * evens[i] + (w[i] >> 4) * odds[i];
        return sum;
    }

    [MethodImpl(Inline)]
    public static float FieldTable(int bits) => 0;
}
