using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>y[i] = f(x[i]) of contiguous elements. y may be x.</summary>
internal static unsafe class UnaryDriver<TFormula, T>
    where TFormula : struct, IUnary<T>
    where T : unmanaged
{
    public static void Run(T* x, T* y, int n)
    {
        if (TFormula.HasLanes && VectorWidth.Has512)
            Run<Lanes512<T>>(x, y, n);
        else if (TFormula.HasLanes && VectorWidth.Has256)
            Run<Lanes256<T>>(x, y, n);
        else if (TFormula.HasLanes && VectorWidth.Has128)
            Run<Lanes128<T>>(x, y, n);
        else
            RunScalar(x, y, n);
    }

    private static void RunScalar(T* x, T* y, int n)
    {
        for (int i = 0; i < n; i++)
            y[i] = TFormula.Apply(x[i]);
    }

    private static void Run<V>(T* x, T* y, int n)
        where V : struct, ILanes<V, T>
    {
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
            V.Store(TFormula.Apply(V.Load(x + i)), y + i);
        if (i < n)
            Tail<V>(x + i, y + i, n - i);
    }

    // Fewer elements than lanes: by way of the stack, so that an element's result never depends on where it stands.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Tail<V>(T* x, T* y, int n)
        where V : struct, ILanes<V, T>
    {
        T* tile = stackalloc T[V.Count];
        for (int i = 0; i < V.Count; i++)
            tile[i] = i < n ? x[i] : default;
        V.Store(TFormula.Apply(V.Load(tile)), tile);
        for (int i = 0; i < n; i++)
            y[i] = tile[i];
    }
}
