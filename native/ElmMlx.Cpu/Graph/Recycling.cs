namespace ElmMlx.Cpu;

/// <summary>
/// Nodes, operations and buffers of graphs that are gone, for the next ones: a decoded token makes the graph of the
/// last one again, and the garbage collector has nothing to do.
/// </summary>
/// <remarks>
/// All three are counted or belong to what is counted, so the moment nobody can see one any more is known, and only
/// then is it given here, emptied. What could still be seen is left to the garbage collector: what a failure left
/// half-built (its count never falls), and what was made while a <see cref="Tape"/> was open, which remembers nodes
/// without holding them.
/// </remarks>
internal sealed class Recycling
{
    private const int MaxBatches = 64;

    private static readonly Pile<Node>.Depot NodeDepot = new(MaxBatches);
    private static readonly Pile<Operation>.Depot OperationDepot = new(MaxBatches);
    private static readonly Pile<Buffer>.Depot BufferDepot = new(MaxBatches);
    private static readonly Pile<NodeVector>.Depot VectorDepot = new(MaxBatches);
    private static readonly Pile<uint>.Depot PlaceDepot = new(int.MaxValue);   // a place that is lost is lost for ever

    [ThreadStatic] private static Recycling? s_ofThread;

    private readonly Pile<Node> _nodes = new(NodeDepot);
    private readonly Pile<Operation> _operations = new(OperationDepot);
    private readonly Pile<Buffer> _buffers = new(BufferDepot);
    private readonly Pile<NodeVector> _vectors = new(VectorDepot);

    private Recycling()
    {
    }

    /// <summary>The thread has ended.</summary>
    ~Recycling() => HandlePlaces.Leave();

    /// <summary>The calling thread's.</summary>
    public static Recycling OfThread => s_ofThread ?? Start();

    /// <summary>
    /// Whether anything is used twice. Where not, what is let go stays empty for ever, and whoever still looks at it
    /// fails: so tests find them.
    /// </summary>
    public static bool IsOn { get; set; } = true;

    /// <summary>How the thread counts its own nodes.</summary>
    public OwnCounts Counts { get; } = new();

    /// <summary>Free places of the table of handles.</summary>
    public Pile<uint> HandlePlaces { get; } = new(PlaceDepot);

    /// <summary>Nodes whose last holder has let go and whose inputs have not been yet.</summary>
    public Stack<Node> Dying { get; } = new();

    /// <summary>Whether <see cref="Dying"/> is being emptied, further up the stack.</summary>
    public bool IsReleasing { get; set; }

    public Node NewNode() => _nodes.TryTake(out Node? node) ? node : new();

    public Operation NewOperation() => _operations.TryTake(out Operation? operation) ? operation : new();

    public Buffer NewBuffer() => _buffers.TryTake(out Buffer? buffer) ? buffer : new();

    public NodeVector NewVector() => _vectors.TryTake(out NodeVector? vector) ? vector : new();

    private static Recycling Start() => s_ofThread = new();

    public void Give(Node node)
    {
        if (IsOn)
            _nodes.Give(node);
    }

    public void Give(Operation operation)
    {
        if (IsOn)
            _operations.Give(operation);
    }

    public void Give(Buffer buffer)
    {
        if (IsOn)
            _buffers.Give(buffer);
    }

    public void Give(NodeVector vector)
    {
        if (IsOn)
            _vectors.Give(vector);
    }
}
