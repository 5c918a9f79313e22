namespace ElmMlx.Cpu;

/// <summary>
/// Elementwise operations of one shape that feed each other, computed together: a block of elements goes through all of
/// them before the next one, so what is between two of them stays in the cache, and has no memory of its own where
/// nobody else wants it. Each operation rounds as it does alone: the bits are the same.
/// </summary>
internal sealed class Chain
{
    /// <summary>
    /// Fewer elements are in the cache anyhow, and looking for a chain would take as long as computing them.
    /// </summary>
    public const long SmallestSize = 1 << 13;

    private const int MaxOperations = 16;

    // An operation stands behind those that feed it.
    private readonly Operation[] _operations = new Operation[MaxOperations];
    private readonly Node[] _leaves = new Node[2 * MaxOperations];
    private int _nOperations, _nLeaves, _nPlanned;

    /// <summary>Whether operations are chained at all: tests compare.</summary>
    public static bool IsOn { get; set; } = true;

    /// <summary>A leaf that is not computed yet; null: the chain can run.</summary>
    public Node? Waiting
    {
        get
        {
            foreach (Node leaf in Leaves)
            {
                if (!leaf.IsEvaluated)
                    return leaf;
            }

            return null;
        }
    }

    private ReadOnlySpan<Operation> Operations => _operations.AsSpan(0, _nOperations);

    /// <summary>What comes from outside.</summary>
    private ReadOnlySpan<Node> Leaves => _leaves.AsSpan(0, _nLeaves);

    /// <summary>
    /// Looks for a chain that ends in <paramref name="last"/>; whether there is one, of two operations or more. It is
    /// good until something is evaluated.
    /// </summary>
    public bool TryFind(Operation last)
    {
        _nOperations = _nLeaves = _nPlanned = 0;
        if (!IsOn || last.Outputs[0].Size < SmallestSize || !last.Primitive.OfElements(last).Exists)
            return false;
        Add(last, last.Outputs[0].Shape);
        return _nOperations > 1;
    }

    /// <summary>Computes all operations, whose leaves are there, and ends them.</summary>
    public void Run()
    {
        try
        {
            ChainKernel.Run(Operations, Leaves);
        }
        catch
        {
            foreach (Operation operation in Operations)
                operation.Outputs[0].DropBuffer();
            throw;
        }

        foreach (Operation operation in Operations)
            operation.Finish();
        Forget();
    }

    /// <summary>Holds on to nothing.</summary>
    public void Forget()
    {
        Array.Clear(_operations);
        Array.Clear(_leaves);
        _nOperations = _nLeaves = 0;
    }

    private void Add(Operation operation, int[] shape)
    {
        _nPlanned++;
        foreach (Node input in operation.Inputs)
        {
            if (IsHere(input))
                continue;
            if (_nPlanned < MaxOperations && Joins(input, shape))
                Add(input.Operation!, shape);
            else
                _leaves[_nLeaves++] = input;
        }

        _operations[_nOperations++] = operation;
    }

    private bool IsHere(Node node)
    {
        foreach (Operation operation in Operations)
        {
            if (operation.Outputs[0] == node)
                return true;
        }

        return Leaves.Contains(node);
    }

    private static bool Joins(Node node, int[] shape) =>
        node.Operation is { } operation && operation.Primitive.OfElements(operation).Exists
        && node.Shape.AsSpan().SequenceEqual(shape);
}
