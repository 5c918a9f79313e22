using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>GGUF's numbers for the kinds of facts and of tensors.</summary>
internal static class GgufFormat
{
    public const uint TextKind = 8, ListKind = 9;

    /// <summary>
    /// Tensors in blocks of 32: a scale, for <see cref="Q4WithMinimum"/> a minimum, and 4- or 8-bit numbers.
    /// </summary>
    public const uint Q4 = 2, Q4WithMinimum = 3, Q8 = 8;

    /// <summary>Where tensors begin, unless a file says otherwise: at multiples of so many bytes.</summary>
    public const int Alignment = 32;

    public const string AlignmentKey = "general.alignment";

    private static readonly (uint Kind, mlx_dtype Type)[] Facts =
    [
        (0, MLX_UINT8), (1, MLX_INT8), (2, MLX_UINT16), (3, MLX_INT16), (4, MLX_UINT32), (5, MLX_INT32),
        (6, MLX_FLOAT32), (7, MLX_BOOL), (10, MLX_UINT64), (11, MLX_INT64), (12, MLX_FLOAT64),
    ];

    private static readonly (uint Kind, mlx_dtype Type)[] Tensors =
    [
        (0, MLX_FLOAT32), (1, MLX_FLOAT16), (24, MLX_INT8), (25, MLX_INT16), (26, MLX_INT32), (30, MLX_BFLOAT16),
    ];

    public static ReadOnlySpan<byte> Magic => "GGUF"u8;

    /// <summary>The dtype of a fact that is a number; null for other kinds.</summary>
    public static mlx_dtype? TypeOfFact(uint kind) => TypeIn(Facts, kind);

    /// <summary>The dtype of a tensor that is no blocks; null for other kinds.</summary>
    public static mlx_dtype? TypeOfTensor(uint kind) => TypeIn(Tensors, kind);

    public static uint? KindOfFact(mlx_dtype type) => type == MLX_FLOAT64 ? null : KindIn(Facts, type);

    public static uint? KindOfTensor(mlx_dtype type) => type == MLX_BFLOAT16 ? null : KindIn(Tensors, type);

    public static long Aligned(long offset, long alignment) =>
        checked((offset + alignment - 1) / alignment * alignment);

    private static mlx_dtype? TypeIn((uint Kind, mlx_dtype Type)[] pairs, uint kind) =>
        Array.FindIndex(pairs, pair => pair.Kind == kind) is >= 0 and int at ? pairs[at].Type : null;

    private static uint? KindIn((uint Kind, mlx_dtype Type)[] pairs, mlx_dtype type) =>
        Array.FindIndex(pairs, pair => pair.Type == type) is >= 0 and int at ? pairs[at].Kind : null;
}
