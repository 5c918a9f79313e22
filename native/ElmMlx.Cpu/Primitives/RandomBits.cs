using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>Random bits of keys of shape [.., 2], each key's share of the result after the other.</summary>
internal sealed class RandomBits : Primitive
{
    public override string Name => "RandomBits";

    public override unsafe void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        Node keys = inputs[0], bits = outputs[0];
        bits.Allocate();
        var pairs = new Rows(keys);
        if (pairs.Count == 0)
            return;
        long nBytes = bits.Size / pairs.Count * bits.Type.Size();
        for (long i = 0; i < pairs.Count; i++)
        {
            uint* key = (uint*)keys.Data + pairs.Offset(i);
            Threefry.Fill(key[0], key[pairs.Stride], (byte*)bits.Data + i * nBytes, nBytes);
        }
    }
}
