namespace ElmMlx.Weights;

/// <summary>Names and sizes of element types.</summary>
public static class TensorTypes
{
    // By enum value: the name in safetensors files, the name in MLX and PyTorch, bytes an element.
    private static readonly (string Safetensors, string Common, int Size)[] All =
    [
        ("BOOL", "bool", 1), ("U8", "uint8", 1), ("I8", "int8", 1),
        ("F8_E5M2", "float8_e5m2", 1), ("F8_E4M3", "float8_e4m3", 1), ("F8_E8M0", "float8_e8m0", 1),
        ("I16", "int16", 2), ("U16", "uint16", 2), ("F16", "float16", 2), ("BF16", "bfloat16", 2),
        ("I32", "int32", 4), ("U32", "uint32", 4), ("F32", "float32", 4),
        ("C64", "complex64", 8), ("F64", "float64", 8), ("I64", "int64", 8), ("U64", "uint64", 8),
    ];

    /// <summary>Bytes an element.</summary>
    public static int Size(this TensorType type) => All[(int)type].Size;

    /// <summary>The name in a safetensors header, for example <c>BF16</c>.</summary>
    public static string SafetensorsName(this TensorType type) => All[(int)type].Safetensors;

    /// <summary>The name in MLX and PyTorch, for example <c>bfloat16</c>.</summary>
    public static string Name(this TensorType type) => All[(int)type].Common;

    /// <summary>Whether the elements are real floating-point numbers of at least 16 bits.</summary>
    public static bool IsFloating(this TensorType type) =>
        type is TensorType.Float16 or TensorType.BFloat16 or TensorType.Float32 or TensorType.Float64;

    /// <summary>The type of a name in a safetensors header.</summary>
    public static bool TryParseSafetensors(string name, out TensorType type)
    {
        int index = Array.FindIndex(All, entry => entry.Safetensors == name);
        type = (TensorType)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>The type of a name such as <c>float16</c>.</summary>
    public static bool TryParse(string name, out TensorType type)
    {
        int index = Array.FindIndex(All, entry => entry.Common == name);
        type = (TensorType)Math.Max(index, 0);
        return index >= 0;
    }
}
