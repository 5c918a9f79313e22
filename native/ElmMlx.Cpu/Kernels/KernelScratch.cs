using System.Runtime.InteropServices;

namespace ElmMlx.Cpu.Kernels;

/// <summary>Working memory of one thread, kept from kernel to kernel: packed panels, tiles, scores.</summary>
internal sealed unsafe class KernelScratch
{
    [ThreadStatic] private static KernelScratch? s_ofThread;

    private readonly nint[] _pointers = new nint[Enum.GetValues<Use>().Length];
    private readonly long[] _sizes = new long[Enum.GetValues<Use>().Length];

    ~KernelScratch()
    {
        foreach (nint pointer in _pointers)
            NativeMemory.AlignedFree((void*)pointer);
    }

    /// <summary>What a block is for. Two blocks that are in use at the same time have different uses.</summary>
    public enum Use
    {
        PanelsA,
        PanelsB,
        Tile,
        Input,
        Scales,
        Scores,
        Extra,
        Packed,
        Sums,
        Chain,
    }

    /// <summary>At least <paramref name="nFloats"/> floats, 64-byte aligned, not cleared; valid on this thread until the
    /// next call for the same use.</summary>
    public static float* Floats(Use use, long nFloats)
    {
        KernelScratch scratch = s_ofThread ??= new();
        int slot = (int)use;
        long nBytes = Math.Max(nFloats, 16) * sizeof(float);
        if (scratch._sizes[slot] < nBytes)
        {
            NativeMemory.AlignedFree((void*)scratch._pointers[slot]);
            scratch._pointers[slot] = 0;
            scratch._sizes[slot] = 0;
            byte* block = Allocator.TryNew(nBytes);
            if (block is null)
                throw new InsufficientMemoryException($"[malloc] Unable to allocate {nBytes} bytes to work in.");
            scratch._pointers[slot] = (nint)block;
            scratch._sizes[slot] = nBytes;
        }

        return (float*)scratch._pointers[slot];
    }
}
