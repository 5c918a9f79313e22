namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// z[i] = whether x[i] and y[i] compare; strides as in <see cref="BinaryDriver{TFormula, T}"/>.
/// </summary>
internal static unsafe class CompareDriver<TFormula, T>
    where TFormula : struct, ICompare<T>
    where T : unmanaged
{
    public static void Run(T* x, long xStride, T* y, long yStride, byte* z, int n)
    {
        int done = 0;
        if (xStride + yStride > 0)
        {
            if (VectorWidth.Has512)
                done = Run<Lanes512<T>>(x, xStride, y, yStride, z, n);
            else if (VectorWidth.Has256)
                done = Run<Lanes256<T>>(x, xStride, y, yStride, z, n);
            else if (VectorWidth.Has128)
                done = Run<Lanes128<T>>(x, xStride, y, yStride, z, n);
        }

        for (int i = done; i < n; i++)
            z[i] = TFormula.Apply(x[i * xStride], y[i * yStride]) ? (byte)1 : (byte)0;
    }

    private static int Run<V>(T* x, long xStride, T* y, long yStride, byte* z, int n)
        where V : struct, ILanes<V, T>
    {
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V left = xStride == 0 ? V.All(*x) : V.Load(x + i);
            V right = yStride == 0 ? V.All(*y) : V.Load(y + i);
            Spread(V.Bits(TFormula.Apply(left, right)), z + i, V.Count);
        }

        return i;
    }

    // One bit a lane → one byte an element. Eight at a time: bit k is kept in byte k and carried down to its lowest bit.
    private static void Spread(ulong bits, byte* z, int count)
    {
        if (count < 8)
        {
            for (int k = 0; k < count; k++, bits >>= 1)
                z[k] = (byte)(bits & 1);
            return;
        }

        for (int k = 0; k < count; k += 8, bits >>= 8)
        {
            ulong each = ((bits & 0xff) * 0x0101010101010101) & 0x8040201008040201;
            *(ulong*)(z + k) = ((each + 0x7f7f7f7f7f7f7f7f) >> 7) & 0x0101010101010101;
        }
    }
}
