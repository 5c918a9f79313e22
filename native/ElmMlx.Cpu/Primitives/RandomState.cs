using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>The key that draws without one use: split at every draw. A thread has its own, as in MLX.</summary>
internal static class RandomState
{
    private static readonly ulong StartSeed = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    [ThreadStatic] private static bool s_isSeeded;
    [ThreadStatic] private static (uint High, uint Low) s_key;

    public static void Seed(ulong seed)
    {
        s_key = ((uint)(seed >> 32), (uint)seed);
        s_isSeeded = true;
    }

    /// <summary>A key that was not used before.</summary>
    public static (uint High, uint Low) Next()
    {
        if (!s_isSeeded)
            Seed(StartSeed);
        (uint keptHigh, uint givenHigh) = Threefry.Hash(s_key.High, s_key.Low, 0, 2);
        (uint keptLow, uint givenLow) = Threefry.Hash(s_key.High, s_key.Low, 1, 3);
        s_key = (keptHigh, keptLow);
        return (givenHigh, givenLow);
    }
}
