using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// One step of a Fourier transform of mixed radix (Stockham's, which leaves the result in order): groups of
/// <see cref="Radix"/> numbers are transformed, turned by the twiddles and stored side by side. Numbers that lie side
/// by side already are computed in vectors.
/// </summary>
internal sealed unsafe class FourierStage
{
    private readonly float[] _cos, _sin;            // of 2π k / radix
    private readonly float[] _turnReal, _turnImaginary;     // [groups, radix]: exp(−2πi q k / (radix · groups))

    /// <param name="radix">A prime, or 4.</param>
    /// <param name="groups">Transforms with twiddles of their own.</param>
    /// <param name="stride">Numbers side by side.</param>
    public FourierStage(int radix, int groups, int stride)
    {
        (Radix, Groups, Stride) = (radix, groups, stride);
        _cos = [.. Enumerable.Range(0, radix).Select(k => (float)Math.Cos(2 * Math.PI * k / radix))];
        _sin = [.. Enumerable.Range(0, radix).Select(k => (float)Math.Sin(2 * Math.PI * k / radix))];
        _turnReal = new float[groups * radix];
        _turnImaginary = new float[groups * radix];
        for (int q = 0; q < groups; q++)
        {
            for (int k = 0; k < radix; k++)
            {
                double angle = -2 * Math.PI * ((long)q * k % ((long)radix * groups)) / ((double)radix * groups);
                _turnReal[q * radix + k] = (float)Math.Cos(angle);
                _turnImaginary[q * radix + k] = (float)Math.Sin(angle);
            }
        }
    }

    public int Radix { get; }

    public int Groups { get; }

    public int Stride { get; }

    /// <summary>From x to y: radix · groups · stride numbers each, real and imaginary parts apart.</summary>
    public void Run(float* xReal, float* xImaginary, float* yReal, float* yImaginary)
    {
        int done = 0;
        if (VectorWidth.Has512 && Stride >= Vector512<float>.Count)
            done = Columns<Simd512, Vector512<float>>(xReal, xImaginary, yReal, yImaginary, done);
        if (VectorWidth.Has256 && Stride - done >= Vector256<float>.Count)
            done = Columns<Simd256, Vector256<float>>(xReal, xImaginary, yReal, yImaginary, done);
        if (VectorWidth.Has128 && Stride - done >= Vector128<float>.Count)
            done = Columns<Simd128, Vector128<float>>(xReal, xImaginary, yReal, yImaginary, done);
        if (done < Stride)
            Columns<SimdScalar, float>(xReal, xImaginary, yReal, yImaginary, done);
    }

    // The numbers side by side from the first on, as far as whole vectors go; answers how far that is.
    private int Columns<L, V>(float* xReal, float* xImaginary, float* yReal, float* yImaginary, int first)
        where L : struct, ISimd<V>
        where V : struct
    {
        int end = first + (Stride - first) / L.Count * L.Count;
        int apart = Groups * Stride;
        for (int q = 0; q < Groups; q++)
        {
            int from = q * Stride, to = q * Radix * Stride;
            for (int j = first; j < end; j += L.Count)
            {
                float* ar = xReal + from + j, ai = xImaginary + from + j, br = yReal + to + j, bi = yImaginary + to + j;
                if (Radix == 4)
                    Four<L, V>(ar, ai, apart, br, bi, q);
                else
                    Prime<L, V>(ar, ai, apart, br, bi, q);
            }
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Four<L, V>(float* ar, float* ai, int apart, float* br, float* bi, int q)
        where L : struct, ISimd<V>
        where V : struct
    {
        V r0 = L.Load(ar), r1 = L.Load(ar + apart), r2 = L.Load(ar + 2 * apart), r3 = L.Load(ar + 3 * apart);
        V i0 = L.Load(ai), i1 = L.Load(ai + apart), i2 = L.Load(ai + 2 * apart), i3 = L.Load(ai + 3 * apart);
        V evenR = L.Add(r0, r2), evenI = L.Add(i0, i2), oddR = L.Add(r1, r3), oddI = L.Add(i1, i3);
        V lessR = L.Subtract(r0, r2), lessI = L.Subtract(i0, i2);
        V downR = L.Subtract(r1, r3), downI = L.Subtract(i1, i3);
        Store<L, V>(L.Add(evenR, oddR), L.Add(evenI, oddI), br, bi, q, 0);
        Store<L, V>(L.Add(lessR, downI), L.Subtract(lessI, downR), br, bi, q, 1);
        Store<L, V>(L.Subtract(evenR, oddR), L.Subtract(evenI, oddI), br, bi, q, 2);
        Store<L, V>(L.Subtract(lessR, downI), L.Add(lessI, downR), br, bi, q, 3);
    }

    // Term r and term radix − r share cosines, and sines but for the sign: y₋ₖ comes with yₖ.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Prime<L, V>(float* ar, float* ai, int apart, float* br, float* bi, int q)
        where L : struct, ISimd<V>
        where V : struct
    {
        V firstR = L.Load(ar), firstI = L.Load(ai), sumR = firstR, sumI = firstI;
        for (int r = 1; r < Radix; r++)
        {
            sumR = L.Add(sumR, L.Load(ar + r * apart));
            sumI = L.Add(sumI, L.Load(ai + r * apart));
        }

        Store<L, V>(sumR, sumI, br, bi, q, 0);
        if (Radix == 2)
        {
            Store<L, V>(
                L.Subtract(firstR, L.Load(ar + apart)), L.Subtract(firstI, L.Load(ai + apart)), br, bi, q, 1);
            return;
        }

        for (int k = 1; k <= Radix / 2; k++)
        {
            V evenR = firstR, evenI = firstI, oddR = L.Create(0), oddI = L.Create(0);
            for (int r = 1; r <= Radix / 2; r++)
            {
                int turn = r * k % Radix;
                V cos = L.Create(_cos[turn]), sin = L.Create(_sin[turn]);
                V lowR = L.Load(ar + r * apart), highR = L.Load(ar + (Radix - r) * apart);
                V lowI = L.Load(ai + r * apart), highI = L.Load(ai + (Radix - r) * apart);
                evenR = L.MultiplyAdd(cos, L.Add(lowR, highR), evenR);
                evenI = L.MultiplyAdd(cos, L.Add(lowI, highI), evenI);
                oddR = L.MultiplyAdd(sin, L.Subtract(lowI, highI), oddR);
                oddI = L.MultiplyAdd(sin, L.Subtract(highR, lowR), oddI);
            }

            Store<L, V>(L.Add(evenR, oddR), L.Add(evenI, oddI), br, bi, q, k);
            Store<L, V>(L.Subtract(evenR, oddR), L.Subtract(evenI, oddI), br, bi, q, Radix - k);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Store<L, V>(V real, V imaginary, float* br, float* bi, int q, int k)
        where L : struct, ISimd<V>
        where V : struct
    {
        if (q > 0 && k > 0)
        {
            V turnR = L.Create(_turnReal[q * Radix + k]), turnI = L.Create(_turnImaginary[q * Radix + k]);
            V turned = L.Subtract(L.Multiply(real, turnR), L.Multiply(imaginary, turnI));
            imaginary = L.MultiplyAdd(real, turnI, L.Multiply(imaginary, turnR));
            real = turned;
        }

        L.Store(real, br + k * Stride);
        L.Store(imaginary, bi + k * Stride);
    }
}
