using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_abs(mlx_array* res, mlx_array a, mlx_stream s) => Return(res, Ops.Abs(Handles.Node(a)));

    public static int mlx_arccos(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.ArcCos(Handles.Node(a)));

    public static int mlx_arccosh(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.ArcCosh(Handles.Node(a)));

    public static int mlx_arcsin(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.ArcSin(Handles.Node(a)));

    public static int mlx_arcsinh(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.ArcSinh(Handles.Node(a)));

    public static int mlx_arctan(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.ArcTan(Handles.Node(a)));

    public static int mlx_arctanh(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.ArcTanh(Handles.Node(a)));

    public static int mlx_bitwise_invert(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.BitwiseInvert(Handles.Node(a)));

    public static int mlx_ceil(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Ceil(Handles.Node(a)));

    public static int mlx_conjugate(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Conjugate(Handles.Node(a)));

    public static int mlx_cos(mlx_array* res, mlx_array a, mlx_stream s) => Return(res, Ops.Cos(Handles.Node(a)));

    public static int mlx_cosh(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Cosh(Handles.Node(a)));

    public static int mlx_degrees(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Degrees(Handles.Node(a)));

    public static int mlx_erf(mlx_array* res, mlx_array a, mlx_stream s) => Return(res, Ops.Erf(Handles.Node(a)));

    public static int mlx_erfinv(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.ErfInv(Handles.Node(a)));

    public static int mlx_exp(mlx_array* res, mlx_array a, mlx_stream s) => Return(res, Ops.Exp(Handles.Node(a)));

    public static int mlx_expm1(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Expm1(Handles.Node(a)));

    public static int mlx_floor(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Floor(Handles.Node(a)));

    public static int mlx_imag(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Imag(Handles.Node(a)));

    public static int mlx_isfinite(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.IsFinite(Handles.Node(a)));

    public static int mlx_isinf(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.IsInf(Handles.Node(a)));

    public static int mlx_isnan(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.IsNaN(Handles.Node(a)));

    public static int mlx_isneginf(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.IsNegInf(Handles.Node(a)));

    public static int mlx_isposinf(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.IsPosInf(Handles.Node(a)));

    public static int mlx_log(mlx_array* res, mlx_array a, mlx_stream s) => Return(res, Ops.Log(Handles.Node(a)));

    public static int mlx_log10(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Log10(Handles.Node(a)));

    public static int mlx_log1p(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Log1p(Handles.Node(a)));

    public static int mlx_log2(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Log2(Handles.Node(a)));

    public static int mlx_logical_not(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.LogicalNot(Handles.Node(a)));

    public static int mlx_negative(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Negative(Handles.Node(a)));

    public static int mlx_radians(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Radians(Handles.Node(a)));

    public static int mlx_real(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Real(Handles.Node(a)));

    public static int mlx_reciprocal(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Reciprocal(Handles.Node(a)));

    public static int mlx_rsqrt(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Rsqrt(Handles.Node(a)));

    public static int mlx_sigmoid(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Sigmoid(Handles.Node(a)));

    public static int mlx_sign(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Sign(Handles.Node(a)));

    public static int mlx_sin(mlx_array* res, mlx_array a, mlx_stream s) => Return(res, Ops.Sin(Handles.Node(a)));

    public static int mlx_sinh(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Sinh(Handles.Node(a)));

    public static int mlx_sqrt(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Sqrt(Handles.Node(a)));

    public static int mlx_square(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Square(Handles.Node(a)));

    public static int mlx_tan(mlx_array* res, mlx_array a, mlx_stream s) => Return(res, Ops.Tan(Handles.Node(a)));

    public static int mlx_tanh(mlx_array* res, mlx_array a, mlx_stream s) =>
        Return(res, Ops.Tanh(Handles.Node(a)));

    public static int mlx_round(mlx_array* res, mlx_array a, int decimals, mlx_stream s) =>
        Return(res, Ops.Round(Handles.Node(a), decimals));

    public static int mlx_nan_to_num(
        mlx_array* res, mlx_array a, float nan, mlx_optional_float posinf, mlx_optional_float neginf, mlx_stream s) =>
        Return(res, Ops.NanToNum(Handles.Node(a), nan,
            posinf.has_value ? posinf.value : null, neginf.has_value ? neginf.value : null));
}
