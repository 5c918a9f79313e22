namespace ElmMlx;

/// <summary>An element of a complex64 array: two float32.</summary>
/// <param name="Real">The real part.</param>
/// <param name="Imaginary">The imaginary part.</param>
public readonly record struct ComplexSingle(float Real, float Imaginary)
{
    /// <summary>A real number.</summary>
    public static explicit operator ComplexSingle(float real) => new(real, 0);

    /// <summary>Rounded to two float32.</summary>
    public static explicit operator ComplexSingle(System.Numerics.Complex value) =>
        new((float)value.Real, (float)value.Imaginary);

    /// <summary>The same number.</summary>
    public static implicit operator System.Numerics.Complex(ComplexSingle value) => new(value.Real, value.Imaginary);
}
