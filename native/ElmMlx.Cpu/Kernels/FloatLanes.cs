using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Functions of float32 lanes of any width, within 2 units in the last place. Polynomials are Chebyshev fits of the
/// named function over the named range.
/// </summary>
internal static unsafe class FloatLanes
{
    private const float Ln2High = 0.69314718246f, Ln2Low = -1.9046542121e-9f;
    private const float HalfPi1 = 1.57079637051f, HalfPi2 = -4.37113882867e-8f, HalfPi3 = -1.71512451000e-15f;

    /// <summary>Above this, π/2 in three parts does not reduce an angle well enough.</summary>
    private const float LargestAngle = 8192f;

    /// <summary>
    /// eˣ = 2ⁿ eʳ, n = round(x / ln 2); 2ⁿ in two steps, so that overflow and subnormals come by themselves.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<V>(V x)
        where V : struct, ILanes<V, float>
    {
        x = V.Min(V.Max(x, V.All(-105f)), V.All(89f));
        V n = V.Round(x * V.All(1.44269504089f));
        V r = V.MultiplyAdd(n, V.All(-Ln2High), x);
        r = V.MultiplyAdd(n, V.All(-Ln2Low), r);
        V p = V.All(1.989198131e-4f);       // (eʳ − 1 − r) / r² on |r| ≤ ln 2 / 2
        p = V.MultiplyAdd(p, r, V.All(1.393454193e-3f));
        p = V.MultiplyAdd(p, r, V.All(8.333310024e-3f));
        p = V.MultiplyAdd(p, r, V.All(4.166645681e-2f));
        p = V.MultiplyAdd(p, r, V.All(0.1666666668f));
        p = V.MultiplyAdd(p, r, V.All(0.5000000014f));
        p = V.MultiplyAdd(p, r * r, r) + V.All(1f);
        V half = V.Floor(n * V.All(0.5f));
        return p * V.PowerOfTwo(half) * V.PowerOfTwo(n - half);
    }

    /// <summary>log x = e ln 2 + log(1 + f), x = 2ᵉ (1 + f), 1 + f in [√½, √2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log<V>(V x)
        where V : struct, ILanes<V, float>
    {
        V isTiny = V.Less(x, V.All(1.17549435e-38f));
        V y = V.Select(isTiny, x * V.All(8388608f), x);     // subnormals become normal
        V e = V.Exponent(y) - (isTiny & V.All(23f));
        V m = V.Mantissa(y);
        V isLow = V.Less(m, V.All(0.70710678f));
        e -= isLow & V.All(1f);
        V f = m + (isLow & m) - V.All(1f);
        V p = V.All(6.971611471e-2f);       // (log(1 + f) − f + f² / 2) / f³
        p = V.MultiplyAdd(p, f, V.All(-0.1147973385f));
        p = V.MultiplyAdd(p, f, V.All(0.1168541992f));
        p = V.MultiplyAdd(p, f, V.All(-0.1242568733f));
        p = V.MultiplyAdd(p, f, V.All(0.1424905765f));
        p = V.MultiplyAdd(p, f, V.All(-0.1666780232f));
        p = V.MultiplyAdd(p, f, V.All(0.2000071575f));
        p = V.MultiplyAdd(p, f, V.All(-0.2499999696f));
        p = V.MultiplyAdd(p, f, V.All(0.3333333118f));
        V square = f * f;
        V rest = V.MultiplyAdd(e, V.All(Ln2Low), square * f * p);
        rest = V.MultiplyAdd(square, V.All(-0.5f), rest) + f;
        V result = V.MultiplyAdd(e, V.All(Ln2High), rest);
        result = V.Select(V.Less(x, V.All(float.PositiveInfinity)), result, x);     // +inf and NaN
        result = V.Select(V.Equal(x, V.All(0f)), V.All(float.NegativeInfinity), result);
        return V.Select(V.Less(x, V.All(0f)), V.All(float.NaN), result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sin<V>(V x)
        where V : struct, ILanes<V, float>
    {
        if (V.Bits(V.Less(V.All(LargestAngle), V.Abs(x))) != 0)
            return EachSin(x);
        V n = Quadrant(x, out V r);
        return SinOrCos(n, r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Cos<V>(V x)
        where V : struct, ILanes<V, float>
    {
        if (V.Bits(V.Less(V.All(LargestAngle), V.Abs(x))) != 0)
            return EachCos(x);
        V n = Quadrant(x, out V r);
        return SinOrCos(n + V.All(1f), r);      // cos x = sin(x + π/2)
    }

    /// <summary>Near 0 a polynomial, else 1 − 2 / (e²ˣ + 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<V>(V x)
        where V : struct, ILanes<V, float>
    {
        V magnitude = V.Abs(x), sign = x & V.All(-0f);
        V far = V.All(1f) - V.All(2f) / (Exp(magnitude + magnitude) + V.All(1f));
        V s = x * x;
        V p = V.All(2.291809421e-3f);       // (tanh(x) / x − 1) / x² on |x| ≤ 0.625
        p = V.MultiplyAdd(p, s, V.All(-8.343119639e-3f));
        p = V.MultiplyAdd(p, s, V.All(2.176866633e-2f));
        p = V.MultiplyAdd(p, s, V.All(-5.395922856e-2f));
        p = V.MultiplyAdd(p, s, V.All(0.1333330343f));
        p = V.MultiplyAdd(p, s, V.All(-0.3333333317f));
        V near = V.MultiplyAdd(p * s, x, x);
        return V.Select(V.Less(magnitude, V.All(0.625f)), near, far | sign);
    }

    /// <summary>1 / (1 + e⁻ˣ), by e^−|x|, which does not overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid<V>(V x)
        where V : struct, ILanes<V, float>
    {
        V e = Exp(-V.Abs(x));
        return V.Select(V.Less(x, V.All(0f)), e, V.All(1f)) / (V.All(1f) + e);
    }

    /// <summary>Near 0 a polynomial, else 1 − e^(log erfc), whose exponent is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Erf<V>(V x)
        where V : struct, ILanes<V, float>
    {
        V sign = x & V.All(-0f);
        V t = V.Min(V.Abs(x), V.All(4.05f));        // erf is 1 from 3.92 on
        V q = V.All(1.625671376e-6f);               // log erfc(t) on 0.9 … 4.05
        q = V.MultiplyAdd(q, t, V.All(-4.583974722e-5f));
        q = V.MultiplyAdd(q, t, V.All(5.950237577e-4f));
        q = V.MultiplyAdd(q, t, V.All(-4.75143283e-3f));
        q = V.MultiplyAdd(q, t, V.All(2.63981464e-2f));
        q = V.MultiplyAdd(q, t, V.All(-0.1100392832f));
        q = V.MultiplyAdd(q, t, V.All(-0.6318706306f));
        q = V.MultiplyAdd(q, t, V.All(-1.130206045f));
        q = V.MultiplyAdd(q, t, V.All(3.129130495e-4f));
        V far = (V.All(1f) - Exp(q)) | sign;
        V s = x * x;
        V p = V.All(8.387074557e-5f);               // erf(x) / x − 1 on |x| ≤ 0.92
        p = V.MultiplyAdd(p, s, V.All(-8.147081117e-4f));
        p = V.MultiplyAdd(p, s, V.All(5.201456326e-3f));
        p = V.MultiplyAdd(p, s, V.All(-2.685958812e-2f));
        p = V.MultiplyAdd(p, s, V.All(0.1128369935f));
        p = V.MultiplyAdd(p, s, V.All(-0.3761263402f));
        p = V.MultiplyAdd(p, s, V.All(0.1283791667f));
        V near = V.MultiplyAdd(p, x, x);
        return V.Select(V.Less(V.Abs(x), V.All(0.92f)), near, far);
    }

    /// <summary>Giles' approximation ("Approximating the erfinv function", 2010) in w = −log(1 − x²).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ErfInv<V>(V x)
        where V : struct, ILanes<V, float>
    {
        V w = -Log(V.MultiplyAdd(x, -x, V.All(1f)));
        V a = w - V.All(2.5f);
        V near = V.All(2.81022636e-08f);
        near = V.MultiplyAdd(near, a, V.All(3.43273939e-07f));
        near = V.MultiplyAdd(near, a, V.All(-3.5233877e-06f));
        near = V.MultiplyAdd(near, a, V.All(-4.39150654e-06f));
        near = V.MultiplyAdd(near, a, V.All(0.00021858087f));
        near = V.MultiplyAdd(near, a, V.All(-0.00125372503f));
        near = V.MultiplyAdd(near, a, V.All(-0.00417768164f));
        near = V.MultiplyAdd(near, a, V.All(0.246640727f));
        near = V.MultiplyAdd(near, a, V.All(1.50140941f));
        V b = V.Sqrt(w) - V.All(3f);
        V far = V.All(-0.000200214257f);
        far = V.MultiplyAdd(far, b, V.All(0.000100950558f));
        far = V.MultiplyAdd(far, b, V.All(0.00134934322f));
        far = V.MultiplyAdd(far, b, V.All(-0.00367342844f));
        far = V.MultiplyAdd(far, b, V.All(0.00573950773f));
        far = V.MultiplyAdd(far, b, V.All(-0.0076224613f));
        far = V.MultiplyAdd(far, b, V.All(0.00943887047f));
        far = V.MultiplyAdd(far, b, V.All(1.00167406f));
        far = V.MultiplyAdd(far, b, V.All(2.83297682f));
        V p = V.Select(V.Less(w, V.All(5f)), near, far);
        p = V.Select(V.Equal(w, V.All(float.PositiveInfinity)), w, p);      // ±1 → ±inf
        return p * x;
    }

    // x = n π/2 + r
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Quadrant<V>(V x, out V r)
        where V : struct, ILanes<V, float>
    {
        V n = V.Round(x * V.All(0.636619772f));
        r = V.MultiplyAdd(n, V.All(-HalfPi1), x);
        r = V.MultiplyAdd(n, V.All(-HalfPi2), r);
        r = V.MultiplyAdd(n, V.All(-HalfPi3), r);
        return n;
    }

    // sin(n π/2 + r), |r| ≤ π/4: ± sin r for even n, ± cos r for odd
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SinOrCos<V>(V n, V r)
        where V : struct, ILanes<V, float>
    {
        V s = r * r;
        V sin = V.All(2.724381198e-6f);         // (sin(r) / r − 1) / r²
        sin = V.MultiplyAdd(sin, s, V.All(-1.984003911e-4f));
        sin = V.MultiplyAdd(sin, s, V.All(8.333331786e-3f));
        sin = V.MultiplyAdd(sin, s, V.All(-0.1666666666f));
        sin = V.MultiplyAdd(sin * s, r, r);
        V cos = V.All(-2.729585634e-7f);        // (cos r − 1 + r² / 2) / r⁴
        cos = V.MultiplyAdd(cos, s, V.All(2.480056063e-5f));
        cos = V.MultiplyAdd(cos, s, V.All(-1.38888876e-3f));
        cos = V.MultiplyAdd(cos, s, V.All(4.166666666e-2f));
        cos = V.MultiplyAdd(cos, s * s, V.MultiplyAdd(s, V.All(-0.5f), V.All(1f)));
        V quadrant = n - V.Floor(n * V.All(0.25f)) * V.All(4f);         // 0, 1, 2, 3
        V isOdd = V.Equal(quadrant, V.All(1f)) | V.Equal(quadrant, V.All(3f));
        V sign = V.LessOrEqual(V.All(2f), quadrant) & V.All(-0f);
        return V.Select(isOdd, cos, sin) ^ sign;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V EachSin<V>(V x)
        where V : struct, ILanes<V, float>
    {
        float* each = stackalloc float[V.Count];
        V.Store(x, each);
        for (int i = 0; i < V.Count; i++)
            each[i] = MathF.Sin(each[i]);
        return V.Load(each);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V EachCos<V>(V x)
        where V : struct, ILanes<V, float>
    {
        float* each = stackalloc float[V.Count];
        V.Store(x, each);
        for (int i = 0; i < V.Count; i++)
            each[i] = MathF.Cos(each[i]);
        return V.Load(each);
    }
}
