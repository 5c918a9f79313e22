using ElmMlx.Datasets;
using ElmMlx.OpenElm;

namespace ElmMlx.Evaluation;

/// <summary>How well a model foretells text.</summary>
/// <param name="Loss">Mean cross-entropy of the tokens that count, in nats; every token weighs the same.</param>
/// <param name="StandardError">Of <see cref="Value"/>: perplexity · σ / √tokens; NaN for a single token.</param>
/// <param name="Tokens">Tokens that count.</param>
/// <param name="Rows">Rows they stand in.</param>
public sealed record Perplexity(double Loss, double StandardError, long Tokens, int Rows)
{
    /// <summary>The perplexity, <c>exp(loss)</c>.</summary>
    public double Value => Math.Exp(Loss);

    /// <summary>Measures a model, adapters included.</summary>
    /// <param name="model">The model; it is set to evaluation, so nothing is dropped.</param>
    /// <param name="rows">The rows, at least one, with their tokens to be learnt.</param>
    /// <param name="options">How; defaults when left out.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Ends between two batches.</param>
    /// <exception cref="ArgumentException">No token counts, or a row is too long or too short.</exception>
    public static Perplexity Measure(
        OpenElmModel model, IReadOnlyList<TokenRow> rows, EvaluationOptions? options = null,
        IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rows);
        if (!rows.Any(row => row.LearnedCount > 0))
            throw new ArgumentException("There is no token to measure.", nameof(rows));
        double[] losses =
        [
            .. TokenScores.Of(model, rows, options ?? new EvaluationOptions(), progress, cancellation)
                .SelectMany(row => row)
                .Select(score => -(double)score.LogProbability),
        ];
        double mean = losses.Average();
        double variance = losses.Sum(loss => (loss - mean) * (loss - mean)) / (losses.Length - 1);
        return new Perplexity(mean, Math.Exp(mean) * Math.Sqrt(variance / losses.Length), losses.Length, rows.Count);
    }
}
