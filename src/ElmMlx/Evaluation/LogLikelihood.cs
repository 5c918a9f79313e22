using ElmMlx.Datasets;
using ElmMlx.OpenElm;

namespace ElmMlx.Evaluation;

/// <summary>How likely a model holds a continuation.</summary>
/// <param name="Sum">Σ log p of its tokens.</param>
/// <param name="IsGreedy">Whether greedy decoding would give just these tokens.</param>
public readonly record struct LogLikelihood(double Sum, bool IsGreedy)
{
    /// <summary>The likelihood of what each row has to be learnt, given what stands before it.</summary>
    /// <param name="model">The model; it is set to evaluation.</param>
    /// <param name="rows">Contexts and their continuations.</param>
    /// <param name="options">How; defaults when left out.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Ends between two batches.</param>
    /// <returns>One a row.</returns>
    /// <exception cref="ArgumentException">A row is too long or too short.</exception>
    public static LogLikelihood[] Measure(
        OpenElmModel model, IReadOnlyList<TokenRow> rows, EvaluationOptions? options = null,
        IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rows);
        return
        [
            .. TokenScores.Of(model, rows, options ?? new EvaluationOptions(), progress, cancellation).Select(
                row => new LogLikelihood(
                    row.Sum(score => (double)score.LogProbability), row.All(score => score.IsGreedy))),
        ];
    }
}
