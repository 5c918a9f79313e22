using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>
    /// x·wᵀ where x is rounded to a quantised form first, and w too, unless it comes as words and scales.
    /// </summary>
    /// <param name="x">[.., K] or [K].</param>
    /// <param name="w">[N, K] in full, or words.</param>
    /// <param name="scales">Of words; null for a w in full.</param>
    /// <param name="groupSize">The form's own where it is null; so are the bits.</param>
    /// <param name="bits">Bits of a number.</param>
    /// <param name="mode">nvfp4 or mxfp8.</param>
    /// <param name="globalScaleX">A float32 for all of x, in nvfp4, together with w's; or null.</param>
    /// <param name="globalScaleW">A float32 for all of w.</param>
    public static Node QuantizedProduct(
        Node x, Node w, Node? scales, int? groupSize, int? bits, string mode, Node? globalScaleX, Node? globalScaleW)
    {
        const string Op = "qqmm";
        Quantization form = QuantizationOf(Op, groupSize, bits, mode);
        if (form.Mode is not (QuantizationMode.Nvfp4 or QuantizationMode.Mxfp8))
            throw new ArgumentException($"[{Op}] The mode is nvfp4 or mxfp8, not '{mode}'.");
        RefuseForm(Op, form);
        RefuseQuantizedInput(Op, x, x.Type);
        RefuseGlobalScale(Op, form, globalScaleX);
        RefuseGlobalScale(Op, form, globalScaleW);
        if (globalScaleX is null != globalScaleW is null)
            throw new ArgumentException($"[{Op}] Global scales are given for both operands or for neither.");
        if (x.Rank == 0 || w.Rank != 2)
            throw new ArgumentException($"[{Op}] x is at least a vector, w a matrix; not {x} and {w}.");
        bool isWords = w.Type == MLX_UINT32;
        if (isWords && scales is null)
            throw new ArgumentException($"[{Op}] {w} are words: their scales are missing.");
        if (!isWords)
            RefuseQuantizedInput(Op, w, w.Type);
        if (!isWords && x.Shape[^1] != w.Shape[1])
            throw new ArgumentException($"[{Op}] The last axes of {x} and {w} differ.");
        if (isWords)
            QuantizedWidth(Op, form, x, w, scales!, biases: null, isTransposed: true);

        Node rows = x.Rank == 2 ? x : Reshape(x, [checked((int)(x.Size / Math.Max(1, x.Shape[^1]))), x.Shape[^1]]);
        NodeVector hidden = Tape.Unseen(() => new NodeVector([Product(rows)]));
        Node product = hidden.Nodes[0];
        Node result = Make(new QQMatmul(form.GroupSize, form.Bits, mode), product.Shape, x.Type, rows, w, product);
        hidden.Clear();
        return x.Rank == 2 ? result : Reshape(result, [.. x.Shape[..^1], result.Shape[1]]);

        Node Product(Node a)
        {
            Node rounded = Rounded(a, globalScaleX);
            Node matrix = isWords
                ? Dequantize(w, scales!, null, form.GroupSize, form.Bits, mode, globalScaleW, x.Type)
                : AsType(Rounded(w, globalScaleW), x.Type);
            return MatMul(rounded, SwapAxes(matrix, -1, -2));
        }

        Node Rounded(Node a, Node? globalScale)
        {
            Node[] parts = Quantize(a, form.GroupSize, form.Bits, mode, globalScale);
            return Dequantize(parts[0], parts[1], null, form.GroupSize, form.Bits, mode, globalScale, a.Type);
        }
    }
}
