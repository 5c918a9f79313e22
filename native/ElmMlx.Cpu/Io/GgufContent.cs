namespace ElmMlx.Cpu;

/// <summary>
/// What an <c>mlx_io_gguf</c> is: arrays by name, and facts by name, which are arrays, texts or lists of texts. Holds
/// its arrays.
/// </summary>
internal sealed class GgufContent
{
    public TextMap<Node> Arrays { get; } = new();

    /// <summary>A <see cref="Node"/>, a <see cref="Utf8Text"/> or a <c>List&lt;Utf8Text&gt;</c> each.</summary>
    public TextMap<object> Facts { get; } = new();

    /// <summary>Adds an array, unless there is one of this name; whether there was none.</summary>
    public bool Add(string name, Node array)
    {
        if (Arrays.Get(name) is not null)
            return false;
        array.Retain();
        Arrays.Set(name, array);
        return true;
    }

    /// <summary>Adds a fact, unless there is one of this name.</summary>
    public void AddFact(string name, object fact)
    {
        if (Facts.Get(name) is not null)
            return;
        (fact as Node)?.Retain();
        Facts.Set(name, fact);
    }

    public void Clear()
    {
        foreach (Node array in Arrays.Values)
            array.Release();
        foreach (Node array in Facts.Values.OfType<Node>())
            array.Release();
    }
}
