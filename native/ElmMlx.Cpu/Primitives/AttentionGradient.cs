using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// The gradient of attention as graph operations in float32, for what <see cref="AttentionBackward"/> does not compute:
/// the gradients of mask and sinks, and second derivatives. The queries of a group are one tall matrix; with S = scale
/// · q·kᵀ + mask and P = softmax S: dv = Pᵀ·g, dS = P · (g·vᵀ − Σ P · g·vᵀ), dq = scale · dS·k, dk = scale · dSᵀ·q.
/// </summary>
internal static class AttentionGradient
{
    // B batch, G groups (key and value heads), R queries a group, Lq and Lk lengths

    public static Node?[] Of(Backward backward, float scale, AttentionMask mask, bool hasSinks)
    {
        Node q = Wide(backward.X), k = Wide(backward.Y), v = Wide(backward.Inputs[2]), g = Wide(backward.Cotangent);
        int nBatch = q.Shape[0], nGroups = k.Shape[1], lq = q.Shape[2], lk = k.Shape[2],
            nRepeats = q.Shape[1] / nGroups;
        int[] tall = [nBatch, nGroups, nRepeats * lq, lk], split = [nBatch, nGroups, nRepeats, lq, lk];
        Node queries = Tall(q), outputs = Tall(g);

        Node scores = Ops.MatMul(Ops.Multiply(queries, Ops.Scalar(scale, MLX_FLOAT32)), Ops.SwapAxes(k, -1, -2));
        Node? visible = mask switch
        {
            AttentionMask.Causal => Ops.Tri(lq, lk, lk - lq, MLX_BOOL),
            AttentionMask.Boolean => Ops.Reshape(backward.Inputs[3], split),
            _ => null,
        };
        scores = Masked(Ops.Reshape(scores, split));
        Node sinks = hasSinks ? Ops.Reshape(backward.Inputs[^1], [1, nGroups, nRepeats, 1, 1]) : scores;
        Node? logSum = hasSinks ? Ops.LogAddExp(Ops.LogSumExp(scores, [-1], keepDims: true), sinks) : null;
        Node p = logSum is null ? Ops.Softmax(scores, [-1]) : Ops.Exp(Ops.Subtract(scores, logSum));

        NodeVector held = new([queries, outputs, p, k, v, sinks, visible ?? scores]);
        logSum?.Retain();
        Node? products = null, spread = null;

        var gradients = new Node?[backward.Inputs.Length];
        if (backward.IsWanted[0])
            gradients[0] = Narrow(Ops.Reshape(Scaled(Ops.MatMul(Ops.Reshape(Spread(), tall), k)), q.Shape), backward.X);
        if (backward.IsWanted[1])
        {
            Node turned = Ops.SwapAxes(Ops.Reshape(Spread(), tall), -1, -2);
            gradients[1] = Narrow(Scaled(Ops.MatMul(turned, queries)), backward.Y);
        }

        if (backward.IsWanted[2])
        {
            Node turned = Ops.SwapAxes(Ops.Reshape(p, tall), -1, -2);
            gradients[2] = Narrow(Ops.MatMul(turned, outputs), backward.Inputs[2]);
        }

        if (mask == AttentionMask.Additive && backward.IsWanted[3])
            gradients[3] = Narrow(Ops.Reshape(Spread(), [nBatch, nGroups * nRepeats, lq, lk]), backward.Inputs[3]);
        if (hasSinks && backward.IsWanted[^1])
        {
            // the sink has a share of each softmax and no value: its products are 0
            Node share = Ops.Exp(Ops.Subtract(sinks, logSum!));
            Node expected = Ops.Sum(Ops.Multiply(p, Products()), [-1], keepDims: true);
            Node pull = Ops.Sum(Ops.Multiply(share, expected), [0, 3, 4], keepDims: false);
            gradients[^1] = Ops.Reshape(Ops.Negative(pull), backward.Inputs[^1].Shape);
        }

        logSum?.Release();
        held.Clear();
        return gradients;

        // g·vᵀ and dS, [B, G, R, Lq, Lk]: made when first asked for
        Node Products() =>
            products ??= Held(Ops.Reshape(Ops.MatMul(outputs, Ops.SwapAxes(v, -1, -2)), split));

        // what a mask hides sends nothing back, not even in a row that sees nothing
        Node Spread() => spread ??= Held(visible is null
            ? SoftmaxGradient.Of(p, Products())
            : Ops.Where(visible, SoftmaxGradient.Of(p, Products()), Ops.Scalar(0, MLX_FLOAT32)));

        Node Held(Node node)
        {
            held.Add(node);
            return node;
        }

        Node Tall(Node node) => Ops.Reshape(node, [nBatch, nGroups, nRepeats * lq, node.Shape[^1]]);

        Node Scaled(Node node) => Ops.Multiply(node, Ops.Scalar(scale, MLX_FLOAT32));

        Node Masked(Node s) => mask == AttentionMask.Additive
            ? Ops.Add(s, Wide(Ops.Reshape(backward.Inputs[3], split)))
            : visible is null ? s : Ops.Where(visible, s, Lowest());
    }

    // Not −∞: a row that sees nothing weighs all values the same, as the forward pass has it.
    private static Node Lowest() => Ops.Scalar(float.MinValue, MLX_FLOAT32);

    private static Node Wide(Node node) => Ops.AsType(node, MLX_FLOAT32);

    private static Node Narrow(Node node, Node like) => Ops.AsType(node, like.Type);
}
