using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_add(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Add(Handles.Node(a), Handles.Node(b)));

    public static int mlx_arctan2(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.ArcTan2(Handles.Node(a), Handles.Node(b)));

    public static int mlx_bitwise_and(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.BitwiseAnd(Handles.Node(a), Handles.Node(b)));

    public static int mlx_bitwise_or(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.BitwiseOr(Handles.Node(a), Handles.Node(b)));

    public static int mlx_bitwise_xor(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.BitwiseXor(Handles.Node(a), Handles.Node(b)));

    public static int mlx_divide(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Divide(Handles.Node(a), Handles.Node(b)));

    public static int mlx_equal(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Equal(Handles.Node(a), Handles.Node(b)));

    public static int mlx_floor_divide(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.FloorDivide(Handles.Node(a), Handles.Node(b)));

    public static int mlx_greater(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Greater(Handles.Node(a), Handles.Node(b)));

    public static int mlx_greater_equal(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.GreaterEqual(Handles.Node(a), Handles.Node(b)));

    public static int mlx_left_shift(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.LeftShift(Handles.Node(a), Handles.Node(b)));

    public static int mlx_less(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Less(Handles.Node(a), Handles.Node(b)));

    public static int mlx_less_equal(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.LessEqual(Handles.Node(a), Handles.Node(b)));

    public static int mlx_logaddexp(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.LogAddExp(Handles.Node(a), Handles.Node(b)));

    public static int mlx_logical_and(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.LogicalAnd(Handles.Node(a), Handles.Node(b)));

    public static int mlx_logical_or(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.LogicalOr(Handles.Node(a), Handles.Node(b)));

    public static int mlx_maximum(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Maximum(Handles.Node(a), Handles.Node(b)));

    public static int mlx_minimum(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Minimum(Handles.Node(a), Handles.Node(b)));

    public static int mlx_multiply(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Multiply(Handles.Node(a), Handles.Node(b)));

    public static int mlx_not_equal(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.NotEqual(Handles.Node(a), Handles.Node(b)));

    public static int mlx_power(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Power(Handles.Node(a), Handles.Node(b)));

    public static int mlx_remainder(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Remainder(Handles.Node(a), Handles.Node(b)));

    public static int mlx_right_shift(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.RightShift(Handles.Node(a), Handles.Node(b)));

    public static int mlx_subtract(mlx_array* res, mlx_array a, mlx_array b, mlx_stream s) =>
        Return(res, Ops.Subtract(Handles.Node(a), Handles.Node(b)));

    public static int mlx_divmod(mlx_vector_array* res, mlx_array a, mlx_array b, mlx_stream s)
    {
        Handles.Set(res, Ops.DivMod(Handles.Node(a), Handles.Node(b)));
        return 0;
    }

    public static int mlx_where(mlx_array* res, mlx_array condition, mlx_array x, mlx_array y, mlx_stream s) =>
        Return(res, Ops.Where(Handles.Node(condition), Handles.Node(x), Handles.Node(y)));

    public static int mlx_clip(mlx_array* res, mlx_array a, mlx_array a_min, mlx_array a_max, mlx_stream s) =>
        Return(res, Ops.Clip(Handles.Node(a), Handles.NodeOrNull(a_min), Handles.NodeOrNull(a_max)));

    public static int mlx_isclose(
        mlx_array* res, mlx_array a, mlx_array b, double rtol, double atol, bool equal_nan, mlx_stream s) =>
        Return(res, Ops.IsClose(Handles.Node(a), Handles.Node(b), rtol, atol, equal_nan));

    public static int mlx_allclose(
        mlx_array* res, mlx_array a, mlx_array b, double rtol, double atol, bool equal_nan, mlx_stream s) =>
        Return(res, Ops.AllClose(Handles.Node(a), Handles.Node(b), rtol, atol, equal_nan));

    public static int mlx_array_equal(mlx_array* res, mlx_array a, mlx_array b, bool equal_nan, mlx_stream s) =>
        Return(res, Ops.ArrayEqual(Handles.Node(a), Handles.Node(b), equal_nan));
}
