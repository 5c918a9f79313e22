using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// Gradients of the norms over the last axis as graph operations in float32: what <see cref="NormBackward"/> computes
/// in one pass, for second derivatives.
/// </summary>
internal static class NormGradients
{
    /// <summary>
    /// With r = 1 / √(mean x² + ε) and u = g · w: dx = r · u − x · r³ · mean(u · x), dw = Σ g · x · r over the rows.
    /// </summary>
    public static Node?[] RmsNorm(Backward backward, float epsilon)
    {
        Node x = Wide(backward.X), g = Wide(backward.Cotangent);
        Node inverse = Ops.Rsqrt(Ops.Add(RowMean(Ops.Square(x)), Ops.Scalar(epsilon, MLX_FLOAT32)));
        bool hasWeight = backward.Inputs.Length > 1;
        Func<Node> ofX = () =>
        {
            Node u = hasWeight ? Ops.Multiply(g, Wide(backward.Y)) : g;
            Node pull = Ops.Multiply(RowMean(Ops.Multiply(u, x)), Ops.Multiply(inverse, Ops.Square(inverse)));
            return Narrow(Ops.Subtract(Ops.Multiply(u, inverse), Ops.Multiply(x, pull)), backward.X);
        };
        Func<Node> ofWeight = () => Narrow(OverRows(Ops.Multiply(Ops.Multiply(g, x), inverse)), backward.Y);
        return Kept([inverse, x, g], () => hasWeight ? backward.Each(ofX, ofWeight) : backward.Each(ofX));
    }

    /// <summary>
    /// With n = (x − mean) · r and u = g · w: dx = r · (u − mean u − n · mean(u · n)), dw = Σ g · n and db = Σ g over
    /// the rows.
    /// </summary>
    public static Node?[] LayerNorm(Backward backward, float epsilon, bool hasWeight, bool hasBias)
    {
        Node x = Wide(backward.X), g = Wide(backward.Cotangent);
        Node centred = Ops.Subtract(x, RowMean(x));
        Node inverse = Ops.Rsqrt(Ops.Add(RowMean(Ops.Square(centred)), Ops.Scalar(epsilon, MLX_FLOAT32)));
        Node normal = Ops.Multiply(centred, inverse);
        Func<Node> ofWeight = () => Narrow(OverRows(Ops.Multiply(g, normal)), backward.Y);
        Func<Node> ofBias = () => Narrow(OverRows(g), backward.Inputs[^1]);
        Func<Node> ofX = () =>
        {
            Node u = hasWeight ? Ops.Multiply(g, Wide(backward.Y)) : g;
            Node pull = Ops.Multiply(normal, RowMean(Ops.Multiply(u, normal)));
            return Narrow(Ops.Multiply(inverse, Ops.Subtract(Ops.Subtract(u, RowMean(u)), pull)), backward.X);
        };
        return Kept([normal, inverse, g], () => (hasWeight, hasBias) switch
        {
            (true, true) => backward.Each(ofX, ofWeight, ofBias),
            (true, false) => backward.Each(ofX, ofWeight),
            (false, true) => backward.Each(ofX, ofBias),
            _ => backward.Each(ofX),
        });
    }

    // What several gradients share is held until they are made: whichever is asked for, nothing stays behind.
    private static Node?[] Kept(ReadOnlySpan<Node> shared, Func<Node?[]> gradients)
    {
        NodeVector held = new(shared);
        Node?[] made = gradients();
        held.Clear();
        return made;
    }

    private static Node Wide(Node node) => Ops.AsType(node, MLX_FLOAT32);

    private static Node Narrow(Node node, Node like) => Ops.AsType(node, like.Type);

    private static Node RowMean(Node node) => Ops.Mean(node, [-1], keepDims: true);

    private static Node OverRows(Node node) => Ops.Sum(MatMul.Rows(node), [0], keepDims: false);
}
