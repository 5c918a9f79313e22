using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>
/// Evaluated inputs of attention as its kernels want them: q, k, v, and where they are the mask, then the sinks.
/// </summary>
internal readonly unsafe struct AttentionInputs : IDisposable
{
    private readonly ContiguousRows _q, _k, _v, _sinks;

    public AttentionInputs(ReadOnlySpan<Node> inputs, float scale, AttentionMask mask, bool hasSinks)
    {
        _q = new ContiguousRows(inputs[0]);
        _k = new ContiguousRows(inputs[1]);
        _v = new ContiguousRows(inputs[2]);
        _sinks = new ContiguousRows(inputs[hasSinks ? ^1 : 0]);
        (Node q, Node k, Node v) = (_q.Node, _k.Node, _v.Node);
        var arguments = new AttentionArguments
        {
            B = q.Shape[0],
            H = q.Shape[1],
            G = k.Shape[1],
            Lq = q.Shape[2],
            Lk = k.Shape[2],
            D = q.Shape[3],
            Dv = v.Shape[3],
            Type = q.Type,
            Scale = scale,
            Q = q.Data,
            QBatch = q.Strides[0],
            QHead = q.Strides[1],
            QRow = q.Strides[2],
            K = k.Data,
            KBatch = k.Strides[0],
            KHead = k.Strides[1],
            KRow = k.Strides[2],
            V = v.Data,
            VBatch = v.Strides[0],
            VHead = v.Strides[1],
            VRow = v.Strides[2],
            MaskKind = mask,
            Sinks = hasSinks ? (float*)_sinks.Node.Data : null,
        };
        if (mask is AttentionMask.Boolean or AttentionMask.Additive)
        {
            Node m = inputs[3];
            arguments.Mask = m.Data;
            (arguments.MaskBatch, arguments.MaskHead) = (m.Strides[0], m.Strides[1]);
            (arguments.MaskRow, arguments.MaskColumn) = (m.Strides[2], m.Strides[3]);
        }

        Arguments = arguments;
    }

    public AttentionArguments Arguments { get; }

    public void Dispose()
    {
        _q.Dispose();
        _k.Dispose();
        _v.Dispose();
        _sinks.Dispose();
    }
}
