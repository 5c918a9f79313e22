namespace ElmMlx.Cpu;

/// <summary>What an <c>mlx_vector_array</c> is: a list that holds its nodes.</summary>
internal sealed class NodeVector
{
    private readonly List<Node> _nodes;

    public NodeVector(ReadOnlySpan<Node> nodes)
    {
        _nodes = new(nodes.Length);
        foreach (Node node in nodes)
            Add(node);
    }

    public IReadOnlyList<Node> Nodes => _nodes;

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
}
