using ElmMlx.Bindings;
using Function = System.Func<ElmMlx.Cpu.Node[], ElmMlx.Cpu.NodeVector>;

namespace ElmMlx.Cpu;

/// <summary>
/// A function on every index of an axis at once: it runs one time on arrays without that axis, and the graph that it
/// made is built again on the arrays with it.
/// </summary>
internal static class Vmap
{
    /// <summary>
    /// The function's outputs on stand-ins for <paramref name="inputs"/> that lack an axis each (−1: the input itself),
    /// and those. Both vectors hold their nodes.
    /// </summary>
    public static (NodeVector Traced, NodeVector Outputs) Trace(Function function, Node[] inputs, int[] axes)
    {
        if (axes.Length != inputs.Length)
            throw new ArgumentException($"[vmap] There are {axes.Length} axes for {inputs.Length} inputs.");
        _ = Size(inputs, axes);
        var traced = new NodeVector([.. inputs.Select((input, i) => axes[i] < 0 ? input : StandIn(input, axes[i]))]);
        try
        {
            return (traced, function([.. traced.Nodes]));
        }
        catch
        {
            traced.Clear();
            throw;
        }
    }

    /// <summary>
    /// The outputs on the inputs themselves, with the axis at <paramref name="outAxes"/>. The vector holds its nodes.
    /// </summary>
    public static NodeVector Replace(Node[] inputs, Node[] traced, Node[] outputs, int[] inAxes, int[] outAxes)
    {
        if (inAxes.Length != inputs.Length || traced.Length != inputs.Length)
            throw new ArgumentException($"[vmap] There are {inAxes.Length} axes for {inputs.Length} inputs.");
        if (outAxes.Length != outputs.Length)
            throw new ArgumentException($"[vmap] There are {outAxes.Length} axes for {outputs.Length} outputs.");
        int size = Size(inputs, inAxes);
        if (size < 0)
            throw new ArgumentException("[vmap] No input has an axis to go along.");
        var known = new Dictionary<Node, Node>(ReferenceEqualityComparer.Instance);     // the axis is the first one
        try
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                if (inAxes[i] >= 0)
                    Know(known, traced[i], Ops.MoveAxis(inputs[i], inAxes[i], 0));
            }

            lock (Evaluator.Gate)       // no operation ends while it is read
            {
                foreach (Node node in GraphText.InOrder(outputs))
                {
                    if (node.Operation is { } operation && !known.ContainsKey(node) && DependsOn(known, operation))
                        Rebuild(known, operation, size);
                }
            }

            return new([.. outputs.Select((output, i) => Placed(known, output, outAxes[i], size))]);
        }
        finally
        {
            foreach (Node node in known.Values)
                node.Release();
        }
    }

    private static void Rebuild(Dictionary<Node, Node> known, Operation operation, int size)
    {
        Node[] inputs = operation.Inputs.ToArray(), outputs = operation.Outputs.ToArray();
        Node?[] mapped = [.. inputs.Select(input => known.GetValueOrDefault(input))];
        Node[] made = VmapRules.Apply(operation.Primitive, inputs, mapped, outputs, size)
            ?? OneByOne(operation.Primitive, inputs, mapped, outputs, size);
        for (int i = 0; i < outputs.Length; i++)
            Know(known, outputs[i], made[i]);
    }

    // The operation on every index, stacked
    private static Node[] OneByOne(Primitive primitive, Node[] inputs, Node?[] mapped, Node[] outputs, int size)
    {
        int[][] shapes = [.. outputs.Select(output => output.Shape)];
        mlx_dtype[] types = [.. outputs.Select(output => output.Type)];
        if (size == 0)
            return [.. outputs.Select(output => Ops.Zeros([0, .. output.Shape], output.Type))];
        var results = new Node[size][];
        for (int index = 0; index < size; index++)
        {
            Node[] parts = [.. inputs.Select((input, i) => mapped[i] is { } all ? Part(all, index) : input)];
            results[index] = Operation.New(primitive, parts, shapes, types).Outputs.ToArray();
        }

        return [.. outputs.Select((_, k) => Ops.Stack([.. results.Select(result => result[k])], 0))];
    }

    private static Node Part(Node all, int index)
    {
        int[] starts = new int[all.Rank], stops = [.. all.Shape], steps = new int[all.Rank];
        Array.Fill(steps, 1);
        (starts[0], stops[0]) = (index, index + 1);
        return Ops.Squeeze(Ops.Slice(all, starts, stops, steps), 0);
    }

    private static Node Placed(Dictionary<Node, Node> known, Node output, int axis, int size)
    {
        if (known.TryGetValue(output, out Node? mapped))
            return Ops.MoveAxis(mapped, 0, axis);
        return Ops.Repeat(Ops.ExpandDims(output, axis), size, axis < 0 ? axis + output.Rank + 1 : axis);
    }

    private static bool DependsOn(Dictionary<Node, Node> known, Operation operation)
    {
        foreach (Node input in operation.Inputs)
        {
            if (known.ContainsKey(input))
                return true;
        }

        return false;
    }

    private static void Know(Dictionary<Node, Node> known, Node node, Node mapped)
    {
        mapped.Retain();
        if (known.Remove(node, out Node? former))
            former.Release();
        known.Add(node, mapped);
    }

    /// <summary>The length that all axes have; −1 where there are none.</summary>
    private static int Size(Node[] inputs, int[] axes)
    {
        int size = -1;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (axes[i] < 0)
                continue;
            if (axes[i] >= inputs[i].Rank)
                throw new ArgumentException($"[vmap] Input {i} is {inputs[i]}: it has no axis {axes[i]}.");
            int length = inputs[i].Shape[axes[i]];
            if (size >= 0 && length != size)
                throw new ArgumentException($"[vmap] Axis {axes[i]} of input {i}, {inputs[i]}, is not {size} long.");
            size = length;
        }

        return size;
    }

    private static Node StandIn(Node input, int axis) =>
        Ops.Make(Shared.Of<VmapInput>(), [.. input.Shape[..axis], .. input.Shape[(axis + 1)..]], input.Type);
}

/// <summary>Stands for each index of an array while a function is traced.</summary>
internal sealed class VmapInput : Primitive
{
    public override string Name => "VmapInput";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs) =>
        throw new InvalidOperationException("[vmap] No array is computed while its function is traced.");
}
