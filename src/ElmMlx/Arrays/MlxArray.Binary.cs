namespace ElmMlx;

// Two arrays, or an array and a number, element by element: shapes broadcast, dtypes promote as MLX's do.
public sealed unsafe partial class MlxArray
{
    /// <summary><c>a + b</c>.</summary>
    public MlxArray Add(Operand b) => Binary(&Checked.mlx_add, this, b);

    /// <summary><c>a - b</c>.</summary>
    public MlxArray Subtract(Operand b) => Binary(&Checked.mlx_subtract, this, b);

    /// <summary><c>a · b</c>.</summary>
    public MlxArray Multiply(Operand b) => Binary(&Checked.mlx_multiply, this, b);

    /// <summary><c>a / b</c>, floating also for integers.</summary>
    public MlxArray Divide(Operand b) => Binary(&Checked.mlx_divide, this, b);

    /// <summary>The larger of both; NaN where one is.</summary>
    public MlxArray Maximum(Operand b) => Binary(&Checked.mlx_maximum, this, b);

    /// <summary>The smaller of both; NaN where one is.</summary>
    public MlxArray Minimum(Operand b) => Binary(&Checked.mlx_minimum, this, b);

    /// <summary><c>ln(eᵃ + eᵇ)</c>.</summary>
    public MlxArray LogAddExp(Operand b) => Binary(&Checked.mlx_logaddexp, this, b);

    /// <summary>The angle of the point (b, a).</summary>
    public MlxArray ArcTan2(Operand b) => Binary(&Checked.mlx_arctan2, this, b);

    /// <summary><c>a = b</c>, as bools.</summary>
    public MlxArray Equal(Operand b) => Binary(&Checked.mlx_equal, this, b);

    /// <summary><c>a ≠ b</c>, as bools.</summary>
    public MlxArray NotEqual(Operand b) => Binary(&Checked.mlx_not_equal, this, b);

    /// <summary><c>a &gt; b</c>, as bools.</summary>
    public MlxArray Greater(Operand b) => Binary(&Checked.mlx_greater, this, b);

    /// <summary><c>a ≥ b</c>, as bools.</summary>
    public MlxArray GreaterEqual(Operand b) => Binary(&Checked.mlx_greater_equal, this, b);

    /// <summary><c>a &lt; b</c>, as bools.</summary>
    public MlxArray Less(Operand b) => Binary(&Checked.mlx_less, this, b);

    /// <summary><c>a ≤ b</c>, as bools.</summary>
    public MlxArray LessEqual(Operand b) => Binary(&Checked.mlx_less_equal, this, b);

    /// <summary>Whether both are non-zero.</summary>
    public MlxArray LogicalAnd(Operand b) => Binary(&Checked.mlx_logical_and, this, b);

    /// <summary>Whether one is non-zero.</summary>
    public MlxArray LogicalOr(Operand b) => Binary(&Checked.mlx_logical_or, this, b);

    /// <summary>The bits that both have.</summary>
    public MlxArray BitwiseAnd(Operand b) => Binary(&Checked.mlx_bitwise_and, this, b);

    /// <summary>The bits that one has.</summary>
    public MlxArray BitwiseOr(Operand b) => Binary(&Checked.mlx_bitwise_or, this, b);

    /// <summary>The bits that only one has.</summary>
    public MlxArray BitwiseXor(Operand b) => Binary(&Checked.mlx_bitwise_xor, this, b);

    /// <summary><c>a · 2ᵇ</c>, in bits.</summary>
    public MlxArray LeftShift(Operand b) => Binary(&Checked.mlx_left_shift, this, b);

    /// <summary><c>a / 2ᵇ</c>, in bits.</summary>
    public MlxArray RightShift(Operand b) => Binary(&Checked.mlx_right_shift, this, b);

    /// <summary><c>aᵇ</c>.</summary>
    /// <exception cref="MlxException">Integers to the power of a negative whole number.</exception>
    public MlxArray Power(Operand b) =>
        b.IsNegative && !DType.IsFloating() && DType is not DType.Complex64
            ? throw Refused("power", "integers have no negative powers: cast to a floating dtype first")
            : Binary(&Checked.mlx_power, this, b);

    /// <summary><c>⌊a / b⌋</c>; integers are cut towards zero.</summary>
    /// <exception cref="MlxException">Integers divided by the number zero.</exception>
    public MlxArray FloorDivide(Operand b) =>
        Binary(&Checked.mlx_floor_divide, this, Divisor("floor_divide", b));

    /// <summary>What is left of <c>a / b</c>, with b's sign.</summary>
    /// <exception cref="MlxException">Integers divided by the number zero.</exception>
    public MlxArray Remainder(Operand b) => Binary(&Checked.mlx_remainder, this, Divisor("remainder", b));

    /// <summary>Quotient and remainder.</summary>
    /// <exception cref="MlxException">Integers divided by the number zero.</exception>
    public (MlxArray Quotient, MlxArray Remainder) DivMod(Operand b)
    {
        MlxArray divisor = Divisor("divmod", b).Resolve(this);
        MlxArray[] both = ArrayVector.Take(Checked.mlx_divmod(Handle, divisor.Handle, Stream));
        GC.KeepAlive(this);
        b.Free(divisor);
        return (both[0], both[1]);
    }

    /// <summary>
    /// Values below <paramref name="least"/> become it, values above <paramref name="most"/> become that.
    /// </summary>
    public MlxArray Clip(Operand? least, Operand? most)
    {
        MlxArray? low = least?.Resolve(this), high = most?.Resolve(this);
        return New(Checked.mlx_clip(Handle, low?.Handle ?? default, high?.Handle ?? default, Stream), this, low, high);
    }

    /// <summary><paramref name="yes"/> where <paramref name="condition"/> holds, <paramref name="no"/>
    /// elsewhere.</summary>
    public static MlxArray Where(MlxArray condition, Operand yes, Operand no)
    {
        MlxArray a = yes.Resolve(no.Array ?? condition), b = no.Resolve(yes.Array ?? a);
        return New(Checked.mlx_where(condition.Handle, a.Handle, b.Handle, Stream), condition, a, b);
    }

    /// <summary><c>|a - b| ≤ atol + rtol · |b|</c>, as bools.</summary>
    public MlxArray IsClose(Operand b, double rtol = 1e-5, double atol = 1e-8, bool equalNaN = false)
    {
        MlxArray other = b.Resolve(this);
        return New(Checked.mlx_isclose(Handle, other.Handle, rtol, atol, equalNaN, Stream), this, other);
    }

    /// <summary>Whether all elements are close, as a bool scalar.</summary>
    public MlxArray AllClose(Operand b, double rtol = 1e-5, double atol = 1e-8, bool equalNaN = false)
    {
        MlxArray other = b.Resolve(this);
        return New(Checked.mlx_allclose(Handle, other.Handle, rtol, atol, equalNaN, Stream), this, other);
    }

    /// <summary>Whether shapes and elements are equal, as a bool scalar.</summary>
    public MlxArray ArrayEqual(MlxArray b, bool equalNaN = false) =>
        New(Checked.mlx_array_equal(Handle, b.Handle, equalNaN, Stream), this, b);

    // Integer division by zero ends the process in MLX. A divisor that is an array is not looked at: that
    // costs its evaluation.
    private Operand Divisor(string operation, Operand b) =>
        b.IsZero && !DType.IsFloating() ? throw Refused(operation, "integers cannot be divided by zero") : b;
}
