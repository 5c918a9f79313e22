using System.Numerics;
using System.Runtime.Intrinsics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// x where the condition (0 or 1) holds, else y, on a run. Without branches: conditions are hard to foresee.
/// </summary>
internal readonly unsafe struct SelectBody<T>(
    byte* condition, long conditionStride, T* x, long xStride, T* y, long yStride, T* z) : IRunBody
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>
{
    private readonly byte* _condition = condition;
    private readonly T* _x = x, _y = y, _z = z;

    public void Run(long output, ReadOnlySpan<long> offsets, int length)
    {
        byte* condition = _condition + offsets[0];
        T* yes = _x + offsets[1], no = _y + offsets[2], to = _z + output;
        int i = 0;
        if (VectorWidth.Has128 && sizeof(T) is 2 or 4
            && conditionStride == 1 && xStride is 0 or 1 && yStride is 0 or 1)
        {
            for (; i <= length - Vector256<T>.Count; i += Vector256<T>.Count)
            {
                Vector256<T> a = xStride == 0 ? Vector256.Create(*yes) : Vector256.Load(yes + i);
                Vector256<T> b = yStride == 0 ? Vector256.Create(*no) : Vector256.Load(no + i);
                Vector256.ConditionalSelect(Mask(condition + i), a, b).Store(to + i);
            }
        }

        for (; i < length; i++)
        {
            T a = yes[i * xStride], b = no[i * yStride];
            T mask = unchecked(T.Zero - T.CreateTruncating(condition[i * conditionStride]));
            to[i] = b ^ ((a ^ b) & mask);
        }
    }

    private static Vector256<T> Mask(byte* condition)
    {
        if (sizeof(T) == 2)
        {
            (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(Vector128.Load(condition));
            return (Vector256<ushort>.Zero - Vector256.Create(low, high)).As<ushort, T>();
        }

        Vector128<ushort> wide = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)condition).AsByte());
        (Vector128<uint> first, Vector128<uint> second) = Vector128.Widen(wide);
        return (Vector256<uint>.Zero - Vector256.Create(first, second)).As<uint, T>();
    }
}
