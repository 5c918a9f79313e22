using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>Reads one element of any dtype.</summary>
internal static unsafe class ItemReader
{
    /// <summary>The element as a number; the real part of a complex one.</summary>
    public static double ToDouble(void* item, mlx_dtype type) => type switch
    {
        MLX_FLOAT16 => (double)*(Half*)item,
        MLX_BFLOAT16 => BitConverter.UInt32BitsToSingle((uint)*(ushort*)item << 16),
        MLX_FLOAT32 or MLX_COMPLEX64 => *(float*)item,
        MLX_FLOAT64 => *(double*)item,
        MLX_UINT64 => *(ulong*)item,
        _ => ToInt64(item, type),
    };

    /// <summary>An element of an integer dtype or bool; uint64 wraps.</summary>
    public static long ToInt64(void* item, mlx_dtype type) => type switch
    {
        MLX_BOOL => *(byte*)item != 0 ? 1 : 0,
        MLX_UINT8 => *(byte*)item,
        MLX_UINT16 => *(ushort*)item,
        MLX_UINT32 => *(uint*)item,
        MLX_UINT64 => unchecked((long)*(ulong*)item),
        MLX_INT8 => *(sbyte*)item,
        MLX_INT16 => *(short*)item,
        MLX_INT32 => *(int*)item,
        MLX_INT64 => *(long*)item,
        _ => throw new ArgumentException($"[item] {type.Name()} is not an integer dtype."),
    };
}
