using ElmMlx.Cpu;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>
/// Gradients of complex64 on the CPU provider. Moving z by δ moves Re Σ conj(w) · f(z) by Re Σ conj(gradient) · δ: MLX
/// keeps to that for products and quotients, the CPU provider everywhere.
/// </summary>
public sealed unsafe class ComplexGradientTests
{
    private const float Step = 1 / 64f;

    private static readonly Dictionary<string, Func<Node[], Node>> Functions = new()
    {
        ["abs"] = x => Ops.Abs(x[0]),
        ["negative"] = x => Ops.Negative(x[0]),
        ["square"] = x => Ops.Square(x[0]),
        ["reciprocal"] = x => Ops.Reciprocal(x[0]),
        ["exp"] = x => Ops.Exp(x[0]),
        ["expm1"] = x => Ops.Expm1(x[0]),
        ["log"] = x => Ops.Log(x[0]),
        ["log2"] = x => Ops.Log2(x[0]),
        ["log10"] = x => Ops.Log10(x[0]),
        ["log1p"] = x => Ops.Log1p(x[0]),
        ["sin"] = x => Ops.Sin(x[0]),
        ["cos"] = x => Ops.Cos(x[0]),
        ["tan"] = x => Ops.Tan(x[0]),
        ["arcsin"] = x => Ops.ArcSin(x[0]),
        ["arccos"] = x => Ops.ArcCos(x[0]),
        ["arctan"] = x => Ops.ArcTan(x[0]),
        ["arcsinh"] = x => Ops.ArcSinh(x[0]),
        ["arccosh"] = x => Ops.ArcCosh(x[0]),
        ["arctanh"] = x => Ops.ArcTanh(x[0]),
        ["sinh"] = x => Ops.Sinh(x[0]),
        ["cosh"] = x => Ops.Cosh(x[0]),
        ["tanh"] = x => Ops.Tanh(x[0]),
        ["sigmoid"] = x => Ops.Sigmoid(x[0]),
        ["sqrt"] = x => Ops.Sqrt(x[0]),
        ["rsqrt"] = x => Ops.Rsqrt(x[0]),
        ["conjugate"] = x => Ops.Conjugate(x[0]),
        ["real"] = x => Ops.Real(x[0]),
        ["imag"] = x => Ops.Imag(x[0]),
        ["add"] = x => Ops.Add(x[0], x[1]),
        ["subtract"] = x => Ops.Subtract(x[0], x[1]),
        ["multiply"] = x => Ops.Multiply(x[0], x[1]),
        ["divide"] = x => Ops.Divide(x[0], x[1]),
        ["power"] = x => Ops.Power(x[0], x[1]),
        ["logaddexp"] = x => Ops.LogAddExp(x[0], x[1]),
        ["sum"] = x => Ops.Sum(x[0], [0], keepDims: false),
        ["prod"] = x => Ops.Prod(x[0], [0], keepDims: false),
        ["cumsum"] = x => Ops.CumSum(x[0], 0, isReverse: false, isInclusive: true),
        ["cumprod"] = x => Ops.CumProd(x[0], 0, isReverse: true, isInclusive: true),
        ["times a real"] = x => Ops.Multiply(x[0], Ops.Real(x[1])),
        ["softmax"] = x => Ops.Softmax(x[0], [0]),
    };

    public static TheoryData<string> Names => [.. Functions.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Derivatives_are_what_differences_say(string name)
    {
        Func<Node[], Node> function = Functions[name];
        // Real and imaginary parts in turn; away from zeros and cuts
        float[][] at = [[0.6f, 0.5f, 0.3f, -0.7f], [0.9f, 0.4f, 1.1f, 0.6f]];
        float[][] along = [[0.3f, -0.8f, 0.7f, 0.2f], [-0.4f, 0.9f, 0.1f, 0.6f]];
        Node[] primals = [.. at.Select(Complex)];
        Node value = ElementwiseKernelTests.Held(function(primals));
        float[] ones = [0.7f, -0.4f, 0.2f, 0.9f];
        Node weights = ElementwiseKernelTests.Held(Ops.Reshape(
            Ops.AsType(Ops.Slice(Complex(ones), [0], [(int)value.Size], [1]), value.Type), value.Shape));
        float[] w = Parts(weights);

        (NodeVector values, NodeVector gradients) = Gradients.Vjp(
            x => new([function(x)]), primals, Gradients.Given([weights]));
        float[][] got = [.. gradients.Nodes.Select(Parts)];
        for (int input = 0; input < at.Length; input++)
        {
            for (int i = 0; i < at[input].Length; i++)
            {
                double Moved(float step)
                {
                    float[][] moved = [.. at.Select(numbers => (float[])numbers.Clone())];
                    moved[input][i] += step;
                    return Dot(w, Parts(ElementwiseKernelTests.Held(function([.. moved.Select(Complex)]))));
                }

                double want = (8 * (Moved(Step) - Moved(-Step)) - (Moved(2 * Step) - Moved(-2 * Step))) / (12 * Step);
                Assert.True(Math.Abs(got[input][i] - want) < 1e-4 * (1 + Math.Abs(want)),
                    $"gradient {input} [{i}] is {got[input][i]}, not {want}");
            }
        }

        (NodeVector again, NodeVector tangents) = Gradients.Jvp(
            x => new([function(x)]), primals, [.. along.Select(Complex)]);
        double tangent = Dot(w, Parts(tangents.Nodes[0]));
        Assert.Equal(got.Zip(along, Dot).Sum(), tangent, 1e-5 * (1 + Math.Abs(tangent)));
        foreach (NodeVector vector in (NodeVector[])[values, gradients, again, tangents])
            vector.Clear();
    }

    private static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();

    private static Node Complex(float[] parts)
    {
        var node = Node.New([parts.Length / 2], MLX_COMPLEX64, Cpu.Buffer.Allocate(parts.Length * sizeof(float)));
        parts.CopyTo(new Span<float>(node.Data, parts.Length));
        return ElementwiseKernelTests.Held(node);
    }

    // Real and imaginary parts in turn; real numbers as they are
    private static float[] Parts(Node node)
    {
        Node rows = ElementwiseKernelTests.Held(Ops.Contiguous(node));
        Evaluator.Evaluate(rows);
        int nParts = (int)rows.Size * (rows.Type == MLX_COMPLEX64 ? 2 : 1);
        return new ReadOnlySpan<float>(rows.Data, nParts).ToArray();
    }
}
