namespace ElmMlx.Cpu.Kernels;

/// <summary>Bytes as booleans.</summary>
internal static unsafe class Booleans
{
    /// <summary>Makes every byte that is not 0 a 1, in place.</summary>
    public static void Normalize(Node y)
    {
        byte* bytes = (byte*)y.Data;
        for (long i = 0; i < y.Size; i++)
            bytes[i] = bytes[i] != 0 ? (byte)1 : (byte)0;
    }
}
