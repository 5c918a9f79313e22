using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>
/// x·wᵀ of two quantised operands. Inputs: x and w in full, then the product, which is passed on. The gradients are
/// such products too.
/// </summary>
internal sealed class QQMatmul(int groupSize, int bits, string mode) : Primitive
{
    public override string Name => "QQMatmul";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs) =>
        outputs[0].ShareWith(inputs[2], inputs[2].Strides, inputs[2].Offset);

    public override Node?[] Gradient(Backward backward)
    {
        Node x = backward.X, w = backward.Y, g = backward.Cotangent;
        if (w.Type == mlx_dtype.MLX_UINT32)
            throw new NotSupportedException("[qqmm] The gradient needs w in full, not as words and scales.");
        return backward.Each(
            () => Product(g, Ops.SwapAxes(w, -1, -2)),
            () => Product(Ops.SwapAxes(g, -1, -2), Ops.SwapAxes(x, -1, -2)));
    }

    private Node Product(Node a, Node b) =>
        Ops.QuantizedProduct(a, b, scales: null, groupSize, bits, mode, globalScaleX: null, globalScaleW: null);
}
