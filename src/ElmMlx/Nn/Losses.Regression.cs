namespace ElmMlx.Nn;

// More losses of numbers against numbers, with the formulas and defaults of mlx.nn.losses.
public static partial class Losses
{
    /// <summary><c>(y - t)² / 2β</c> where <c>|y - t|</c> is below β, else <c>|y - t| - β / 2</c>.</summary>
    /// <param name="predictions">y, of any shape.</param>
    /// <param name="targets">t, of the same shape.</param>
    /// <param name="beta">β, above 0.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray SmoothL1(
        MlxArray predictions, MlxArray targets, double beta = 1, LossReduction reduction = LossReduction.Mean)
    {
        MlxArray distance = Difference(predictions, targets).Abs();
        return Reduce(
            MlxArray.Where(distance < beta, distance.Square() * 0.5 / beta, distance - 0.5 * beta), reduction);
    }

    /// <summary>
    /// <c>(y - t)² / 2</c> where <c>|y - t|</c> is up to δ, else <c>δ · (|y - t| - δ / 2)</c> (Huber 1964).
    /// </summary>
    /// <param name="inputs">y, of any shape.</param>
    /// <param name="targets">t, of the same shape.</param>
    /// <param name="delta">δ.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray Huber(
        MlxArray inputs, MlxArray targets, double delta = 1, LossReduction reduction = LossReduction.None)
    {
        MlxArray distance = Difference(inputs, targets).Abs();
        MlxArray quadratic = distance.Minimum(delta);
        return Reduce(quadratic.Square() * 0.5 + (distance - quadratic) * delta, reduction);
    }

    /// <summary><c>ln cosh(y - t)</c>.</summary>
    /// <param name="inputs">y, of any shape.</param>
    /// <param name="targets">t, of the same shape.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray LogCosh(MlxArray inputs, MlxArray targets, LossReduction reduction = LossReduction.None)
    {
        MlxArray error = Difference(inputs, targets);
        return Reduce(error.LogAddExp(-error) - Math.Log(2), reduction);
    }

    /// <summary>
    /// The negative logarithm of a normal distribution's density, <c>½ · (ln v + (y - t)² / v)</c>, v at least ε.
    /// </summary>
    /// <param name="inputs">y, predicted means of any shape.</param>
    /// <param name="targets">t, of the same shape.</param>
    /// <param name="variances">v, predicted variances of the same shape.</param>
    /// <param name="full">Adds the constant <c>½ · ln 2π</c>.</param>
    /// <param name="eps">ε.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static MlxArray GaussianNll(
        MlxArray inputs, MlxArray targets, MlxArray variances, bool full = false, double eps = 1e-6,
        LossReduction reduction = LossReduction.Mean)
    {
        MlxArray v = Wide(SameShape(variances, inputs, "variances", "inputs")).Maximum(eps);
        MlxArray loss = (v.Log() + Difference(inputs, targets).Square() / v) * 0.5;
        return Reduce(full ? loss + 0.5 * Math.Log(2 * Math.PI) : loss, reduction);
    }
}
