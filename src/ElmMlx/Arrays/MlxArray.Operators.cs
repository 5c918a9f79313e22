namespace ElmMlx;

// Operators are the methods of the same meaning.
public sealed unsafe partial class MlxArray
{
    /// <summary><see cref="Add"/></summary>
    public static MlxArray operator +(MlxArray a, MlxArray b) => a.Add(b);

    /// <summary><see cref="Add"/></summary>
    public static MlxArray operator +(MlxArray a, Operand b) => a.Add(b);

    /// <summary><see cref="Add"/></summary>
    public static MlxArray operator +(Operand a, MlxArray b) => a.Resolve(b).Add(b);

    /// <summary><see cref="Subtract"/></summary>
    public static MlxArray operator -(MlxArray a, MlxArray b) => a.Subtract(b);

    /// <summary><see cref="Subtract"/></summary>
    public static MlxArray operator -(MlxArray a, Operand b) => a.Subtract(b);

    /// <summary><see cref="Subtract"/></summary>
    public static MlxArray operator -(Operand a, MlxArray b) => a.Resolve(b).Subtract(b);

    /// <summary><see cref="Multiply"/></summary>
    public static MlxArray operator *(MlxArray a, MlxArray b) => a.Multiply(b);

    /// <summary><see cref="Multiply"/></summary>
    public static MlxArray operator *(MlxArray a, Operand b) => a.Multiply(b);

    /// <summary><see cref="Multiply"/></summary>
    public static MlxArray operator *(Operand a, MlxArray b) => a.Resolve(b).Multiply(b);

    /// <summary><see cref="Divide"/></summary>
    public static MlxArray operator /(MlxArray a, MlxArray b) => a.Divide(b);

    /// <summary><see cref="Divide"/></summary>
    public static MlxArray operator /(MlxArray a, Operand b) => a.Divide(b);

    /// <summary><see cref="Divide"/></summary>
    public static MlxArray operator /(Operand a, MlxArray b) => a.Resolve(b).Divide(b);

    /// <summary><see cref="Remainder"/></summary>
    public static MlxArray operator %(MlxArray a, MlxArray b) => a.Remainder(b);

    /// <summary><see cref="Remainder"/></summary>
    public static MlxArray operator %(MlxArray a, Operand b) => a.Remainder(b);

    /// <summary><see cref="Remainder"/></summary>
    public static MlxArray operator %(Operand a, MlxArray b) => a.Resolve(b).Remainder(b);

    /// <summary><see cref="BitwiseAnd"/></summary>
    public static MlxArray operator &(MlxArray a, MlxArray b) => a.BitwiseAnd(b);

    /// <summary><see cref="BitwiseAnd"/></summary>
    public static MlxArray operator &(MlxArray a, Operand b) => a.BitwiseAnd(b);

    /// <summary><see cref="BitwiseAnd"/></summary>
    public static MlxArray operator &(Operand a, MlxArray b) => a.Resolve(b).BitwiseAnd(b);

    /// <summary><see cref="BitwiseOr"/></summary>
    public static MlxArray operator |(MlxArray a, MlxArray b) => a.BitwiseOr(b);

    /// <summary><see cref="BitwiseOr"/></summary>
    public static MlxArray operator |(MlxArray a, Operand b) => a.BitwiseOr(b);

    /// <summary><see cref="BitwiseOr"/></summary>
    public static MlxArray operator |(Operand a, MlxArray b) => a.Resolve(b).BitwiseOr(b);

    /// <summary><see cref="BitwiseXor"/></summary>
    public static MlxArray operator ^(MlxArray a, MlxArray b) => a.BitwiseXor(b);

    /// <summary><see cref="BitwiseXor"/></summary>
    public static MlxArray operator ^(MlxArray a, Operand b) => a.BitwiseXor(b);

    /// <summary><see cref="BitwiseXor"/></summary>
    public static MlxArray operator ^(Operand a, MlxArray b) => a.Resolve(b).BitwiseXor(b);

    /// <summary><see cref="Less"/></summary>
    public static MlxArray operator <(MlxArray a, MlxArray b) => a.Less(b);

    /// <summary><see cref="Less"/></summary>
    public static MlxArray operator <(MlxArray a, Operand b) => a.Less(b);

    /// <summary><see cref="Less"/></summary>
    public static MlxArray operator <(Operand a, MlxArray b) => a.Resolve(b).Less(b);

    /// <summary><see cref="Greater"/></summary>
    public static MlxArray operator >(MlxArray a, MlxArray b) => a.Greater(b);

    /// <summary><see cref="Greater"/></summary>
    public static MlxArray operator >(MlxArray a, Operand b) => a.Greater(b);

    /// <summary><see cref="Greater"/></summary>
    public static MlxArray operator >(Operand a, MlxArray b) => a.Resolve(b).Greater(b);

    /// <summary><see cref="LessEqual"/></summary>
    public static MlxArray operator <=(MlxArray a, MlxArray b) => a.LessEqual(b);

    /// <summary><see cref="LessEqual"/></summary>
    public static MlxArray operator <=(MlxArray a, Operand b) => a.LessEqual(b);

    /// <summary><see cref="LessEqual"/></summary>
    public static MlxArray operator <=(Operand a, MlxArray b) => a.Resolve(b).LessEqual(b);

    /// <summary><see cref="GreaterEqual"/></summary>
    public static MlxArray operator >=(MlxArray a, MlxArray b) => a.GreaterEqual(b);

    /// <summary><see cref="GreaterEqual"/></summary>
    public static MlxArray operator >=(MlxArray a, Operand b) => a.GreaterEqual(b);

    /// <summary><see cref="GreaterEqual"/></summary>
    public static MlxArray operator >=(Operand a, MlxArray b) => a.Resolve(b).GreaterEqual(b);

    /// <summary><see cref="Negative"/></summary>
    public static MlxArray operator -(MlxArray a) => a.Negative();

    /// <summary><see cref="LogicalNot"/> of bools, <see cref="BitwiseInvert"/> of integers.</summary>
    public static MlxArray operator ~(MlxArray a) => a.DType is DType.Bool ? a.LogicalNot() : a.BitwiseInvert();
}
