using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>y = x · wᵀ (or x · w) with quantised w. Strides in elements.</summary>
internal unsafe struct QuantizedMatMulArguments
{
    public QuantizedMatrix W;

    /// <summary>Whether w is [N, K] (the usual) rather than [K, N].</summary>
    public bool IsTransposed;

    /// <summary>Rows of x.</summary>
    public int M;

    /// <summary>dtype of x and y.</summary>
    public mlx_dtype Type;

    public void* X;
    public long XRow, XColumn;

    /// <summary>[M, N], row-contiguous.</summary>
    public void* Y;

    public readonly int N => IsTransposed ? W.Rows : W.Columns;

    public readonly int K => IsTransposed ? W.Columns : W.Rows;
}
