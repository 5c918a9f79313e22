namespace ElmMlx.Nn;

/// <summary>
/// Activations as functions, with the formulas and defaults of mlx.nn. Unless it says otherwise, a function works on
/// each element of an array of any shape.
/// </summary>
public static class Activations
{
    /// <summary><c>max(x, 0)</c>.</summary>
    public static MlxArray Relu(MlxArray x) => x.Maximum(0);

    /// <summary><c>max(x, 0)²</c> (So et al. 2021, arXiv:2109.08668).</summary>
    public static MlxArray Relu2(MlxArray x) => x.Maximum(0).Square();

    /// <summary><c>min(max(x, 0), 6)</c>.</summary>
    public static MlxArray Relu6(MlxArray x) => x.Maximum(0).Minimum(6.0);

    /// <summary><c>max(slope · x, x)</c>.</summary>
    public static MlxArray LeakyRelu(MlxArray x, double negativeSlope = 0.01) => (x * negativeSlope).Maximum(x);

    /// <summary><c>max(x, 0) + α · min(x, 0)</c> (He et al. 2015, arXiv:1502.01852).</summary>
    /// <param name="x">[…].</param>
    /// <param name="alpha">α, which broadcasts to the shape of x.</param>
    public static MlxArray PRelu(MlxArray x, MlxArray alpha) => x.Maximum(0) + alpha * x.Minimum(0);

    /// <summary>x above 0, <c>α · (eˣ - 1)</c> elsewhere (Clevert et al. 2015, arXiv:1511.07289).</summary>
    public static MlxArray Elu(MlxArray x, double alpha = 1) => MlxArray.Where(x > 0, x, (x.Exp() - 1) * alpha);

    /// <summary><c>1.0507 · elu(x, 1.67326)</c> (Klambauer et al. 2017, arXiv:1706.02515).</summary>
    public static MlxArray Selu(MlxArray x) => Elu(x, 1.67326) * 1.0507;

    /// <summary><c>max(x, 0) + α · (e^(min(x, 0) / α) - 1)</c> (Barron 2017, arXiv:1704.07483).</summary>
    public static MlxArray Celu(MlxArray x, double alpha = 1) =>
        x.Maximum(0.0) + ((x.Minimum(0.0) / alpha).Exp() - 1) * alpha;

    /// <summary><c>1 / (1 + e⁻ˣ)</c>.</summary>
    public static MlxArray Sigmoid(MlxArray x) => x.Sigmoid();

    /// <summary><c>ln sigmoid(x)</c>.</summary>
    public static MlxArray LogSigmoid(MlxArray x) => -Softplus(-x);

    /// <summary><c>x · sigmoid(x)</c>, also called swish.</summary>
    public static MlxArray Silu(MlxArray x) => x * x.Sigmoid();

    /// <summary><c>x · Φ(x)</c>, Φ the normal distribution (Hendrycks and Gimpel 2016, arXiv:1606.08415).</summary>
    public static MlxArray Gelu(MlxArray x) => x * ((x / Math.Sqrt(2)).Erf() + 1) / 2;

    /// <summary>GELU with tanh instead of Φ: <c>x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))</c>.</summary>
    public static MlxArray GeluApprox(MlxArray x) =>
        x * 0.5 * (((x + x.Power(3) * 0.044715) * Math.Sqrt(2 / Math.PI)).Tanh() + 1);

    /// <summary>GELU with a sigmoid instead of Φ: <c>x · sigmoid(1.702 · x)</c>.</summary>
    public static MlxArray GeluFastApprox(MlxArray x) => x * (x * 1.702).Sigmoid();

    /// <summary><c>a · sigmoid(b)</c>, a and b the halves of an axis (Dauphin et al. 2016, arXiv:1612.08083).</summary>
    /// <param name="x">[…, 2n, …].</param>
    /// <param name="axis">The axis that is halved.</param>
    /// <returns>[…, n, …].</returns>
    public static MlxArray Glu(MlxArray x, int axis = -1)
    {
        MlxArray[] halves = x.Split(2, axis);
        return halves[0] * halves[1].Sigmoid();
    }

    /// <summary><c>x · tanh(softplus(x))</c> (Misra 2019, arXiv:1908.08681).</summary>
    public static MlxArray Mish(MlxArray x) => x * Softplus(x).Tanh();

    /// <summary><c>x · min(max(x + 3, 0), 6) / 6</c> (Howard et al. 2019, arXiv:1905.02244).</summary>
    public static MlxArray HardSwish(MlxArray x) => x * (x + 3).Maximum(0).Minimum(6) / 6;

    /// <summary><c>ln(1 + eˣ)</c>.</summary>
    public static MlxArray Softplus(MlxArray x) => x.LogAddExp(0);

    /// <summary><c>x / (1 + |x|)</c>.</summary>
    public static MlxArray Softsign(MlxArray x) => x / (x.Abs() + 1);

    /// <summary><c>x - sign(x) · λ</c> where |x| is above λ, 0 elsewhere.</summary>
    public static MlxArray Softshrink(MlxArray x, double lambda = 0.5) =>
        MlxArray.Where(x.Abs() > lambda, x - x.Sign() * lambda, 0);

    /// <summary>x where |x| is above λ, 0 elsewhere.</summary>
    public static MlxArray HardShrink(MlxArray x, double lambda = 0.5) => MlxArray.Where(x.Abs() > lambda, x, 0);

    /// <summary><c>tanh x</c>.</summary>
    public static MlxArray Tanh(MlxArray x) => x.Tanh();

    /// <summary><c>min(max(x, least), most)</c>.</summary>
    public static MlxArray HardTanh(MlxArray x, double minVal = -1, double maxVal = 1) =>
        x.Maximum(minVal).Minimum(maxVal);

    /// <summary>1 above the threshold, 0 elsewhere, as int32; it has no gradient.</summary>
    public static MlxArray Step(MlxArray x, double threshold = 0) => (x > threshold).AsType(DType.Int32);

    /// <summary><c>eˣ / Σ eˣ</c> along an axis.</summary>
    public static MlxArray Softmax(MlxArray x, int axis = -1) => x.Softmax(axis);

    /// <summary><c>e⁻ˣ / Σ e⁻ˣ</c> along an axis.</summary>
    public static MlxArray Softmin(MlxArray x, int axis = -1) => (-x).Softmax(axis);

    /// <summary><c>x - ln Σ eˣ</c> along an axis.</summary>
    public static MlxArray LogSoftmax(MlxArray x, int axis = -1) => x - x.LogSumExp(axis, keepDims: true);
}
