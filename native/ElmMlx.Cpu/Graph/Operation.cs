using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>
/// A primitive applied to inputs: what the outputs wait for. Evaluated once, then forgotten and used again for another
/// one, so a reference to it is good only while one of its outputs waits.
/// </summary>
internal sealed class Operation
{
    private const int MaxKept = 16;

    private Node[] _inputs = new Node[4];
    private Node[] _outputs = new Node[1];
    private int _nInputs, _nOutputs, _nLive;
    private bool _isSeen;

    /// <summary>Empty; <see cref="New"/> fills it.</summary>
    internal Operation()
    {
    }

    public Primitive Primitive { get; private set; } = null!;

    /// <summary>Held until the operation has run or nobody wants it any more; empty afterwards.</summary>
    public ReadOnlySpan<Node> Inputs => _inputs.AsSpan(0, _nInputs);

    public ReadOnlySpan<Node> Outputs => _outputs.AsSpan(0, _nOutputs);

    /// <summary>An operation whose outputs have these shapes, which nobody may change any more, and dtypes.</summary>
    public static Operation New(
        Primitive primitive, ReadOnlySpan<Node> inputs, ReadOnlySpan<int[]> shapes, ReadOnlySpan<mlx_dtype> types)
    {
        Recycling thread = Recycling.OfThread;
        Operation operation = thread.NewOperation();
        if (operation._inputs.Length < inputs.Length)
            operation._inputs = new Node[inputs.Length];
        if (operation._outputs.Length < shapes.Length)
            operation._outputs = new Node[shapes.Length];
        operation.Primitive = primitive;
        for (int i = 0; i < shapes.Length; i++)
            operation._outputs[i] = Node.New(thread, shapes[i], types[i], operation, hasSiblings: shapes.Length > 1);
        Span<Node> held = operation._inputs;
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i].Retain(thread);
            held[i] = inputs[i];
        }

        operation._nInputs = inputs.Length;
        operation._nOutputs = operation._nLive = shapes.Length;
        operation._isSeen = Tape.Record(operation);
        return operation;
    }

    /// <summary>The outputs are computed. Those that died waiting end here; of the others this knows no more.</summary>
    public void Finish()
    {
        Recycling thread = Recycling.OfThread;
        for (int i = 0; i < _nOutputs; i++)
        {
            Node output = _outputs[i];
            bool isDead = output.IsDead;
            if (isDead)
                output.DropBuffer();
            output.Operation = null;    // from here on its holders may let go of it on their threads
            if (isDead)
                output.Recycle(thread);
        }

        for (int i = 0; i < _nInputs; i++)
            _inputs[i].Release(thread);
        Recycle(thread);
    }

    /// <summary>One of the outputs has died. With the last one the inputs go: what only this held dies now.</summary>
    public void OutputDied(Recycling thread)
    {
        if (--_nLive > 0)
            return;
        for (int i = 0; i < _nOutputs; i++)
        {
            _outputs[i].Operation = null;
            _outputs[i].Recycle(thread);
        }

        for (int i = 0; i < _nInputs; i++)
        {
            if (_inputs[i].LetGo(thread))
                thread.Dying.Push(_inputs[i]);
        }

        Recycle(thread);
    }

    private void Recycle(Recycling thread)
    {
        for (int i = 0; i < _nInputs; i++)
            _inputs[i] = null!;
        for (int i = 0; i < _nOutputs; i++)
            _outputs[i] = null!;
        _nInputs = _nOutputs = 0;
        if (_isSeen || _inputs.Length > MaxKept || _outputs.Length > MaxKept)
            return;
        Primitive = null!;
        thread.Give(this);
    }
}
