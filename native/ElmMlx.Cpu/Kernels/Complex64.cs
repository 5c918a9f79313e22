using System.Numerics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>A complex64 in memory: two float32. Arithmetic is float32; functions are computed in double precision
/// and rounded.</summary>
internal readonly struct Complex64(float real, float imaginary)
{
    public readonly float Real = real, Imaginary = imaginary;

    public static Complex64 operator *(Complex64 a, Complex64 b) => new(
        a.Real * b.Real - a.Imaginary * b.Imaginary, a.Real * b.Imaginary + a.Imaginary * b.Real);

    public static Complex64 operator +(Complex64 a, Complex64 b) => new(a.Real + b.Real, a.Imaginary + b.Imaginary);

    /// <summary>By the real part, then by the imaginary one.</summary>
    public static bool operator >(Complex64 a, Complex64 b) =>
        a.Real > b.Real || (a.Real == b.Real && a.Imaginary > b.Imaginary);

    /// <inheritdoc cref="operator >"/>
    public static bool operator <(Complex64 a, Complex64 b) => b > a;

    /// <summary>|x|, rounded to float32.</summary>
    public float Magnitude => (float)Complex.Abs(this);

    /// <summary>The square root with a real part that is not negative, without cancellation.</summary>
    public static Complex64 Sqrt(Complex64 x)
    {
        if (!float.IsFinite(x.Real) || !float.IsFinite(x.Imaginary) || (x.Real == 0 && x.Imaginary == 0))
            return (Complex64)Complex.Sqrt(x);
        if (x.Imaginary == 0)
            return x.Real < 0
                ? new(0, MathF.CopySign(MathF.Sqrt(-x.Real), x.Imaginary))
                : new(MathF.Sqrt(x.Real), x.Imaginary);
        float magnitude = x.Magnitude, real, imaginary;
        if (x.Real > 0)
        {
            real = MathF.Sqrt(0.5f * (magnitude + x.Real));
            imaginary = 0.5f * (x.Imaginary / real);
        }
        else
        {
            imaginary = MathF.Sqrt(0.5f * (magnitude - x.Real));
            real = MathF.Abs(0.5f * (x.Imaginary / imaginary));
        }

        return new(real, MathF.CopySign(imaginary, x.Imaginary));
    }

    public static implicit operator Complex(Complex64 x) => new(x.Real, x.Imaginary);

    public static explicit operator Complex64(Complex x) => new((float)x.Real, (float)x.Imaginary);
}
