using System.Runtime.InteropServices;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Benchmarks;

/// <summary>Arrays of random numbers on huge pages, as the allocator gives them to the kernels.</summary>
internal sealed unsafe class NativeNumbers
{
    private readonly List<Cpu.Buffer> _buffers = [];
    private readonly Random _random = new(1);

    public byte* Zeros(long nBytes)
    {
        var buffer = Cpu.Buffer.Allocate(nBytes);
        NativeMemory.Clear(buffer.Pointer, (nuint)nBytes);
        _buffers.Add(buffer);
        return buffer.Pointer;
    }

    public byte* Bytes(long nBytes)
    {
        byte* bytes = Zeros(nBytes);
        _random.NextBytes(new Span<byte>(bytes, checked((int)nBytes)));
        return bytes;
    }

    public ushort* BFloat16(long count)
    {
        var numbers = (ushort*)Zeros(count * 2);
        for (long i = 0; i < count; i++)
            SimdScalar.StoreBFloat16(_random.NextSingle() - 0.5f, numbers + i);
        return numbers;
    }

    public void Free()
    {
        foreach (Cpu.Buffer buffer in _buffers)
            buffer.Release();
    }
}
