using System.Runtime.InteropServices;

namespace ElmMlx.Cpu;

/// <summary>What an <c>mlx_vector_array</c> is: a list that holds its nodes.</summary>
internal sealed class NodeVector
{
    private const int MaxKept = 64;

    private readonly List<Node> _nodes = [];

    /// <summary>Empty.</summary>
    internal NodeVector()
    {
    }

    public NodeVector(ReadOnlySpan<Node> nodes)
    {
        foreach (Node node in nodes)
            Add(node);
    }

    public IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>The nodes, until the vector is changed.</summary>
    public ReadOnlySpan<Node> Span => CollectionsMarshal.AsSpan(_nodes);

    /// <summary>A vector for a handle, which <see cref="End"/> may use again.</summary>
    public static NodeVector New(ReadOnlySpan<Node> nodes)
    {
        NodeVector vector = Recycling.OfThread.NewVector();
        foreach (Node node in nodes)
            vector.Add(node);
        return vector;
    }

    public void Add(Node node)
    {
        node.Retain();
        _nodes.Add(node);
    }

    /// <summary>Takes the nodes out, held by nobody: whoever gets them decides.</summary>
    public Node[] PassOn()
    {
        Node[] nodes = [.. _nodes];
        foreach (Node node in nodes)
            node.PassOn();
        _nodes.Clear();
        return nodes;
    }

    /// <summary>Lets go of all nodes.</summary>
    public void Clear()
    {
        foreach (Node node in _nodes)
            node.Release();
        _nodes.Clear();
    }

    /// <summary>Lets go of all nodes; the handle was the last to know this vector.</summary>
    public void End()
    {
        Clear();
        if (_nodes.Capacity <= MaxKept)
            Recycling.OfThread.Give(this);
    }
}
