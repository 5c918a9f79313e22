namespace ElmMlx.Optimizers;

/// <summary>Keeps gradients from growing without bound.</summary>
public static class GradientClipping
{
    /// <summary>
    /// Scales all gradients by one factor, <c>min(1, maxNorm / (norm + 1e-6))</c>, where norm is the L2 norm of
    /// all their elements together: MLX's <c>clip_grad_norm</c>, PyTorch's <c>clip_grad_norm_</c> and so
    /// CoreNet's <c>grad_clip</c>.
    /// </summary>
    /// <param name="gradients">Floating-point arrays; they stay as they are.</param>
    /// <param name="maxNorm">The norm that no result exceeds; infinity only measures.</param>
    /// <returns>
    /// The scaled gradients in their own types, and the norm before scaling, a scalar, summed in float32 at
    /// least. The norm is NaN or infinite where a gradient is.
    /// </returns>
    /// <exception cref="ArgumentException"><paramref name="maxNorm"/> is not above 0.</exception>
    public static (MlxArray[] Clipped, MlxArray Norm) ByGlobalNorm(IReadOnlyList<MlxArray> gradients, double maxNorm)
    {
        if (!(maxNorm > 0))
            throw new ArgumentException(
                FormattableString.Invariant($"the largest norm is {maxNorm}: it must be above 0"), nameof(maxNorm));
        MlxArray norm = Norm(gradients);
        if (double.IsPositiveInfinity(maxNorm))
            return ([.. gradients], norm);
        return (ToNorm(gradients, norm, maxNorm), norm);
    }

    /// <summary>Scales gradients whose norm is known.</summary>
    internal static MlxArray[] ToNorm(IReadOnlyList<MlxArray> gradients, MlxArray norm, double maxNorm)
    {
        MlxArray factor = ((norm + 1e-6).Reciprocal() * maxNorm).Minimum(1.0);
        return [.. gradients.Select(gradient => gradient * factor.AsType(gradient.DType))];
    }

    /// <summary>The L2 norm of all elements of all arrays, a scalar of float32 at least.</summary>
    public static MlxArray Norm(IReadOnlyList<MlxArray> gradients)
    {
        MlxArray sum = MlxArray.Scalar(0.0);
        foreach (MlxArray gradient in gradients)
        {
            MlxArray wide = gradient.DType is DType.Float16 or DType.BFloat16
                ? gradient.AsType(DType.Float32)
                : gradient;
            MlxArray squares = wide.Square();
            sum += (squares.Rank > 1 ? squares.Sum(-1) : squares).Sum(); // row by row: MLX's long sums in float32 drift
        }
        return sum.Sqrt();
    }
}
