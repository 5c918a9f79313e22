using ElmMlx.Preference;
using ElmMlx.Training;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// The losses of pairs against numbers worked out by hand, the same in double, and the closed form of their gradients.
/// </summary>
[Collection(GradientCollection.Name)]
public sealed class PreferenceLossTests
{
    // Ratios (−2 + 3) = 1 and (−5 + 4) = −1, so z = 2; at β = 0.5 the rewards are 0.5 and −0.5 and the margin 1.
    // −ln σ(1) = ln(1 + e⁻¹) = 0.31326169, −ln σ(−1) = 1.31326169, of which ε = 0.1 makes 0.41326169.
    // The hinge is max(0, 1 − 1) = 0 there, and max(0, 1 − 0.5) = 0.5 at β = 0.25.
    [Theory]
    [InlineData(PreferenceLossKind.Sigmoid, 0.5, 0, 0.31326169)]
    [InlineData(PreferenceLossKind.Sigmoid, 0.5, 0.1, 0.41326169)]
    [InlineData(PreferenceLossKind.Hinge, 0.5, 0, 0)]
    [InlineData(PreferenceLossKind.Hinge, 0.25, 0, 0.5)]
    public void One_pair_by_hand(PreferenceLossKind kind, double beta, double smoothing, double loss)
    {
        using ArrayScope scope = new();
        LossSum sum = PreferenceLoss.Measure(
            MlxArray.From<float>([-2, -5], 1, 2), MlxArray.From<float>([-3, -4], 1, 2),
            new PreferenceLossOptions { Kind = kind, Beta = beta, LabelSmoothing = smoothing });
        Assert.Equal(loss, sum.Sum.Item<float>(), 1e-6);
        Assert.Equal(1, sum.Weight);
        Assert.Equal(
            [("reward_chosen", (float)beta), ("reward_rejected", (float)-beta), ("margin", (float)(2 * beta)),
                ("accuracy", 1)],
            sum.Figures.Select(figure => (figure.Name, figure.Sum.Item<float>())));
    }

    // At the reference z is 0: ln 2 with or without smoothing, 1 for the hinge; equal rewards are no success.
    [Theory]
    [InlineData(PreferenceLossKind.Sigmoid, 0, 0.69314718)]
    [InlineData(PreferenceLossKind.Sigmoid, 0.2, 0.69314718)]
    [InlineData(PreferenceLossKind.Hinge, 0, 1)]
    public void Pair_at_the_reference(PreferenceLossKind kind, double smoothing, double loss)
    {
        using ArrayScope scope = new();
        MlxArray same = MlxArray.From<float>([-7, -3, -1, -2], 2, 2);
        LossSum sum = PreferenceLoss.Measure(
            same, same, new PreferenceLossOptions { Kind = kind, LabelSmoothing = smoothing });
        Assert.Equal(2 * loss, sum.Sum.Item<float>(), 1e-6);
        Assert.All(sum.Figures, figure => Assert.Equal(0, figure.Sum.Item<float>()));
    }

    [Theory]
    [InlineData(PreferenceLossKind.Sigmoid, 0.1, 0)]
    [InlineData(PreferenceLossKind.Sigmoid, 0.5, 0.3)]
    [InlineData(PreferenceLossKind.Hinge, 0.05, 0)]
    public void Many_pairs_and_their_gradient_equal_the_twin(PreferenceLossKind kind, double beta, double smoothing)
    {
        using ArrayScope scope = new();
        const int pairs = 200;
        var random = new Random(5);
        // some far apart: neither loss nor gradient may overflow
        float[] Draw() =>
            [.. Enumerable.Range(0, 2 * pairs).Select(i => (float)(-random.NextDouble() * (i < 20 ? 5000 : 60)))];
        float[] policy = Draw(), reference = Draw();
        PreferenceLossOptions options = new() { Kind = kind, Beta = beta, LabelSmoothing = smoothing };
        LossSum sum = null!;
        (MlxArray[] values, MlxArray[] gradients) = Transforms.ValueAndGrad(
            inputs =>
            {
                sum = PreferenceLoss.Measure(inputs[0], MlxArray.From<float>(reference, pairs, 2), options);
                return [sum.Sum, .. sum.Figures.Select(figure => figure.Sum)];
            },
            [MlxArray.From<float>(policy, pairs, 2)]);

        double loss = 0, chosen = 0, rejected = 0, right = 0;
        double[] slopes = new double[2 * pairs];
        for (int i = 0; i < pairs; i++)
        {
            double one = beta * ((double)policy[2 * i] - reference[2 * i]);
            double other = beta * ((double)policy[2 * i + 1] - reference[2 * i + 1]), x = one - other;
            loss += kind == PreferenceLossKind.Hinge ? Math.Max(0, 1 - x)
                : (1 - smoothing) * Softplus(-x) + smoothing * Softplus(x);
            double slope = kind == PreferenceLossKind.Hinge ? (x < 1 ? -1 : 0)
                : smoothing * Sigma(x) - (1 - smoothing) * Sigma(-x);
            (slopes[2 * i], slopes[2 * i + 1]) = (beta * slope, -beta * slope);
            (chosen, rejected, right) = (chosen + one, rejected + other, right + (one > other ? 1 : 0));
        }
        GoldenArrays.Close([loss], values[0].Floats(), 1e-5 * loss, "loss");
        GoldenArrays.Close(slopes, gradients[0].Floats(), 1e-5 * beta, "gradient");
        double[] figures = [chosen, rejected, chosen - rejected, right];
        for (int i = 0; i < figures.Length; i++)
            GoldenArrays.Close(
                [figures[i]], values[i + 1].Floats(), 2e-6 * (1 + Math.Abs(figures[i])) * 20, sum.Figures[i].Name);
        Assert.InRange(right, 50, 150);

        static double Sigma(double x) => 1 / (1 + Math.Exp(-x));

        static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));
    }

    [Theory]
    [InlineData(0, 0, PreferenceLossKind.Sigmoid, "beta is 0; it must be above 0.")]
    [InlineData(double.NaN, 0, PreferenceLossKind.Sigmoid, "beta is NaN; it must be above 0.")]
    [InlineData(
        1, 0.5, PreferenceLossKind.Sigmoid, "label_smoothing is 0.5; it must be from 0 up to, not including, 0.5.")]
    [InlineData(1, 0.1, PreferenceLossKind.Hinge, "The hinge loss has no label_smoothing; leave it out, or take the " +
        "sigmoid loss.")]
    public void Impossible_option_is_refused(double beta, double smoothing, PreferenceLossKind kind, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(
            () => new PreferenceLossOptions { Beta = beta, LabelSmoothing = smoothing, Kind = kind }.Check()).Message);
}
