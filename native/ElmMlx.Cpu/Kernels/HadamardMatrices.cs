namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Matrices of +1 and −1 whose rows are orthogonal, of the orders that are no power of two: those of Sloane's library
/// (neilsloane.com/hadamard) that MLX takes. A row is a number whose bit j says that column j is +1.
/// </summary>
internal static class HadamardMatrices
{
    /// <summary>Order 12.</summary>
    private static readonly uint[] Of12 =
    [
        0xFFD, 0x554, 0xC37, 0x691, 0xDF, 0xA45, 0x373, 0x919, 0xDC3, 0x469, 0x70F, 0x1A5,
    ];

    /// <summary>Order 20.</summary>
    private static readonly uint[] Of20 =
    [
        0x6CC21, 0xD1C42, 0xAB884, 0x5F108, 0xB6610, 0x9C83E, 0x3945D, 0x7289B, 0xE5117, 0xCA60F, 0xF05AC, 0xE8B58,
        0xD92B1, 0xBA163, 0x7C2C6, 0x8592, 0x10B05, 0x2122A, 0x42074, 0x840C9,
    ];

    /// <summary>Order 28.</summary>
    private static readonly uint[] Of28 =
    [
        0x3296181, 0x6528382, 0xC854704, 0x92A8E08, 0x2751C10, 0x4CA7820, 0x994B0C0, 0x4B980BC, 0x9534178, 0x2A6C271,
        0x54D8463, 0xA9B0847, 0x536500F, 0xA4CE01E, 0x7804CDA, 0xF009935, 0xE21326A, 0xC6224D5, 0x8E409AB, 0x1E81356,
        0x3D0262D, 0x30ED66, 0x41DACD, 0x83B51B, 0x1072AB6, 0x20E15EC, 0x41C2B59, 0x81856B3,
    ];

    /// <summary>The rows of a matrix of order 1, 12, 20 or 28; null for any other.</summary>
    public static uint[]? Rows(int order) => order switch
    {
        1 => [1],
        12 => Of12,
        20 => Of20,
        28 => Of28,
        _ => null,
    };
}
