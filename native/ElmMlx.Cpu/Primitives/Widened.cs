using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>An evaluated node in a dtype: the node itself, or a cast of it that lives until disposal.</summary>
internal readonly unsafe struct Widened : IDisposable
{
    private readonly bool _isCopy;

    public Widened(Node node, mlx_dtype type)
    {
        Node = node;
        _isCopy = node.Type != type;
        if (!_isCopy)
            return;
        Node = Node.New(node.Shape, type, Buffer.Allocate(node.Size * type.Size()));
        Node.Retain();
        CastKernels.Run(node, Node.Data, type);
    }

    public Node Node { get; }

    public void Dispose()
    {
        if (_isCopy)
            Node.Release();
    }
}
