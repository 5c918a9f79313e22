namespace ElmMlx.Nn;

/// <summary>A table of vectors that is looked up by id, and that a tied output layer multiplies by.</summary>
public abstract class EmbeddingLayer : UnaryLayer
{
    /// <summary>Number of rows, V.</summary>
    public abstract int Count { get; }

    /// <summary>Width of a row, D.</summary>
    public abstract int Size { get; }

    /// <summary>The rows of the given ids.</summary>
    /// <param name="ids">Integers of any shape […].</param>
    /// <returns>[…, D].</returns>
    public abstract override MlxArray Forward(MlxArray ids);

    /// <summary><c>x · Wᵀ</c>: the table as an output layer.</summary>
    /// <param name="x">[…, D].</param>
    /// <returns>[…, V].</returns>
    public abstract MlxArray AsLinear(MlxArray x);

    /// <summary>The table in a floating-point type, [V, D].</summary>
    public abstract MlxArray DenseWeight();
}
