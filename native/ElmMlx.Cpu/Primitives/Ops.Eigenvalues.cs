using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>
    /// Eigenvalues, ascending, and eigenvectors, as columns, of symmetric or Hermitian matrices, of which the lower
    /// triangle is read, or with <c>U</c> the upper one.
    /// </summary>
    public static (Node Values, Node Vectors) Eigh(Node a, string triangle)
    {
        (Eigh primitive, mlx_dtype real) = Symmetric("eigh", a, triangle);
        ReadOnlySpan<Node> outputs = Operation.New(primitive, [a], [a.Shape[..^1], a.Shape], [real, a.Type]).Outputs;
        return (outputs[0], outputs[1]);
    }

    /// <summary>The eigenvalues alone.</summary>
    public static Node Eigvalsh(Node a, string triangle)
    {
        (Eigh primitive, mlx_dtype real) = Symmetric("eigvalsh", a, triangle);
        return Make(primitive, a.Shape[..^1], real, a);
    }

    /// <summary>Eigenvalues and eigenvectors, as columns, of any square matrices: complex64.</summary>
    public static (Node Values, Node Vectors) Eig(Node a)
    {
        CheckSquare("eig", a, isComplexFine: true);
        ReadOnlySpan<Node> outputs = Operation.New(
            Shared.Of<Eig>(), [a], [a.Shape[..^1], a.Shape], [MLX_COMPLEX64, MLX_COMPLEX64]).Outputs;
        return (outputs[0], outputs[1]);
    }

    /// <summary>The eigenvalues alone.</summary>
    public static Node Eigvals(Node a)
    {
        CheckSquare("eigvals", a, isComplexFine: true);
        return Make(Shared.Of<Eig>(), a.Shape[..^1], MLX_COMPLEX64, a);
    }

    private static (Eigh Primitive, mlx_dtype Real) Symmetric(string operation, Node a, string triangle)
    {
        CheckSquare(operation, a, isComplexFine: true);
        return triangle is "L" or "U"
            ? (new Eigh(isUpper: triangle == "U"), a.Type == MLX_COMPLEX64 ? MLX_FLOAT32 : a.Type)
            : throw new ArgumentException($"[linalg::{operation}] The triangle is L or U, not '{triangle}'.");
    }
}
