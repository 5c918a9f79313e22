using System.Numerics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Functions that .NET's Math lacks, in double precision.</summary>
internal static class DoubleFunctions
{
    private const double TwoOverRootPi = 1.1283791670955126;

    /// <summary>A series that only adds up to 2.5, beyond it a continued fraction of erfc.</summary>
    public static double Erf(double x)
    {
        double t = Math.Abs(x);
        if (double.IsNaN(x) || t > 6)
            return double.IsNaN(x) ? x : Math.Sign(x);
        if (t >= 2.5)
        {
            double fraction = 0;
            for (int k = 60; k >= 1; k--)
                fraction = k / 2.0 / (t + fraction);
            double erfc = Math.Exp(-t * t) / (Math.Sqrt(Math.PI) * (t + fraction));
            return Math.CopySign(1 - erfc, x);
        }

        double term = x, sum = x;
        for (int k = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); k++)
        {
            term *= 2 * x * x / (2 * k + 1);
            sum += term;
        }

        return TwoOverRootPi * Math.Exp(-x * x) * sum;
    }

    /// <summary>From a start within 2 ‰, four of Halley's steps.</summary>
    public static double ErfInv(double x)
    {
        if (double.IsNaN(x) || Math.Abs(x) > 1)
            return double.NaN;
        if (Math.Abs(x) == 1)
            return x * double.PositiveInfinity;
        // Winitzki's formula, within 2 ‰
        double log = Math.Log((1 - x) * (1 + x)), half = 2 / (Math.PI * 0.147) + log / 2;
        double y = Math.CopySign(Math.Sqrt(Math.Sqrt(half * half - log / 0.147) - half), x);
        for (int step = 0; step < 4; step++)
        {
            double error = (Erf(y) - x) / (TwoOverRootPi * Math.Exp(-y * y));
            y -= error / (1 + y * error);       // Halley's correction: the second derivative is −2 y times the first
        }

        return y;
    }

    /// <summary>log(1 + x), exact for small x too.</summary>
    public static double Log1p(double x)
    {
        double sum = 1 + x;
        return sum == 1 || double.IsPositiveInfinity(sum) ? x : Math.Log(sum) * (x / (sum - 1));
    }

    /// <summary>log(1 + x) of a complex number.</summary>
    public static Complex Log1p(Complex x) => new(
        double.IsInfinity(x.Real) || double.IsInfinity(x.Imaginary)
            ? double.PositiveInfinity
            : 0.5 * Log1p(x.Real * (2 + x.Real) + x.Imaginary * x.Imaginary),
        Math.Atan2(x.Imaginary, 1 + x.Real));

    /// <summary>eˣ − 1, exact for small x too.</summary>
    public static double Expm1(double x)
    {
        double power = Math.Exp(x);
        if (power == 1)
            return x;
        double less = power - 1;
        return less == -1 || double.IsPositiveInfinity(power) ? less : less * (x / Math.Log(power));
    }
}
