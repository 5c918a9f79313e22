using System.Text;

namespace ElmMlx.Cpu;

/// <summary>Graphs as text, inputs before what is computed from them.</summary>
internal static class GraphText
{
    /// <summary>A line an operation: its name, its inputs and its outputs.</summary>
    public static string Lines(NodeNamer namer, Node[] outputs)
    {
        lock (Evaluator.Gate)       // no operation ends while it is read
        {
            List<Node> nodes = InOrder(outputs);
            var text = new StringBuilder();
            text.Append("Inputs: ").Append(List(namer, [.. nodes.Where(node => node.Operation is null)])).Append('\n');
            text.Append("Outputs: ").Append(List(namer, outputs)).Append('\n');
            foreach (Operation operation in nodes.Select(node => node.Operation).OfType<Operation>())
            {
                text.Append(operation.Primitive.Name).Append(' ').Append(List(namer, operation.Inputs)).Append(" -> ")
                    .Append(List(namer, operation.Outputs)).Append('\n');
            }

            return text.ToString();
        }
    }

    /// <summary>A digraph in Graphviz's language: arrays are names, operations numbered rectangles.</summary>
    public static string Dot(NodeNamer namer, Node[] outputs)
    {
        lock (Evaluator.Gate)
        {
            List<Node> nodes = InOrder(outputs);
            var inner = new HashSet<Node>(
                nodes.Where(node => node.Operation is not null).SelectMany(node => node.Operation!.Inputs.ToArray()),
                ReferenceEqualityComparer.Instance);
            var text = new StringBuilder("digraph {\n");
            int number = 0;
            foreach (Node node in nodes)
            {
                string name = namer.NameOf(node).Value;
                if (node.Operation is not { } operation)
                {
                    text.Append($"{{ rank=source; \"{name}\"; }}\n");
                    continue;
                }

                number++;
                text.Append($"{{ {number} [label =\"{operation.Primitive.Name}\", shape=rectangle]; }}\n");
                foreach (Node input in operation.Inputs)
                    text.Append($"\"{namer.NameOf(input).Value}\" -> {number}\n");
                foreach (Node output in operation.Outputs)
                {
                    string made = namer.NameOf(output).Value;
                    text.Append($"{{ {(inner.Contains(output) ? "" : "rank=sink; ")}\"{made}\"; }}\n");
                    text.Append($"{number} -> \"{made}\"\n");
                }
            }

            return text.Append('}').ToString();
        }
    }

    /// <summary>Everything that the outputs need, one node an operation, inputs first; without recursion.</summary>
    internal static List<Node> InOrder(ReadOnlySpan<Node> outputs)
    {
        var seen = new HashSet<Node>(ReferenceEqualityComparer.Instance);
        var order = new List<Node>();
        var path = new Stack<(Node Node, int Next)>();
        foreach (Node output in outputs)
        {
            if (Enter(output))
                path.Push((output, 0));
            while (path.TryPop(out (Node Node, int Next) at))
            {
                ReadOnlySpan<Node> inputs = at.Node.Operation is { } operation ? operation.Inputs : [];
                if (at.Next == inputs.Length)
                {
                    order.Add(at.Node);
                    continue;
                }

                path.Push((at.Node, at.Next + 1));
                if (Enter(inputs[at.Next]))
                    path.Push((inputs[at.Next], 0));
            }
        }

        return order;

        bool Enter(Node node)
        {
            if (!seen.Add(node))
                return false;
            if (node.Operation is { } operation)
            {
                foreach (Node sibling in operation.Outputs)
                    seen.Add(sibling);
            }

            return true;
        }
    }

    private static string List(NodeNamer namer, ReadOnlySpan<Node> nodes)
    {
        var words = new List<string>();
        foreach (Node node in nodes)
            words.Add($"{namer.NameOf(node).Value} [{Ops.Text(node.Shape)}, {node.Type.Name()}]");
        return string.Join(", ", words);
    }
}
