using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// z[i] = f(x[i], y[i]); either operand contiguous (stride 1) or one element for all (stride 0). z may be x
/// or y.
/// </summary>
internal static unsafe class BinaryDriver<TFormula, T>
    where TFormula : struct, IBinary<T>
    where T : unmanaged
{
    public static void Run(T* x, long xStride, T* y, long yStride, T* z, int n)
    {
        if (xStride == 0 && yStride == 0)
        {
            T value = default;
            Run(x, 1, y, 1, &value, 1);
            new Span<T>(z, n).Fill(value);
        }
        else if (TFormula.HasLanes && VectorWidth.Has512)
        {
            Run<Lanes512<T>>(x, xStride, y, yStride, z, n);
        }
        else if (TFormula.HasLanes && VectorWidth.Has256)
        {
            Run<Lanes256<T>>(x, xStride, y, yStride, z, n);
        }
        else if (TFormula.HasLanes && VectorWidth.Has128)
        {
            Run<Lanes128<T>>(x, xStride, y, yStride, z, n);
        }
        else
        {
            for (int i = 0; i < n; i++)
                z[i] = TFormula.Apply(x[i * xStride], y[i * yStride]);
        }
    }

    private static void Run<V>(T* x, long xStride, T* y, long yStride, T* z, int n)
        where V : struct, ILanes<V, T>
    {
        int i = 0;
        if (yStride == 0)
        {
            V right = V.All(*y);
            for (; i <= n - V.Count; i += V.Count)
                V.Store(TFormula.Apply(V.Load(x + i), right), z + i);
        }
        else if (xStride == 0)
        {
            V left = V.All(*x);
            for (; i <= n - V.Count; i += V.Count)
                V.Store(TFormula.Apply(left, V.Load(y + i)), z + i);
        }
        else
        {
            for (; i <= n - V.Count; i += V.Count)
                V.Store(TFormula.Apply(V.Load(x + i), V.Load(y + i)), z + i);
        }

        if (i < n)
            Tail<V>(x + i * xStride, xStride, y + i * yStride, yStride, z + i, n - i);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Tail<V>(T* x, long xStride, T* y, long yStride, T* z, int n)
        where V : struct, ILanes<V, T>
    {
        T* left = stackalloc T[V.Count], right = stackalloc T[V.Count];
        for (int i = 0; i < V.Count; i++)
        {
            left[i] = i < n ? x[i * xStride] : default;
            right[i] = i < n ? y[i * yStride] : default;
        }

        V.Store(TFormula.Apply(V.Load(left), V.Load(right)), left);
        for (int i = 0; i < n; i++)
            z[i] = left[i];
    }
}
