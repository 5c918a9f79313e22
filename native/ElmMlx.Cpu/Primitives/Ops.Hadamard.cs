using System.Numerics;
using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

internal static partial class Ops
{
    /// <summary>
    /// The last axis times a Hadamard matrix of its length, which is m · 2ᵏ with m of 1, 12, 20 and 28.
    /// </summary>
    /// <param name="a">Floating-point; anything else becomes float32.</param>
    /// <param name="scale">1 / √n where it is null.</param>
    public static Node HadamardTransform(Node a, float? scale)
    {
        if (a.Size == 0)
            throw new ArgumentException($"[hadamard_transform] {a} is empty.");
        int n = a.Rank == 0 ? 1 : a.Shape[^1];
        float factor = scale ?? 1 / MathF.Sqrt(n);
        mlx_dtype type = a.Type.IsFloating() ? a.Type : mlx_dtype.MLX_FLOAT32;
        if (n == 1)
            return factor == 1 ? a : Multiply(a, Scalar(factor, type));
        int order = n >> BitOperations.TrailingZeroCount(n);
        if (order > 1 && n % 4 == 0)
            order *= 4;
        if (HadamardMatrices.Rows(order) is null)
            throw new ArgumentException(
                $"[hadamard_transform] The last axis of {a} has {n} elements; there are matrices for m · 2^k, m of "
                + "1, 12, 20 and 28.");
        return Make(new Hadamard(order, factor, isTransposed: false), a.Shape, type, AsType(a, type));
    }
}
