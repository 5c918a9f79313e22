namespace ElmMlx;

/// <summary>The other side of an operation: an array, or a number that takes the array's dtype where it can.</summary>
/// <remarks>
/// Numbers are weak, as in MLX's Python: <c>x * 0.5</c> of a bfloat16 x stays bfloat16; a fraction makes integers
/// float32, an integer makes bools int32.
/// </remarks>
public readonly struct Operand
{
    private readonly MlxArray? _array;
    private readonly double _fraction;
    private readonly long _whole;
    private readonly Kind _kind;

    private Operand(MlxArray? array, double fraction, long whole, Kind kind)
    {
        _array = array;
        _fraction = fraction;
        _whole = whole;
        _kind = kind;
    }

    private enum Kind
    {
        Array,
        Fraction,
        Whole,
        Bool,
    }

    /// <summary>An array as it is.</summary>
    public static implicit operator Operand(MlxArray array) => new(array, 0, 0, Kind.Array);

    /// <summary>A number with a fraction.</summary>
    public static implicit operator Operand(double value) => new(null, value, 0, Kind.Fraction);

    /// <summary>A whole number.</summary>
    public static implicit operator Operand(long value) => new(null, value, value, Kind.Whole);

    /// <summary>True or false.</summary>
    public static implicit operator Operand(bool value) => new(null, value ? 1 : 0, value ? 1 : 0, Kind.Bool);

    /// <summary>The array, if it is one.</summary>
    internal MlxArray? Array => _array;

    /// <summary>Whether this is the whole number zero.</summary>
    internal bool IsZero => _kind is Kind.Whole && _whole == 0;

    /// <summary>Whether this is a whole number below zero.</summary>
    internal bool IsNegative => _kind is Kind.Whole && _whole < 0;

    /// <summary>The array, or the number as an array of the dtype that fits <paramref name="beside"/>.</summary>
    internal MlxArray Resolve(MlxArray beside) => _kind switch
    {
        Kind.Array => _array ?? throw new ArgumentNullException(nameof(beside), "an operand is null"),
        Kind.Fraction => MlxArray.Scalar(_fraction, FractionBeside(beside.DType)),
        Kind.Whole => Whole(beside.DType),
        _ => MlxArray.Scalar(_whole != 0),
    };

    /// <summary>Frees what <see cref="Resolve"/> made; an array that was there before is its owner's.</summary>
    internal void Free(MlxArray resolved)
    {
        if (_kind is not Kind.Array)
            resolved.Dispose();
    }

    private static DType FractionBeside(DType dtype) => dtype.IsFloating() ? dtype : DType.Float32;

    private MlxArray Whole(DType beside) =>
        beside is DType.Bool ? MlxArray.Scalar(_whole, DType.Int32)
        : beside is DType.Complex64 ? MlxArray.Scalar(_fraction, DType.Float32)
        : MlxArray.Scalar(_whole, beside);
}
