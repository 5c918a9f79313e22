using ElmMlx.Bindings;

namespace ElmMlx.Cpu.Kernels;

/// <summary>C = Alpha · A·B + Beta · Addend for one pair of matrices. Strides are in elements; all have one dtype.</summary>
internal unsafe struct MatMulArguments
{
    public MatMulArguments()
    {
    }

    /// <summary>C is [M, N], A is [M, K], B is [K, N].</summary>
    public int M, N, K;

    public mlx_dtype Type;

    public void* A;
    public long ARow, AColumn;
    public void* B;
    public long BRow, BColumn;
    public void* C;
    public long CRow, CColumn = 1;

    public float Alpha = 1, Beta;

    /// <summary>Read only where <see cref="Beta"/> is not 0.</summary>
    public void* Addend;
    public long AddendRow, AddendColumn;

    /// <summary>The same product seen transposed: Cᵀ = Bᵀ·Aᵀ.</summary>
    public readonly MatMulArguments Transposed() => this with
    {
        M = N,
        N = M,
        A = B,
        ARow = BColumn,
        AColumn = BRow,
        B = A,
        BRow = AColumn,
        BColumn = ARow,
        CRow = CColumn,
        CColumn = CRow,
        AddendRow = AddendColumn,
        AddendColumn = AddendRow,
    };
}
