using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>
/// A node whose last axes lie in one piece: the node itself, or a copy of it that lives until disposal.
/// </summary>
internal readonly unsafe struct ContiguousRows : IDisposable
{
    private readonly bool _isCopy;

    /// <summary>An evaluated node whose last <paramref name="nAxes"/> axes must be row-contiguous.</summary>
    public ContiguousRows(Node node, int nAxes = 1)
    {
        Node = node;
        long expected = 1;
        for (int i = 1; i <= nAxes && i <= node.Rank; i++)
        {
            _isCopy |= node.Shape[^i] != 1 && node.Strides[^i] != expected;
            expected *= node.Shape[^i];
        }

        if (!_isCopy)
            return;
        Node = Node.New(node.Shape, node.Type, Buffer.Allocate(node.Size * node.Type.Size()));
        Node.Retain();
        CopyKernels.Run(node, Node.Data);
    }

    public Node Node { get; }

    /// <summary>Where the rows start.</summary>
    public RowOffsets Rows => new(Node.Shape, Node.Strides);

    public void Dispose()
    {
        if (_isCopy)
            Node.Release();
    }
}
