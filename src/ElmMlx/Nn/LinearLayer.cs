namespace ElmMlx.Nn;

/// <summary>A layer that multiplies its input by a matrix: plain, quantised, or with an adapter.</summary>
public abstract class LinearLayer : UnaryLayer
{
    /// <summary>Width of the input.</summary>
    public abstract int InputSize { get; }

    /// <summary>Width of the output.</summary>
    public abstract int OutputSize { get; }

    /// <summary><c>x · Wᵀ</c>, plus a bias where there is one.</summary>
    /// <param name="x">[…, InputSize].</param>
    /// <returns>[…, OutputSize].</returns>
    public abstract override MlxArray Forward(MlxArray x);

    /// <summary>What is added to the product, [OutputSize]; null for nothing.</summary>
    public virtual MlxArray? Bias => null;

    /// <summary>The matrix W in a floating-point type, [OutputSize, InputSize].</summary>
    public abstract MlxArray DenseWeight();
}
