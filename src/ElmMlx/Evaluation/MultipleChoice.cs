using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Text;

namespace ElmMlx.Evaluation;

/// <summary>How often a model holds the right choice for the likeliest.</summary>
/// <param name="Right">
/// Items where the summed log-likelihood of the right choice is the largest; the first wins a tie.
/// </param>
/// <param name="RightByLength">
/// The same with the sum divided by the choice's length in characters, so that long choices are not at a disadvantage.
/// </param>
/// <param name="Items">All items.</param>
public sealed record MultipleChoice(int Right, int RightByLength, int Items)
{
    /// <summary>The share of <see cref="Right"/>, from 0 to 1.</summary>
    public double Accuracy => (double)Right / Items;

    /// <summary>The share of <see cref="RightByLength"/>, from 0 to 1.</summary>
    public double AccuracyByLength => (double)RightByLength / Items;

    /// <summary>Measures a model, adapters included.</summary>
    /// <param name="model">The model; it is set to evaluation.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="items">At least one.</param>
    /// <param name="options">
    /// How; left out, the softmax goes over the tokenizer's vocabulary, as in CoreNet's evaluation. Rows over the
    /// largest length lose their beginning.
    /// </param>
    /// <param name="progress">Told after every batch; an item counts once for each of its choices.</param>
    /// <param name="cancellation">Ends between two batches.</param>
    public static MultipleChoice Measure(
        OpenElmModel model, Tokenizer tokenizer, IReadOnlyList<ChoiceItem> items, EvaluationOptions? options = null,
        IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(items);
        options ??= new EvaluationOptions { CandidateCount = tokenizer.VocabularySize };
        var encoder = new ContinuationEncoder(tokenizer, options.MaxSequenceLength);
        TokenRow[] rows =
            [.. items.SelectMany(item => item.Choices.Select(choice => encoder.Row(item.Context, choice)))];
        LogLikelihood[] likelihoods = LogLikelihood.Measure(model, rows, options, progress, cancellation);
        int right = 0, rightByLength = 0, start = 0;
        foreach (ChoiceItem item in items)
        {
            double[] sums = [.. likelihoods[start..(start + item.Choices.Count)].Select(likelihood => likelihood.Sum)];
            double[] byLength = [.. sums.Zip(item.Choices, (sum, choice) => sum / Length(choice))];
            right += FirstLargest(sums) == item.Answer ? 1 : 0;
            rightByLength += FirstLargest(byLength) == item.Answer ? 1 : 0;
            start += sums.Length;
        }
        return new MultipleChoice(right, rightByLength, items.Count);
    }

    private static int FirstLargest(double[] values) => Array.IndexOf(values, values.Max());

    // Python's len: code points.
    private static int Length(string choice) => choice.EnumerateRunes().Count();
}
