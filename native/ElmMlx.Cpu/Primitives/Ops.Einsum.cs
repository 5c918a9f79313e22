namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>
    /// Einstein's sum, as <c>ij,jk-&gt;ik</c>: operands are joined from left to right, each pair by a matrix product
    /// over the labels that nothing later needs.
    /// </summary>
    public static Node Einsum(string subscripts, Node[] operands)
    {
        string text = subscripts.Replace(" ", "", StringComparison.Ordinal);
        string[] sides = text.Split("->");
        string[] inputs = sides[0].Split(',');
        if (sides.Length > 2 || inputs.Length != operands.Length)
            throw new ArgumentException(
                $"[einsum] '{subscripts}' has {inputs.Length} inputs, but {operands.Length} arrays were given.");
        int nDots = inputs.Zip(operands, static (labels, node) => labels.Contains("...", StringComparison.Ordinal)
            ? node.Rank - labels.Length + 3 : 0).Max();
        string output = sides.Length == 2 ? Expand(sides[1], nDots) : ImplicitOutput(inputs, nDots);
        var terms = new List<Term>();
        var sizes = new Dictionary<char, int>();
        for (int i = 0; i < operands.Length; i++)
        {
            bool hasDots = inputs[i].Contains("...", StringComparison.Ordinal);
            string labels = Expand(inputs[i], hasDots ? operands[i].Rank - inputs[i].Length + 3 : 0);
            if (labels.Length != operands[i].Rank)
                throw new ArgumentException($"[einsum] '{inputs[i]}' does not fit input {i} with shape "
                    + $"{Text(operands[i].Shape)}.");
            for (int axis = 0; axis < labels.Length; axis++)
            {
                int length = operands[i].Shape[axis];
                if (sizes.GetValueOrDefault(labels[axis], 1) != 1 && length != 1 && sizes[labels[axis]] != length)
                    throw new ArgumentException($"[einsum] Cannot broadcast dimension {axis} of input {i} with shape "
                        + $"{Text(operands[i].Shape)} to size {sizes[labels[axis]]}.");
                sizes[labels[axis]] = length == 1 ? sizes.GetValueOrDefault(labels[axis], 1) : length;
            }

            terms.Add(Term.Of(operands[i], labels));
        }

        if (output.FirstOrDefault(label => !sizes.ContainsKey(label)) is var unknown && unknown != 0)
            throw new ArgumentException($"[einsum] Output label '{unknown}' appears in no input.");
        Term result = terms[0];
        for (int i = 1; i < terms.Count; i++)
        {
            string needed = output + string.Concat(terms[(i + 1)..].Select(term => term.Labels));
            result = Join(result, terms[i], needed, sizes);
        }

        result = result.Keeping(output);
        return Transpose(result.Node, [.. output.Select(label => result.Labels.IndexOf(label))]);
    }

    // The axes behind "..." are named from the last to the first, so that they meet from the right.
    private static string Expand(string labels, int nDots)
    {
        if (labels.Any(label => !char.IsAsciiLetter(label) && label != '.'))
            throw new ArgumentException($"[einsum] '{labels}' has other signs than letters and '...'.");
        string dots = string.Concat(Enumerable.Range(0, nDots).Select(i => (char)('0' + nDots - 1 - i)));
        return labels.Replace("...", dots, StringComparison.Ordinal);
    }

    // Without "->": the axes behind "...", then the labels that appear once, in order of the alphabet
    private static string ImplicitOutput(string[] inputs, int nDots) =>
        Expand(nDots > 0 ? "..." : "", nDots) + string.Concat(string.Concat(inputs).Where(char.IsAsciiLetter)
            .GroupBy(label => label).Where(group => group.Count() == 1).Select(group => group.Key).Order());

    private static Term Join(Term a, Term b, string needed, Dictionary<char, int> sizes)
    {
        a = a.Keeping(needed + b.Labels).Widened(b.Labels, sizes);
        b = b.Keeping(needed + a.Labels).Widened(a.Labels, sizes);
        string shared = string.Concat(a.Labels.Intersect(b.Labels));
        string batch = string.Concat(shared.Intersect(needed)), gone = string.Concat(shared.Except(batch));
        string rows = string.Concat(a.Labels.Except(shared)), columns = string.Concat(b.Labels.Except(shared));
        int[] batchShape = [.. batch.Select(label => sizes[label])];
        Node left = Reshape(a.InOrder(batch + rows + gone), [.. batchShape, a.Count(rows), a.Count(gone)]);
        Node right = Reshape(b.InOrder(batch + gone + columns), [.. batchShape, b.Count(gone), b.Count(columns)]);
        bool multiplies = gone.Length > 0 && DTypes.Promote(a.Node.Type, b.Node.Type).IsInexact();
        Node product;
        if (multiplies)
            product = MatMul(left, right);
        else if (gone.Length == 0)
            product = Multiply(left, right);        // [.., rows, 1] · [.., 1, columns]
        else
            product = Sum(Multiply(ExpandDims(left, -1), ExpandDims(right, -3)), [-2], keepDims: false);
        int[] shape = [.. batchShape, .. rows.Select(a.LengthOf), .. columns.Select(b.LengthOf)];
        return new(Reshape(product, shape), batch + rows + columns);
    }

    /// <summary>An operand and a label for each of its axes.</summary>
    private readonly record struct Term(Node Node, string Labels)
    {
        /// <summary>Takes the diagonal of axes with one label.</summary>
        public static Term Of(Node node, string labels)
        {
            for (int axis = 0; axis < labels.Length; axis++)
            {
                int other = labels.IndexOf(labels[axis], axis + 1);
                if (other < 0)
                    continue;
                Node diagonal = Diagonal(node, 0, axis, other);
                return Of(diagonal, labels.Remove(other, 1).Remove(axis, 1) + labels[axis]);
            }

            return new(node, labels);
        }

        public int LengthOf(char label) => Node.Shape[Labels.IndexOf(label)];

        public int Count(string labels) => labels.Aggregate(1, LengthTimes);

        /// <summary>Sums over the labels that nobody needs.</summary>
        public Term Keeping(string needed)
        {
            string labels = Labels;
            int[] gone = [.. Enumerable.Range(0, labels.Length).Where(axis => !needed.Contains(labels[axis]))];
            return gone.Length == 0 ? this
                : new(Sum(Node, gone, keepDims: false), string.Concat(labels.Where(needed.Contains)));
        }

        /// <summary>Repeats axes of length 1 that are longer in the other operand.</summary>
        public Term Widened(string others, Dictionary<char, int> sizes) =>
            new(BroadcastTo(Node, [.. Labels.Zip(Node.Shape, (label, length) =>
                others.Contains(label) ? sizes[label] : length)]), Labels);

        public Node InOrder(string order)
        {
            string labels = Labels;
            return Transpose(Node, [.. order.Select(label => labels.IndexOf(label))]);
        }

        private int LengthTimes(int count, char label) => count * LengthOf(label);
    }
}
