namespace ElmMlx.Cpu;

/// <summary>
/// Names of nodes: given ones, or A, B, …, Z, AA, … in the order in which they are asked for. Holds the nodes that it
/// has named, so that none of them comes back as another.
/// </summary>
internal sealed class NodeNamer
{
    private readonly Dictionary<Node, Utf8Text> _names = new(ReferenceEqualityComparer.Instance);

    public void Set(Node node, string name)
    {
        if (!_names.ContainsKey(node))
            node.Retain();
        _names[node] = new(name);
    }

    public Utf8Text NameOf(Node node)
    {
        if (!_names.ContainsKey(node))
            Set(node, Letters(_names.Count));
        return _names[node];
    }

    public void Clear()
    {
        foreach (Node node in _names.Keys)
            node.Release();
        _names.Clear();
    }

    private static string Letters(int number)
    {
        string letters = "";
        for (int rest = number + 1; rest > 0; rest = (rest - 1) / 26)
            letters = (char)('A' + (rest - 1) % 26) + letters;
        return letters;
    }
}
