using System.Numerics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Functions of complex numbers with the infinities, signed zeros and branch cuts of C's Annex G, which .NET's
/// <see cref="Complex"/> leaves out.
/// </summary>
internal static class ComplexFunctions
{
    public static Complex Exp(Complex z)
    {
        double size = Math.Exp(z.Real);
        return z.Imaginary == 0 ? new(size, z.Imaginary)
            : size == 0 ? Complex.Zero
            : new(size * Math.Cos(z.Imaginary), size * Math.Sin(z.Imaginary));
    }

    /// <summary>eᶻ − 1, exact for small z too.</summary>
    public static Complex Expm1(Complex z)
    {
        double less = DoubleFunctions.Expm1(z.Real), half = Math.Sin(z.Imaginary / 2);
        return z.Imaginary == 0
            ? new(less, z.Imaginary)
            : new(less * Math.Cos(z.Imaginary) - 2 * half * half, Exp(z).Imaginary);
    }

    /// <summary>1 / (1 + e⁻ᶻ), by the power that does not overflow.</summary>
    public static Complex Sigmoid(Complex z)
    {
        Complex power = Exp(z.Real < 0 ? z : -z);
        return (z.Real < 0 ? power : 1) / (1 + power);
    }

    /// <summary>The logarithm to the base whose natural logarithm is given.</summary>
    public static Complex Log(Complex z, double ofBase)
    {
        Complex log = Complex.Log(z);
        return new(log.Real / ofBase, log.Imaginary / ofBase);
    }

    public static Complex Sinh(Complex z) =>
        z.Imaginary == 0 ? new(Math.Sinh(z.Real), z.Imaginary)
        : z.Real == 0 ? new(Signed(z.Real, Math.Cos(z.Imaginary)), Math.Sin(z.Imaginary))
        : new(Math.Sinh(z.Real) * Math.Cos(z.Imaginary), Math.Cosh(z.Real) * Math.Sin(z.Imaginary));

    public static Complex Cosh(Complex z) =>
        z.Imaginary == 0 ? new(Math.Cosh(z.Real), z.Imaginary * Math.CopySign(1, z.Real))
        : z.Real == 0 ? new(Math.Cos(z.Imaginary), Signed(z.Real, Math.Sin(z.Imaginary)))
        : new(Math.Cosh(z.Real) * Math.Cos(z.Imaginary), Math.Sinh(z.Real) * Math.Sin(z.Imaginary));

    public static Complex Tanh(Complex z) =>
        z.Imaginary == 0 ? new(Math.Tanh(z.Real), z.Imaginary)
        : z.Real == 0 ? new(z.Real, Math.Tan(z.Imaginary))
        : double.IsInfinity(z.Real) ? new(Math.Sign(z.Real), 0)
        : Complex.Tanh(z);

    public static Complex Sin(Complex z) => OverI(Sinh(TimesI(z)));

    public static Complex Cos(Complex z) => Cosh(TimesI(z));

    public static Complex Tan(Complex z) => OverI(Tanh(TimesI(z)));

    /// <summary>Both parts have the signs of z's.</summary>
    public static Complex Asin(Complex z)
    {
        if (z.Real == 0)
            return new(z.Real, Math.Asinh(z.Imaginary));
        Complex angle = IsInfinite(z) ? AtInfinity(z) : Complex.Asin(z);
        return new(Math.CopySign(angle.Real, z.Real), Math.CopySign(angle.Imaginary, z.Imaginary));
    }

    /// <summary>The imaginary part has the sign that z's has not.</summary>
    public static Complex Acos(Complex z)
    {
        if (z.Real == 0)
            return new(Math.PI / 2, -Math.Asinh(z.Imaginary));
        Complex angle = IsInfinite(z) ? Math.PI / 2 - AtInfinity(z) : Complex.Acos(z);
        return new(angle.Real, -Math.CopySign(angle.Imaginary, z.Imaginary));
    }

    /// <summary>½ · atan2(2x, 1 − x² − y²) + i/4 · log(1 + 4y / (x² + (y − 1)²)) of z = x + iy.</summary>
    public static Complex Atan(Complex z)
    {
        if (z.Imaginary == 0)
            return new(Math.Atan(z.Real), z.Imaginary);
        (double x, double y) = (z.Real, Math.Abs(z.Imaginary));
        if (IsInfinite(z))
            return new(Math.CopySign(Math.PI / 2, x), Math.CopySign(0, z.Imaginary));
        double height = DoubleFunctions.Log1p(4 * y / (x * x + (y - 1) * (y - 1))) / 4;
        return new(Math.Atan2(2 * x, 1 - x * x - y * y) / 2, Math.CopySign(height, z.Imaginary));
    }

    public static Complex Asinh(Complex z) => OverI(Asin(TimesI(z)));

    /// <summary>The real part is not negative; the imaginary one has the sign of z's.</summary>
    public static Complex Acosh(Complex z)
    {
        Complex angle = Acos(z);
        return new(Math.Abs(angle.Imaginary), Math.CopySign(angle.Real, z.Imaginary));
    }

    public static Complex Atanh(Complex z) => OverI(Atan(TimesI(z)));

    /// <summary>x / y; infinite where y is 0 and x is not, 0 where y is infinite and x is not.</summary>
    public static Complex Divide(Complex x, Complex y)
    {
        if (y == Complex.Zero)
        {
            double infinity = Math.CopySign(double.PositiveInfinity, y.Real);
            return new(infinity * x.Real, infinity * x.Imaginary);
        }

        return IsInfinite(y) && Complex.IsFinite(x) ? 0 * (x * Complex.Conjugate(Direction(y))) : x / y;
    }

    /// <summary>xʸ; of 0 it is 1, 0 or nothing, as y is 0, has a positive real part or neither.</summary>
    public static Complex Power(Complex x, Complex y) =>
        x != Complex.Zero || y == Complex.Zero ? Complex.Pow(x, y)
        : y.Real > 0 ? Complex.Zero
        : new(double.NaN, double.NaN);

    private static bool IsInfinite(Complex z) => double.IsInfinity(z.Real) || double.IsInfinity(z.Imaginary);

    // Of an infinite z: ±1 for each infinite part, ±0 for the other
    private static Complex Direction(Complex z) => new(
        Math.CopySign(double.IsInfinity(z.Real) ? 1 : 0, z.Real),
        Math.CopySign(double.IsInfinity(z.Imaginary) ? 1 : 0, z.Imaginary));

    // The inverse sine of an infinite z: its real part is the angle between z and the imaginary axis.
    private static Complex AtInfinity(Complex z)
    {
        Complex direction = Direction(z);
        double angle = Math.Atan2(direction.Real, Math.Abs(direction.Imaginary));
        return new(double.IsNaN(z.Real) || double.IsNaN(z.Imaginary) ? double.NaN : angle, double.PositiveInfinity);
    }

    // The zero with the factor's sign, even where the factor is NaN
    private static double Signed(double zero, double factor) => zero * Math.CopySign(1, factor);

    private static Complex TimesI(Complex z) => new(-z.Imaginary, z.Real);

    private static Complex OverI(Complex z) => new(z.Imaginary, -z.Real);
}
