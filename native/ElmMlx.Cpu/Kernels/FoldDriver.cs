namespace ElmMlx.Cpu.Kernels;

/// <summary>f(… f(f(start, x[0]), x[1]) …) of contiguous elements, in several chains; f is associative.</summary>
internal static unsafe class FoldDriver<TFormula, T>
    where TFormula : struct, IBinary<T>
    where T : unmanaged
{
    public static T Run(T* x, int n, T start)
    {
        if (TFormula.HasLanes && VectorWidth.Has512)
            return Run<Lanes512<T>>(x, n, start);
        if (TFormula.HasLanes && VectorWidth.Has256)
            return Run<Lanes256<T>>(x, n, start);
        if (TFormula.HasLanes && VectorWidth.Has128)
            return Run<Lanes128<T>>(x, n, start);
        return RunScalar(x, n, start);
    }

    private static T RunScalar(T* x, int n, T result)
    {
        for (int i = 0; i < n; i++)
            result = TFormula.Apply(result, x[i]);
        return result;
    }

    private static T Run<V>(T* x, int n, T start)
        where V : struct, ILanes<V, T>
    {
        int i = 0;
        if (n >= V.Count)
        {
            V a = V.Load(x);
            i = V.Count;
            if (n >= 4 * V.Count)
            {
                V b = V.Load(x + V.Count), c = V.Load(x + 2 * V.Count), d = V.Load(x + 3 * V.Count);
                for (i = 4 * V.Count; i <= n - 4 * V.Count; i += 4 * V.Count)
                {
                    a = TFormula.Apply(a, V.Load(x + i));
                    b = TFormula.Apply(b, V.Load(x + i + V.Count));
                    c = TFormula.Apply(c, V.Load(x + i + 2 * V.Count));
                    d = TFormula.Apply(d, V.Load(x + i + 3 * V.Count));
                }

                a = TFormula.Apply(TFormula.Apply(a, b), TFormula.Apply(c, d));
            }

            for (; i <= n - V.Count; i += V.Count)
                a = TFormula.Apply(a, V.Load(x + i));
            T* lanes = stackalloc T[V.Count];
            V.Store(a, lanes);
            start = RunScalar(lanes, V.Count, start);
        }

        return RunScalar(x + i, n - i, start);
    }
}
