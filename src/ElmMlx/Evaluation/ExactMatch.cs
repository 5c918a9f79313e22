using System.Text;
using ElmMlx.Datasets;
using ElmMlx.Generation;
using ElmMlx.OpenElm;

namespace ElmMlx.Evaluation;

/// <summary>How many answers greedy decoding gives word for word.</summary>
/// <param name="Right">Items whose answer is the right one, white space around it aside.</param>
/// <param name="Items">All items.</param>
public sealed record ExactMatch(int Right, int Items)
{
    /// <summary>The share of right answers, from 0 to 1.</summary>
    public double Share => (double)Right / Items;

    /// <summary>Asks a model for every answer. An answer ends with the token that ends texts.</summary>
    /// <param name="model">The model; it is set to evaluation.</param>
    /// <param name="tokenizer">Writes prompts the way they are written in training.</param>
    /// <param name="items">At least one.</param>
    /// <param name="progress">Told after every item.</param>
    /// <param name="cancellation">Ends between two tokens.</param>
    /// <exception cref="ArgumentException">A token of a prompt is none of the model's.</exception>
    /// <exception cref="InvalidDataException">The chat template refuses a prompt.</exception>
    public static ExactMatch Measure(
        OpenElmModel model, RowTokenizer tokenizer, IReadOnlyList<CompletionItem> items,
        IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(items);
        model.Train(false);
        var generator = new Generator(model, tokenizer.Tokenizer);
        int right = 0;
        for (int i = 0; i < items.Count; i++)
        {
            using var scope = new ArrayScope();
            if (IsRight(generator, tokenizer.Prompt(items[i].Prompt), items[i].Completion.Trim(), cancellation))
                right++;
            progress?.Report(new EvaluationProgress(i + 1, items.Count));
        }
        return new ExactMatch(right, items.Count);
    }

    // Decoding stops as soon as the text can no longer become the answer.
    private static bool IsRight(Generator generator, int[] prompt, string answer, CancellationToken cancellation)
    {
        // A token stands for a byte at least, but for those that end, and white space around the answer.
        GenerationOptions greedy = new() { Temperature = 0, MaxTokens = Encoding.UTF8.GetByteCount(answer) + 8 };
        StringBuilder text = new();
        foreach (GenerationStep step in generator.Generate(prompt, greedy, cancellation: cancellation))
        {
            text.Append(step.Text);
            string said = text.ToString().Trim();
            if (step.FinishReason == FinishReason.Stop)
                return said == answer;
            if (!answer.StartsWith(said, StringComparison.Ordinal))
                return false;
        }
        return false;
    }
}
