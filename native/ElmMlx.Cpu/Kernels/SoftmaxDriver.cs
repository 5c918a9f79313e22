namespace ElmMlx.Cpu.Kernels;

/// <summary>The loop of softmax: y[i] = exp(x[i] − max), and their sum. y may be x.</summary>
internal static unsafe class SoftmaxDriver
{
    public static float ExpAndSum(float* x, float* y, int n, float max)
    {
        if (VectorWidth.Has512)
            return Run<Lanes512<float>>(x, y, n, max);
        if (VectorWidth.Has256)
            return Run<Lanes256<float>>(x, y, n, max);
        if (VectorWidth.Has128)
            return Run<Lanes128<float>>(x, y, n, max);
        float sum = 0;
        for (int i = 0; i < n; i++)
            sum += y[i] = MathF.Exp(x[i] - max);
        return sum;
    }

    private static float Run<V>(float* x, float* y, int n, float max)
        where V : struct, ILanes<V, float>
    {
        V most = V.All(max), sums = V.All(0f);
        int i = 0;
        for (; i <= n - V.Count; i += V.Count)
        {
            V e = FloatLanes.Exp(V.Load(x + i) - most);
            V.Store(e, y + i);
            sums += e;
        }

        float* lanes = stackalloc float[V.Count];
        V.Store(sums, lanes);
        float sum = 0;
        for (int k = 0; k < V.Count; k++)
            sum += lanes[k];
        if (i == n)
            return sum;
        // The last few, beside −inf, whose exponential is 0
        for (int k = 0; k < V.Count; k++)
            lanes[k] = i + k < n ? x[i + k] - max : float.NegativeInfinity;
        V.Store(FloatLanes.Exp(V.Load(lanes)), lanes);
        for (int k = 0; i + k < n; k++)
            sum += y[i + k] = lanes[k];
        return sum;
    }
}
