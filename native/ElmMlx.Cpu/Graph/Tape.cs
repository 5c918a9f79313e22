namespace ElmMlx.Cpu;

/// <summary>
/// What a function does with the nodes that a transform watches: every operation that depends on them, in the order in
/// which they were made. Tapes nest: each one records for itself, on the thread that opened it.
/// </summary>
internal sealed class Tape : IDisposable
{
    [ThreadStatic] private static Tape? s_innermost;

    private readonly Tape? _outer = s_innermost;
    private readonly HashSet<Node> _traced = new(ReferenceEqualityComparer.Instance);
    private readonly List<Entry> _entries = [];
    private readonly List<Node> _watched = [];

    /// <summary>Runs <paramref name="function"/> without any tape seeing what it does.</summary>
    public static T Unseen<T>(Func<T> function)
    {
        Tape? innermost = s_innermost;
        s_innermost = null;
        try
        {
            return function();
        }
        finally
        {
            s_innermost = innermost;
        }
    }

    /// <summary>Tells the open tapes of a new operation; whether there are any.</summary>
    public static bool Record(Operation operation)
    {
        if (s_innermost is not { } innermost)
            return false;
        innermost.RecordHereAndFurtherOut(operation);
        return true;
    }

    /// <summary>
    /// Nodes like <paramref name="arrays"/>, which the tape watches. Call before <see cref="Start"/>.
    /// </summary>
    public Node[] Watch(ReadOnlySpan<Node> arrays)
    {
        var nodes = new Node[arrays.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            nodes[i] = Ops.Identity(arrays[i]);
            nodes[i].Retain();
            _watched.Add(nodes[i]);
            Trace(nodes[i]);
        }

        return nodes;
    }

    /// <summary>Begins to record.</summary>
    public void Start() => s_innermost = this;

    /// <summary>Records no more.</summary>
    public void Stop() => s_innermost = _outer;

    /// <summary>Whether a node depends on a watched one.</summary>
    public bool Sees(Node node) => _traced.Contains(node);

    /// <summary>
    /// The cotangents of watched nodes, from those of results: reads the tape backwards, once, and lets go of each
    /// operation when it is done with it.
    /// </summary>
    /// <param name="outputs">Results of the recorded function.</param>
    /// <param name="cotangents">One each, of its shape.</param>
    /// <param name="watched">Nodes that <see cref="Watch"/> answered.</param>
    /// <returns>A vector that holds its nodes; null where the results do not depend on the watched node.</returns>
    public Node?[] Backward(ReadOnlySpan<Node> outputs, ReadOnlySpan<Node> cotangents, ReadOnlySpan<Node> watched)
    {
        Dictionary<Node, Node> known = new(ReferenceEqualityComparer.Instance);
        try
        {
            for (int i = 0; i < outputs.Length; i++)
            {
                if (Sees(outputs[i]))
                    Accumulate(known, outputs[i], cotangents[i]);
            }

            while (_entries.Count > 0)
            {
                Entry entry = _entries[^1];
                _entries.RemoveAt(_entries.Count - 1);
                PropagateThrough(entry, known);
                entry.Release();
            }

            var gradients = new Node?[watched.Length];
            for (int i = 0; i < watched.Length; i++)
            {
                gradients[i] = known.GetValueOrDefault(watched[i]);
                gradients[i]?.Retain();
            }

            return gradients;
        }
        finally
        {
            foreach (Node node in known.Values)
                node.Release();
        }
    }

    public void Dispose()
    {
        foreach (Entry entry in _entries)
            entry.Release();
        foreach (Node node in _watched)
            node.Release();
        _entries.Clear();
        _watched.Clear();
        _traced.Clear();
    }

    private void RecordHereAndFurtherOut(Operation operation)
    {
        for (Tape? tape = this; tape is not null; tape = tape._outer)
            tape.RecordHere(operation);
    }

    private void RecordHere(Operation operation)
    {
        if (operation.Primitive.StopsGradient || !DependsOnWatched(operation.Inputs))
            return;
        bool isDifferentiable = false;
        foreach (Node output in operation.Outputs)
        {
            if (!output.Type.IsInexact())
                continue;       // integers have no gradient
            Trace(output);
            isDifferentiable = true;
        }

        if (isDifferentiable)
            _entries.Add(new(operation.Primitive, [.. operation.Inputs], [.. operation.Outputs]));
    }

    // The set does not hold its nodes: one of them may die, and must not come back as another.
    private void Trace(Node node)
    {
        node.MarkSeen();
        _traced.Add(node);
    }

    private bool DependsOnWatched(ReadOnlySpan<Node> inputs)
    {
        foreach (Node input in inputs)
        {
            if (_traced.Contains(input))
                return true;
        }

        return false;
    }

    private void PropagateThrough(Entry entry, Dictionary<Node, Node> known)
    {
        var cotangents = new Node?[entry.Outputs.Length];
        bool isKnown = false;
        for (int i = 0; i < cotangents.Length; i++)
            isKnown |= known.Remove(entry.Outputs[i], out cotangents[i]);
        if (!isKnown)
            return;
        var isWanted = new bool[entry.Inputs.Length];
        for (int i = 0; i < isWanted.Length; i++)
            isWanted[i] = Sees(entry.Inputs[i]);
        Node?[] gradients = entry.Primitive.Gradient(new(entry.Inputs, entry.Outputs, cotangents, isWanted));
        for (int i = 0; i < gradients.Length; i++)
        {
            gradients[i]?.Retain();
            if (gradients[i] is { } gradient && isWanted[i])
                Accumulate(known, entry.Inputs[i], gradient);
        }

        foreach (Node? gradient in gradients)
            gradient?.Release();

        foreach (Node? cotangent in cotangents)
            cotangent?.Release();
    }

    private static void Accumulate(Dictionary<Node, Node> known, Node node, Node cotangent)
    {
        if (!known.TryGetValue(node, out Node? former))
        {
            cotangent.Retain();
            known.Add(node, cotangent);
            return;
        }

        Node sum = Together(former, cotangent) ?? Together(cotangent, former) ?? Ops.Add(former, cotangent);
        sum.Retain();
        known[node] = sum;
        former.Release();
    }

    private static Node? Together(Node whole, Node parts)
    {
        lock (Evaluator.Gate)       // no operation ends while it is read
            return parts.Operation is { } operation ? operation.Primitive.AddedTo(whole, operation) : null;
    }

    private readonly struct Entry
    {
        public Entry(Primitive primitive, Node[] inputs, Node[] outputs)
        {
            (Primitive, Inputs, Outputs) = (primitive, inputs, outputs);
            foreach (Node node in inputs)
                node.Retain();
            foreach (Node node in outputs)
                node.Retain();
        }

        public Primitive Primitive { get; }

        public Node[] Inputs { get; }

        public Node[] Outputs { get; }

        public void Release()
        {
            foreach (Node node in Outputs)
                node.Release();
            foreach (Node node in Inputs)
                node.Release();
        }
    }
}
