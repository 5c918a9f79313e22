using Function = System.Func<ElmMlx.Cpu.Node[], ElmMlx.Cpu.NodeVector>;

namespace ElmMlx.Cpu;

/// <summary>
/// Derivatives of functions from nodes to nodes. The vectors that come back hold their nodes for the caller.
/// </summary>
internal static class Gradients
{
    [ThreadStatic] private static bool s_isForward;

    /// <summary>Whether the gradients that are made serve tangents.</summary>
    public static bool IsForward => s_isForward;

    /// <summary>The values of a function, and its cotangents: vᵀ · J.</summary>
    /// <exception cref="ArgumentException">Cotangents and outputs do not go together.</exception>
    public static (NodeVector Values, NodeVector Gradients) Vjp(
        Function function, ReadOnlySpan<Node> primals, Func<IReadOnlyList<Node>, Node[]> cotangentsOf)
    {
        using Tape tape = new();
        Node[] watched = tape.Watch(primals);
        NodeVector values = Follow(tape, function, watched);
        try
        {
            Node[] outputs = [.. values.Nodes];
            NodeVector cotangents = new(cotangentsOf(outputs));
            Node?[] gradients = tape.Backward(outputs, [.. cotangents.Nodes], watched);
            cotangents.Clear();
            return (values, Held(gradients, primals));
        }
        catch
        {
            values.Clear();
            throw;
        }
    }

    /// <summary>The values of a function, and their tangents: J · v.</summary>
    /// <remarks>
    /// vᵀ · J is linear in v; its derivative with respect to v, applied to the tangents, is J · v. So whatever has a
    /// gradient has tangents too.
    /// </remarks>
    /// <exception cref="ArgumentException">Tangents and primals do not go together.</exception>
    public static (NodeVector Values, NodeVector Tangents) Jvp(
        Function function, ReadOnlySpan<Node> primals, Node[] tangents)
    {
        CheckLike("jvp", "tangent", "primal", tangents, [.. primals]);
        using Tape forward = new(), backward = new();
        Node[] watched = forward.Watch(primals);
        NodeVector values = Follow(forward, function, watched);
        try
        {
            Node[] outputs = [.. values.Nodes];
            Node[] directions = backward.Watch([.. outputs.Select(Ops.ZerosLike)]);
            backward.Start();
            bool wasForward = s_isForward;
            s_isForward = true;
            Node?[] gradients;
            try
            {
                gradients = forward.Backward(outputs, directions, watched);
            }
            finally
            {
                s_isForward = wasForward;
                backward.Stop();
            }

            int[] known = [.. Enumerable.Range(0, gradients.Length).Where(i => gradients[i] is not null)];
            Node?[] result = backward.Backward(
                [.. known.Select(i => gradients[i]!)], [.. known.Select(i => tangents[i])], directions);
            foreach (Node? gradient in gradients)
                gradient?.Release();
            return (values, Held(result, outputs));
        }
        catch
        {
            values.Clear();
            throw;
        }
    }

    /// <summary>
    /// The values of a function whose first is a scalar, and that one's gradient with respect to some arguments.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// The first value is no floating-point scalar, or there is no such argument.
    /// </exception>
    public static (NodeVector Values, NodeVector Gradients) ValueAndGrad(
        Function function, Node[] arguments, ReadOnlySpan<int> places)
    {
        foreach (int place in places)
        {
            if (place < 0 || place >= arguments.Length)
                throw new ArgumentException(
                    $"[value_and_grad] There is no argument {place}: the function was called with {arguments.Length}.");
            if (!arguments[place].Type.IsInexact())
                throw new ArgumentException(
                    $"[value_and_grad] Argument {place} is {arguments[place]}: only floating-point arrays have "
                        + "gradients.");
        }

        int[] argnums = places.ToArray();
        return Vjp(Substituted, [.. argnums.Select(place => arguments[place])], ScalarCotangents);

        NodeVector Substituted(Node[] watched)
        {
            Node[] all = [.. arguments];
            for (int i = 0; i < argnums.Length; i++)
                all[argnums[i]] = watched[i];
            return function(all);
        }
    }

    /// <summary>Cotangents as the caller gave them; outputs behind a stop have none.</summary>
    public static Func<IReadOnlyList<Node>, Node[]> Given(Node[] cotangents) => outputs =>
    {
        Node[] followed;
        lock (Evaluator.Gate)       // no operation ends while it is read
            followed = [.. outputs.Where(output => output.Operation is not { Primitive.StopsGradient: true })];
        // some for outputs behind a stop
        if (followed.Length < outputs.Count && cotangents.Length > followed.Length)
            cotangents = cotangents[..followed.Length];
        CheckLike("vjp", "cotangent", "output", cotangents, followed);
        int next = 0;
        return [.. outputs.Select(output => next < followed.Length && output == followed[next]
            ? Ops.AsType(cotangents[next++], output.Type)
            : Ops.ZerosLike(output))];
    };

    /// <summary>
    /// The function with a gradient of the caller's own, which gets primals, cotangents and outputs and answers one
    /// gradient a primal.
    /// </summary>
    public static Function WithGradient(
        Function function, Func<Node[], Node[], Node[], NodeVector> gradient, params ICounted[] owners) =>
        WithTransforms(function, nInputs => new CustomTransforms(nInputs, gradient, owners));

    /// <summary>The function with the caller's own transforms, which know how many inputs there are.</summary>
    public static Function WithTransforms(Function function, Func<int, CustomTransforms> transforms) => inputs =>
    {
        NodeVector hidden = Tape.Unseen(() => function(inputs));
        Node[] outputs = [.. hidden.Nodes];
        CustomTransforms primitive = transforms(inputs.Length);
        NodeVector result = new(Operation.New(
            primitive, [.. inputs, .. outputs],
            [.. outputs.Select(output => output.Shape)], [.. outputs.Select(output => output.Type)]).Outputs);
        hidden.Clear();
        return result;
    };

    /// <summary>
    /// The function, which forgets what it computed on the way and computes it again for the gradient: once the
    /// cotangents are there, not before.
    /// </summary>
    public static Function Checkpoint(Function function, ICounted owner) =>
        WithGradient(function, (primals, cotangents, _) =>
    {
        NodeVector late = new(Ops.Depends(primals, cotangents));
        (NodeVector values, NodeVector gradients) = Vjp(function, [.. late.Nodes], Given(cotangents));
        values.Clear();
        late.Clear();
        return gradients;
    }, owner);

    /// <summary>
    /// The gradients of an operation that is itself a gradient in one piece, by way of graph operations that compute
    /// the same. Its inputs are the first operation's and the cotangent; its outputs the gradients of the first inputs.
    /// </summary>
    /// <param name="backward">Of the gradient in one piece.</param>
    /// <param name="composite">What the first operation's gradient would be as graph operations.</param>
    public static Node?[] Through(Backward backward, Func<Backward, Node?[]> composite)
    {
        int[] wanted = [.. Places(backward.Inputs.Length).Where(i => backward.IsWanted[i])];
        int[] known = [.. Places(backward.Outputs.Length).Where(i => backward.Cotangents[i] is not null)];
        (NodeVector values, NodeVector made) = Vjp(
            Composite, [.. wanted.Select(i => backward.Inputs[i])],
            _ => [.. known.Select(i => backward.Cotangents[i]!)]);
        values.Clear();
        Node[] gradients = made.PassOn();
        return [.. Places(backward.Inputs.Length).Select(
            i => Array.IndexOf(wanted, i) is >= 0 and int at ? gradients[at] : null)];

        NodeVector Composite(Node[] watched)
        {
            Node[] inputs = [.. backward.Inputs];
            for (int i = 0; i < wanted.Length; i++)
                inputs[wanted[i]] = watched[i];
            bool[] isAsked = [.. Places(inputs.Length - 1).Select(i => known.Contains(i))];
            Node?[] first = composite(new(inputs[..^1], [], [inputs[^1]], isAsked));
            return new([.. known.Select(i => first[i]!)]);
        }

        static IEnumerable<int> Places(int count) => Enumerable.Range(0, count);
    }

    private static NodeVector Follow(Tape tape, Function function, Node[] watched)
    {
        tape.Start();
        try
        {
            return function(watched);
        }
        finally
        {
            tape.Stop();
        }
    }

    private static Node[] ScalarCotangents(IReadOnlyList<Node> outputs)
    {
        if (outputs.Count == 0 || outputs[0].Size != 1 || outputs[0].Rank != 0)
            throw new ArgumentException(
                "[grad] Gradient only supports scalar outputs, but the function answered "
                + $"{(outputs.Count == 0 ? "nothing" : outputs[0])}.");
        if (!outputs[0].Type.IsInexact())
            throw new ArgumentException(
                $"[grad] Gradient only supports floating-point values, but the function answered {outputs[0]}.");
        return [Ops.OnesLike(outputs[0]), .. outputs.Skip(1).Select(Ops.ZerosLike)];
    }

    private static NodeVector Held(Node?[] nodes, ReadOnlySpan<Node> like)
    {
        NodeVector vector = new([]);
        for (int i = 0; i < nodes.Length; i++)
        {
            vector.Add(nodes[i] ?? Ops.ZerosLike(like[i]));
            nodes[i]?.Release();        // the vector holds it now
        }

        return vector;
    }

    private static void CheckLike(string transform, string what, string of, Node[] directions, Node[] arrays)
    {
        if (directions.Length != arrays.Length)
            throw new ArgumentException(
                $"[{transform}] There are {directions.Length} {what}s for {arrays.Length} {of}s.");
        for (int i = 0; i < arrays.Length; i++)
        {
            if (!directions[i].Shape.AsSpan().SequenceEqual(arrays[i].Shape))
                throw new ArgumentException(
                    $"[{transform}] {of} {i} is {arrays[i]}, and its {what} {directions[i]}.");
        }
    }
}
