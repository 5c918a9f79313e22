using ElmMlx.Cpu;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>
/// Random graphs of matrices [4, 6] of small whole numbers: shared parts, views, operations of several outputs of which
/// some die, gradients; evaluated and dropped in random order, and compared with the same numbers computed at once.
/// </summary>
internal sealed unsafe class RandomGraphs(int seed, RandomGraphs.Exchange exchange)
{
    private const int Rows = 4, Columns = 6, Size = Rows * Columns;

    private readonly Random _random = new(seed);
    private readonly List<Entry> _entries = [];

    /// <summary>Builds, evaluates, drops; then compares what is left.</summary>
    public void Run(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            int action = _random.Next(10);
            if (_entries.Count < 4 || (action < 6 && _entries.Count < 60))
                Grow();
            else if (action < 7)
                Check(Any());
            else if (action < 8)
                Replace(_random.Next(_entries.Count), exchange.Swap(_random.Next(8), Any(holds: true)));
            else
                Remove(_random.Next(_entries.Count));
        }

        while (_entries.Count > 0)
        {
            Check(_entries[^1]);
            Remove(_entries.Count - 1);
        }
    }

    private void Grow()
    {
        if (_entries.Count < 2)
        {
            AddConstant();
            return;
        }

        Entry a = Any(), b = Any();
        (float[] x, float[] y) = (a.Expected, b.Expected);
        switch (_random.Next(9))
        {
            case 0: Add(Ops.Add(a.Node, b.Node), i => x[i] + y[i]); break;
            case 1: Add(Ops.Subtract(a.Node, b.Node), i => x[i] - y[i]); break;
            case 2: Add(Ops.Maximum(a.Node, b.Node), i => Math.Max(x[i], y[i])); break;
            case 3: Add(Ops.Negative(Ops.Negative(Ops.Negative(a.Node))), i => -x[i]); break;
            case 4:
                Node turned = Ops.Reshape(Ops.Transpose(a.Node), [Rows, Columns]);
                Add(turned, i => x[i % Rows * Columns + i / Rows]);
                break;
            case 5:
                Node reversed = Ops.Slice(a.Node, [Rows - 1, 0], [-Rows - 1, Columns], [-1, 1]);
                Add(reversed, i => x[(Rows - 1 - i / Columns) * Columns + i % Columns]);
                break;
            case 6:
                ReadOnlySpan<Node> halves = Ops.Split(a.Node, 2, 1);
                int kept = _random.Next(2);     // the other one is wanted by nobody, or dies
                halves[1 - kept].Retain();
                Add(Ops.Concatenate([halves[kept], halves[kept]], 1), i => x[i / Columns * Columns + i % 3 + 3 * kept]);
                LetGo(a, kept);
                break;
            case 7: AddGradient(a, b, Any()); break;
            default: AddConstant(); break;
        }
    }

    // The half that was held alone, found again as an output of the same operation, is let go.
    private void LetGo(Entry split, int kept)
    {
        Operation operation = _entries[^1].Node.Operation!.Inputs[0].Operation!;
        Assert.Equal(2, operation.Outputs.Length);
        if (_random.Next(2) == 0)
            Check(split);
        operation.Outputs[1 - kept].Release();
    }

    // d max(x, y) · c / dx is c where x > y.
    private void AddGradient(Entry a, Entry b, Entry c)
    {
        Node other = b.Node;
        (NodeVector values, NodeVector gradients) = Gradients.Vjp(
            inputs => new NodeVector([Ops.Maximum(Ops.Negative(Ops.Negative(inputs[0])), other)]), [a.Node],
            Gradients.Given([c.Node]));
        (float[] x, float[] y, float[] z) = (a.Expected, b.Expected, c.Expected);
        Add(values.Nodes[0], i => Math.Max(x[i], y[i]));
        Add(gradients.Nodes[0], i => x[i] > y[i] ? z[i] : 0);
        values.Clear();
        gradients.Clear();
    }

    private void AddConstant()
    {
        Node node = Node.New([Rows, Columns], MLX_FLOAT32);
        node.Allocate();
        float[] numbers = [.. Enumerable.Range(0, Size).Select(_ => (float)_random.Next(-8, 9))];
        numbers.CopyTo(new Span<float>(node.Data, Size));
        Add(node, i => numbers[i]);
    }

    private void Add(Node node, Func<int, float> expected)
    {
        node.Retain();
        float[] numbers = [.. Enumerable.Range(0, Size).Select(expected)];
        _entries.Add(new(node, numbers));
        if (numbers.Any(number => Math.Abs(number) > 1 << 20))      // float32 would begin to round
            Remove(_entries.Count - 1);
    }

    private Entry Any(bool holds = false)
    {
        Entry entry = _entries[_random.Next(_entries.Count)];
        if (holds)
            entry.Node.Retain();
        return entry;
    }

    private void Replace(int index, Entry? entry)
    {
        if (entry is null)
            return;
        _entries[index].Node.Release();
        _entries[index] = entry;
    }

    private void Remove(int index)
    {
        _entries[index].Node.Release();
        _entries.RemoveAt(index);
    }

    private static void Check(Entry entry)
    {
        Node rows = Ops.Contiguous(entry.Node);
        rows.Retain();
        Evaluator.Evaluate(rows);
        Assert.Equal(entry.Expected, new ReadOnlySpan<float>(rows.Data, Size).ToArray());
        rows.Release();
    }

    /// <summary>A matrix that is held once, and its numbers.</summary>
    internal sealed record Entry(Node Node, float[] Expected);

    /// <summary>Where threads leave matrices for each other.</summary>
    internal sealed class Exchange
    {
        private readonly Entry?[] _places = new Entry?[8];

        public Entry? Swap(int place, Entry entry) => Interlocked.Exchange(ref _places[place], entry);

        public void Clear()
        {
            foreach (Entry? entry in _places)
                entry?.Node.Release();
        }
    }
}
