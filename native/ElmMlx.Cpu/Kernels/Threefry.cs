using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Threefry-2x32, 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"), and how MLX fills
/// bits with it.
/// </summary>
internal static unsafe class Threefry
{
    private const int PairsPerTask = 1 << 14;

    /// <summary>Two counters → two random words.</summary>
    public static (uint First, uint Second) Hash(uint key0, uint key1, uint first, uint second)
    {
        uint key2 = key0 ^ key1 ^ 0x1BD11BDA;
        first += key0;
        second += key1;
        EvenRounds(ref first, ref second);
        first += key1;
        second += key2 + 1;
        OddRounds(ref first, ref second);
        first += key2;
        second += key0 + 2;
        EvenRounds(ref first, ref second);
        first += key0;
        second += key1 + 3;
        OddRounds(ref first, ref second);
        first += key1;
        second += key2 + 4;
        EvenRounds(ref first, ref second);
        first += key2;
        second += key0 + 5;
        return (first, second);
    }

    /// <summary>
    /// <paramref name="nBytes"/> random bytes of one key. Word i of the first half is hashed together with word
    /// i + ⌈half⌉; of an odd count, the middle word comes from the counters (half, 0).
    /// </summary>
    public static void Fill(uint key0, uint key1, byte* bytes, long nBytes)
    {
        long nWords = (nBytes + 3) / 4, half = nWords / 2, second = nWords - half;
        int nTasks = (int)((half + PairsPerTask - 1) / PairsPerTask);
        if (nTasks <= 1)
            FillPairs(key0, key1, bytes, nBytes, 0, half, second);
        else
            FillParallel(key0, key1, bytes, nBytes, half, second, nTasks);
        if (second > half)
            Store(bytes, nBytes, half, Hash(key0, key1, (uint)half, 0).First);
    }

    private static void FillParallel(
        uint key0, uint key1, byte* bytes, long nBytes, long half, long second, int nTasks) =>
        WorkerPool.Run(nTasks, task => FillPairs(key0, key1, bytes, nBytes,
            (long)task * PairsPerTask, Math.Min((task + 1L) * PairsPerTask, half), second));

    private static void FillPairs(uint key0, uint key1, byte* bytes, long nBytes, long start, long end, long second)
    {
        long i = start;
        if (VectorWidth.Has128)
        {
            // Eight pairs at a time, those with the array's last word left out: it may be cut off.
            for (; i <= Math.Min(end, nBytes / 4 - second) - 8; i += 8)
            {
                Vector256<uint> a = Vector256.CreateSequence((uint)i, 1u), b = a + Vector256.Create((uint)second);
                Hash(key0, key1, ref a, ref b);
                a.Store((uint*)bytes + i);
                b.Store((uint*)bytes + i + second);
            }
        }

        for (; i < end; i++)
        {
            (uint a, uint b) = Hash(key0, key1, (uint)i, (uint)(i + second));
            *(uint*)(bytes + 4 * i) = a;
            Store(bytes, nBytes, i + second, b);
        }
    }

    // The last word may be cut off.
    private static void Store(byte* bytes, long nBytes, long word, uint value)
    {
        if (4 * word + 4 <= nBytes)
        {
            *(uint*)(bytes + 4 * word) = value;
            return;
        }

        for (long at = 4 * word; at < nBytes; at++, value >>= 8)
            bytes[at] = (byte)value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Hash(uint key0, uint key1, ref Vector256<uint> a, ref Vector256<uint> b)
    {
        uint key2 = key0 ^ key1 ^ 0x1BD11BDA;
        a += Vector256.Create(key0);
        b += Vector256.Create(key1);
        Rounds(ref a, ref b, 13, 15, 26, 6);
        a += Vector256.Create(key1);
        b += Vector256.Create(key2 + 1);
        Rounds(ref a, ref b, 17, 29, 16, 24);
        a += Vector256.Create(key2);
        b += Vector256.Create(key0 + 2);
        Rounds(ref a, ref b, 13, 15, 26, 6);
        a += Vector256.Create(key0);
        b += Vector256.Create(key1 + 3);
        Rounds(ref a, ref b, 17, 29, 16, 24);
        a += Vector256.Create(key1);
        b += Vector256.Create(key2 + 4);
        Rounds(ref a, ref b, 13, 15, 26, 6);
        a += Vector256.Create(key2);
        b += Vector256.Create(key0 + 5);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rounds(
        ref Vector256<uint> a, ref Vector256<uint> b, int first, int second, int third, int fourth)
    {
        a += b;
        b = (Vector256.ShiftLeft(b, first) | Vector256.ShiftRightLogical(b, 32 - first)) ^ a;
        a += b;
        b = (Vector256.ShiftLeft(b, second) | Vector256.ShiftRightLogical(b, 32 - second)) ^ a;
        a += b;
        b = (Vector256.ShiftLeft(b, third) | Vector256.ShiftRightLogical(b, 32 - third)) ^ a;
        a += b;
        b = (Vector256.ShiftLeft(b, fourth) | Vector256.ShiftRightLogical(b, 32 - fourth)) ^ a;
    }

    private static void EvenRounds(ref uint a, ref uint b)
    {
        a += b;
        b = BitOperations.RotateLeft(b, 13) ^ a;
        a += b;
        b = BitOperations.RotateLeft(b, 15) ^ a;
        a += b;
        b = BitOperations.RotateLeft(b, 26) ^ a;
        a += b;
        b = BitOperations.RotateLeft(b, 6) ^ a;
    }

    private static void OddRounds(ref uint a, ref uint b)
    {
        a += b;
        b = BitOperations.RotateLeft(b, 17) ^ a;
        a += b;
        b = BitOperations.RotateLeft(b, 29) ^ a;
        a += b;
        b = BitOperations.RotateLeft(b, 16) ^ a;
        a += b;
        b = BitOperations.RotateLeft(b, 24) ^ a;
    }
}
