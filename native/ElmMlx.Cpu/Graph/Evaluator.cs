namespace ElmMlx.Cpu;

/// <summary>
/// Computes nodes: every operation once, after its inputs, without recursion. An operation lets go of its inputs as
/// soon as it has run, so memory is free for the next one. Elementwise ones run in chains (<see cref="Chain"/>). One
/// evaluation at a time; its kernels share the cores.
/// </summary>
internal static class Evaluator
{
    private const int LongPath = 1 << 12;

    /// <summary>Held during an evaluation.</summary>
    internal static readonly Lock Gate = new();

    private static readonly Stack<Visit> Path = new();
    private static readonly Chain Chain = new();

    /// <summary>Computes <paramref name="node"/>.</summary>
    public static void Evaluate(Node node) => Evaluate([node]);

    /// <summary>Computes all of <paramref name="roots"/>.</summary>
    /// <exception cref="InvalidOperationException">
    /// An operation failed. What ran before it stays computed; the rest of the graph waits as before.
    /// </exception>
    public static void Evaluate(ReadOnlySpan<Node> roots)
    {
        bool isDone = true;
        foreach (Node root in roots)
            isDone &= root.IsEvaluated;
        if (isDone)
            return;
        lock (Gate)
        {
            foreach (Node root in roots)
            {
                root.Retain();
                try
                {
                    EvaluateOne(root);
                }
                finally
                {
                    Path.Clear();
                    Chain.Forget();
                    if (Path.Capacity > LongPath)
                        Path.TrimExcess(LongPath);
                    root.Release();
                }
            }
        }
    }

    private static void EvaluateOne(Node root)
    {
        Enter(root);
        while (Path.TryPop(out Visit visit))
        {
            Operation operation = visit.Operation;
            if (Chain.TryFind(operation))
            {
                // What is waited for may end a part of the chain, so it is looked for again.
                if (Chain.Waiting is { } leaf)
                {
                    Path.Push(visit);
                    Enter(leaf);
                }
                else
                {
                    Chain.Run();
                }

                continue;
            }

            ReadOnlySpan<Node> inputs = operation.Inputs;
            int next = visit.NextInput;
            while (next < inputs.Length && inputs[next].IsEvaluated)
                next++;
            if (next == inputs.Length)
            {
                Run(operation);
                continue;
            }

            Path.Push(new(operation, next + 1));
            Enter(inputs[next]);
        }
    }

    private static void Enter(Node node)
    {
        if (node.IsEvaluated)
            return;
        if (node.Operation is not { } operation)
            throw new InvalidOperationException($"[eval] An array of shape {node} has neither data nor an operation.");
        Path.Push(new(operation, 0));
    }

    private static void Run(Operation operation)
    {
        try
        {
            operation.Primitive.Evaluate(operation.Inputs, operation.Outputs);
        }
        catch (Exception error)
        {
            foreach (Node output in operation.Outputs)
                output.DropBuffer();
            if (error.Message.StartsWith('['))
                throw;
            throw new InvalidOperationException($"[{operation.Primitive.Name}] {error.Message}", error);
        }

        operation.Finish();
    }

    private readonly record struct Visit(Operation Operation, int NextInput);
}
