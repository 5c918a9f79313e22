namespace ElmMlx;

/// <summary>A norm of matrices that has a name.</summary>
public enum MatrixNorm
{
    /// <summary>The root of the sum of squares.</summary>
    Frobenius,

    /// <summary>The sum of singular values.</summary>
    Nuclear,
}
