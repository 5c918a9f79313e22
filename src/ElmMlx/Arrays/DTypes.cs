namespace ElmMlx;

/// <summary>What there is to know about a <see cref="DType"/>.</summary>
public static class DTypes
{
    private static readonly string[] Names =
    [
        "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
        "float16", "float32", "float64", "bfloat16", "complex64",
    ];

    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.Bool or DType.UInt8 or DType.Int8 => 1,
        DType.UInt16 or DType.Int16 or DType.Float16 or DType.BFloat16 => 2,
        DType.UInt32 or DType.Int32 or DType.Float32 => 4,
        DType.UInt64 or DType.Int64 or DType.Float64 or DType.Complex64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, "there is no such dtype"),
    };

    /// <summary>MLX's name: <c>float32</c>.</summary>
    public static string Name(this DType dtype) =>
        (uint)dtype < (uint)Names.Length ? Names[(int)dtype] : $"dtype {(int)dtype}";

    /// <summary>Whether it is a float16, bfloat16, float32 or float64.</summary>
    public static bool IsFloating(this DType dtype) =>
        dtype is DType.Float16 or DType.BFloat16 or DType.Float32 or DType.Float64;

    /// <summary>Whether it is an integer, signed or not; bool is none.</summary>
    public static bool IsInteger(this DType dtype) => dtype is >= DType.UInt8 and <= DType.Int64;

    /// <summary>Finds a dtype by MLX's name.</summary>
    public static bool TryParse(string name, out DType dtype)
    {
        int index = Array.IndexOf(Names, name);
        dtype = (DType)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>Finds a dtype by MLX's name.</summary>
    /// <exception cref="ArgumentException">There is no dtype of that name.</exception>
    public static DType Parse(string name) =>
        TryParse(name, out DType dtype)
            ? dtype
            : throw new ArgumentException($"there is no dtype '{name}': use one of {string.Join(", ", Names)}");

    /// <summary>The dtype whose elements are <typeparamref name="T"/>.</summary>
    /// <exception cref="ArgumentException">No dtype has such elements.</exception>
    public static DType Of<T>()
        where T : unmanaged =>
        default(T) switch
        {
            bool => DType.Bool,
            byte => DType.UInt8,
            ushort => DType.UInt16,
            uint => DType.UInt32,
            ulong => DType.UInt64,
            sbyte => DType.Int8,
            short => DType.Int16,
            int => DType.Int32,
            long => DType.Int64,
            Half => DType.Float16,
            float => DType.Float32,
            double => DType.Float64,
            ComplexSingle => DType.Complex64,
            _ => throw new ArgumentException($"no dtype has elements of type {typeof(T).Name}"),
        };
}
