using ElmMlx.Bindings;

namespace ElmMlx;

// One element in, one element out: the result has this array's shape.
public sealed unsafe partial class MlxArray
{
    /// <summary><c>|x|</c>.</summary>
    public MlxArray Abs() => Unary(&Checked.mlx_abs, this);

    /// <summary><c>-x</c>.</summary>
    public MlxArray Negative() => Unary(&Checked.mlx_negative, this);

    /// <summary>-1, 0 or 1.</summary>
    public MlxArray Sign() => Unary(&Checked.mlx_sign, this);

    /// <summary><c>eˣ</c>.</summary>
    public MlxArray Exp() => Unary(&Checked.mlx_exp, this);

    /// <summary><c>eˣ - 1</c>, exact near 0.</summary>
    public MlxArray Expm1() => Unary(&Checked.mlx_expm1, this);

    /// <summary><c>ln x</c>.</summary>
    public MlxArray Log() => Unary(&Checked.mlx_log, this);

    /// <summary><c>ln(1 + x)</c>, exact near 0.</summary>
    public MlxArray Log1p() => Unary(&Checked.mlx_log1p, this);

    /// <summary><c>log₂ x</c>.</summary>
    public MlxArray Log2() => Unary(&Checked.mlx_log2, this);

    /// <summary><c>log₁₀ x</c>.</summary>
    public MlxArray Log10() => Unary(&Checked.mlx_log10, this);

    /// <summary><c>√x</c>.</summary>
    public MlxArray Sqrt() => Unary(&Checked.mlx_sqrt, this);

    /// <summary><c>1 / √x</c>.</summary>
    public MlxArray Rsqrt() => Unary(&Checked.mlx_rsqrt, this);

    /// <summary><c>x²</c>.</summary>
    public MlxArray Square() => Unary(&Checked.mlx_square, this);

    /// <summary><c>1 / x</c>.</summary>
    public MlxArray Reciprocal() => Unary(&Checked.mlx_reciprocal, this);

    /// <summary><c>sin x</c>.</summary>
    public MlxArray Sin() => Unary(&Checked.mlx_sin, this);

    /// <summary><c>cos x</c>.</summary>
    public MlxArray Cos() => Unary(&Checked.mlx_cos, this);

    /// <summary><c>tan x</c>.</summary>
    public MlxArray Tan() => Unary(&Checked.mlx_tan, this);

    /// <summary><c>arcsin x</c>.</summary>
    public MlxArray ArcSin() => Unary(&Checked.mlx_arcsin, this);

    /// <summary><c>arccos x</c>.</summary>
    public MlxArray ArcCos() => Unary(&Checked.mlx_arccos, this);

    /// <summary><c>arctan x</c>.</summary>
    public MlxArray ArcTan() => Unary(&Checked.mlx_arctan, this);

    /// <summary><c>sinh x</c>.</summary>
    public MlxArray Sinh() => Unary(&Checked.mlx_sinh, this);

    /// <summary><c>cosh x</c>.</summary>
    public MlxArray Cosh() => Unary(&Checked.mlx_cosh, this);

    /// <summary><c>tanh x</c>.</summary>
    public MlxArray Tanh() => Unary(&Checked.mlx_tanh, this);

    /// <summary><c>arsinh x</c>.</summary>
    public MlxArray ArcSinh() => Unary(&Checked.mlx_arcsinh, this);

    /// <summary><c>arcosh x</c>.</summary>
    public MlxArray ArcCosh() => Unary(&Checked.mlx_arccosh, this);

    /// <summary><c>artanh x</c>.</summary>
    public MlxArray ArcTanh() => Unary(&Checked.mlx_arctanh, this);

    /// <summary><c>1 / (1 + e⁻ˣ)</c>.</summary>
    public MlxArray Sigmoid() => Unary(&Checked.mlx_sigmoid, this);

    /// <summary>The error function.</summary>
    public MlxArray Erf() => Unary(&Checked.mlx_erf, this);

    /// <summary>The inverse of the error function.</summary>
    public MlxArray ErfInv() => Unary(&Checked.mlx_erfinv, this);

    /// <summary>The largest whole number that is not above x.</summary>
    public MlxArray Floor() => Unary(&Checked.mlx_floor, this);

    /// <summary>The smallest whole number that is not below x.</summary>
    public MlxArray Ceil() => Unary(&Checked.mlx_ceil, this);

    /// <summary>Radians in degrees.</summary>
    public MlxArray Degrees() => Unary(&Checked.mlx_degrees, this);

    /// <summary>Degrees in radians.</summary>
    public MlxArray Radians() => Unary(&Checked.mlx_radians, this);

    /// <summary>Whether x is NaN.</summary>
    public MlxArray IsNaN() => Unary(&Checked.mlx_isnan, this);

    /// <summary>Whether x is infinite.</summary>
    public MlxArray IsInf() => Unary(&Checked.mlx_isinf, this);

    /// <summary>Whether x is +∞.</summary>
    public MlxArray IsPosInf() => Unary(&Checked.mlx_isposinf, this);

    /// <summary>Whether x is -∞.</summary>
    public MlxArray IsNegInf() => Unary(&Checked.mlx_isneginf, this);

    /// <summary>Whether x is neither infinite nor NaN.</summary>
    public MlxArray IsFinite() => Unary(&Checked.mlx_isfinite, this);

    /// <summary>Whether x is zero.</summary>
    public MlxArray LogicalNot() => Unary(&Checked.mlx_logical_not, this);

    /// <summary>Every bit turned over.</summary>
    public MlxArray BitwiseInvert() => Unary(&Checked.mlx_bitwise_invert, this);

    /// <summary>The complex conjugate.</summary>
    public MlxArray Conjugate() => Unary(&Checked.mlx_conjugate, this);

    /// <summary>The real part.</summary>
    public MlxArray Real() => Unary(&Checked.mlx_real, this);

    /// <summary>The imaginary part.</summary>
    public MlxArray Imag() => Unary(&Checked.mlx_imag, this);

    /// <summary>The same values, of which gradients know nothing.</summary>
    public MlxArray StopGradient() => Unary(&Checked.mlx_stop_gradient, this);

    /// <summary>The same values in a new array.</summary>
    public MlxArray Copy() => Unary(&Checked.mlx_copy, this);

    /// <summary>Floats as the bits of 8-bit floats (E4M3).</summary>
    public MlxArray ToFp8() => Unary(&Checked.mlx_to_fp8, this);

    /// <summary>Rounded to <paramref name="decimals"/> decimals, ties to even.</summary>
    public MlxArray Round(int decimals = 0) => New(Checked.mlx_round(Handle, decimals, Stream), this);

    /// <summary>8-bit floats (E4M3) as floats of <paramref name="dtype"/>.</summary>
    public MlxArray FromFp8(DType dtype) =>
        New(Checked.mlx_from_fp8(Handle, (mlx_dtype)dtype, Stream), this);

    /// <summary>NaN and infinities replaced; infinities by the dtype's largest numbers unless told.</summary>
    public MlxArray NanToNum(float nan = 0, float? positiveInfinity = null, float? negativeInfinity = null) =>
        New(Checked.mlx_nan_to_num(
            Handle, nan, Optional.Of(positiveInfinity), Optional.Of(negativeInfinity), Stream), this);

    /// <summary>The elements as <paramref name="dtype"/>; this very array where they are already.</summary>
    public MlxArray AsType(DType dtype) =>
        New(Checked.mlx_astype(Handle, (mlx_dtype)dtype, Stream), this);

    /// <summary>
    /// The same bytes as elements of <paramref name="dtype"/>; the last axis changes with their size.
    /// </summary>
    public MlxArray View(DType dtype) =>
        New(Checked.mlx_view(Handle, (mlx_dtype)dtype, Stream), this);
}
