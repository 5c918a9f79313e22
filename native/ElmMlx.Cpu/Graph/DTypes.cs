using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// What the graph must know of a dtype: size, kind, and which dtype two of them meet in (MLX's table).
/// </summary>
internal static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this mlx_dtype type) => type switch
    {
        MLX_BOOL or MLX_UINT8 or MLX_INT8 => 1,
        MLX_UINT16 or MLX_INT16 or MLX_FLOAT16 or MLX_BFLOAT16 => 2,
        MLX_UINT32 or MLX_INT32 or MLX_FLOAT32 => 4,
        MLX_UINT64 or MLX_INT64 or MLX_FLOAT64 or MLX_COMPLEX64 => 8,
        _ => throw new ArgumentException($"[dtype] {(int)type} is not a dtype."),
    };

    /// <summary>MLX's spelling: <c>float32</c>, <c>bool</c>, …</summary>
    public static string Name(this mlx_dtype type) => type switch
    {
        MLX_BOOL => "bool",
        MLX_UINT8 => "uint8",
        MLX_UINT16 => "uint16",
        MLX_UINT32 => "uint32",
        MLX_UINT64 => "uint64",
        MLX_INT8 => "int8",
        MLX_INT16 => "int16",
        MLX_INT32 => "int32",
        MLX_INT64 => "int64",
        MLX_FLOAT16 => "float16",
        MLX_FLOAT32 => "float32",
        MLX_FLOAT64 => "float64",
        MLX_BFLOAT16 => "bfloat16",
        MLX_COMPLEX64 => "complex64",
        _ => $"dtype {(int)type}",
    };

    /// <summary>float16, bfloat16, float32 or float64.</summary>
    public static bool IsFloating(this mlx_dtype type) =>
        type is MLX_FLOAT16 or MLX_BFLOAT16 or MLX_FLOAT32 or MLX_FLOAT64;

    /// <summary>Floating or complex.</summary>
    public static bool IsInexact(this mlx_dtype type) => type.IsFloating() || type == MLX_COMPLEX64;

    /// <summary>uint8 … uint64.</summary>
    public static bool IsUnsigned(this mlx_dtype type) => type is >= MLX_UINT8 and <= MLX_UINT64;

    /// <summary>int8 … int64.</summary>
    public static bool IsSigned(this mlx_dtype type) => type is >= MLX_INT8 and <= MLX_INT64;

    /// <summary>Signed or unsigned integer, bool left out.</summary>
    public static bool IsInteger(this mlx_dtype type) => type.IsUnsigned() || type.IsSigned();

    /// <summary>The dtype itself when it is inexact, else float32.</summary>
    public static mlx_dtype ToInexact(this mlx_dtype type) => type.IsInexact() ? type : MLX_FLOAT32;

    /// <summary>The dtype in which <paramref name="a"/> and <paramref name="b"/> meet.</summary>
    public static mlx_dtype Promote(mlx_dtype a, mlx_dtype b) => a == b ? a : PromoteUnequal(a, b);

    private static mlx_dtype PromoteUnequal(mlx_dtype a, mlx_dtype b)
    {
        if (a == MLX_COMPLEX64 || b == MLX_COMPLEX64)
            return MLX_COMPLEX64;
        if (a.IsFloating() && b.IsFloating())
            return a == MLX_FLOAT64 || b == MLX_FLOAT64 ? MLX_FLOAT64 : MLX_FLOAT32;
        if (a.IsFloating())
            return a;
        if (b.IsFloating())
            return b;
        if (a == MLX_BOOL)
            return b;
        if (b == MLX_BOOL)
            return a;
        if (a.IsUnsigned() == b.IsUnsigned())
            return a.Size() >= b.Size() ? a : b;
        (mlx_dtype unsigned, mlx_dtype signed) = a.IsUnsigned() ? (a, b) : (b, a);
        if (signed.Size() > unsigned.Size())
            return signed;
        return unsigned switch
        {
            MLX_UINT8 => MLX_INT16,
            MLX_UINT16 => MLX_INT32,
            MLX_UINT32 => MLX_INT64,
            _ => MLX_FLOAT32,       // no integer holds uint64 and a sign
        };
    }
}
