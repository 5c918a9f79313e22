using ElmMlx.Datasets;
using ElmMlx.OpenElm;

namespace ElmMlx.Evaluation;

/// <summary>Scores of the tokens of rows that count, in float32.</summary>
/// <remarks>
/// Logits are made for these tokens alone, and for so many at a time: a choice of three tokens behind a long question
/// costs three rows of logits.
/// </remarks>
internal static class TokenScores
{
    private const int LogitsAtOnce = 1 << 24;

    /// <summary>The scores of every row, in the rows' order.</summary>
    /// <param name="model">The model; it stops training.</param>
    /// <param name="rows">Each with 2 to the longest number of tokens.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Ends between two batches.</param>
    /// <returns>One list a row, one score a token that is learnt.</returns>
    public static TokenScore[][] Of(
        OpenElmModel model, IReadOnlyList<TokenRow> rows, EvaluationOptions options,
        IProgress<EvaluationProgress>? progress, CancellationToken cancellation)
    {
        options.Check();
        model.Train(false);
        var scores = new TokenScore[rows.Count][];
        BatchOptions batching = new() { MaxSequenceLength = options.MaxSequenceLength, PadMultiple = 1 };
        int done = 0;
        foreach (int[] chosen in Enumerable.Range(0, rows.Count)
            .OrderBy(row => rows[row].Length).Chunk(options.BatchSize))
        {
            cancellation.ThrowIfCancellationRequested();
            using Batch batch = Batch.Create(rows, chosen, batching);
            TokenScore[] all = Of(model, batch, options.CandidateCount);
            int start = 0;
            foreach (int row in chosen)
            {
                scores[row] = all[start..(start + rows[row].LearnedCount)];
                start += rows[row].LearnedCount;
            }
            done += chosen.Length;
            progress?.Report(new EvaluationProgress(done, rows.Count));
        }
        return scores;
    }

    // Row after row; n = targets that count, V = candidates.
    private static TokenScore[] Of(OpenElmModel model, Batch batch, int? candidates)
    {
        using var scope = new ArrayScope();
        int size = (int)batch.Targets.Size;
        MlxArray hidden = model.Hidden(batch.Inputs, batch.Attention).Reshape(size, model.Config.ModelSize);
        MlxArray targets = batch.Targets.Reshape(size);
        List<TokenScore> scores = new(batch.TokenCount);
        foreach (int[] some in batch.Places.Chunk(Math.Max(1, LogitsAtOnce / model.Config.VocabularySize)))
        {
            using var inner = new ArrayScope();
            MlxArray index = MlxArray.From<int>(some, some.Length);
            MlxArray wanted = targets.Take(index, 0);                                               // [n]
            MlxArray logits = model.Logits(hidden.Take(index, 0).ExpandDims(0)).Squeeze(0).AsType(DType.Float32);
            if (candidates < logits.Dim(1))
                logits = logits.Slice([0, 0], [some.Length, candidates.Value]);                     // [n, V]
            MlxArray score = logits.TakeAlongAxis(wanted.ExpandDims(-1), -1).Squeeze(-1) - logits.LogSumExp(-1);
            float[] logProbabilities = score.ToArray<float>();
            bool[] isGreedy = logits.ArgMax(-1).AsType(DType.Int32).Equal(wanted).ToArray<bool>();
            scores.AddRange(logProbabilities.Zip(isGreedy, (value, greedy) => new TokenScore(value, greedy)));
        }
        return [.. scores];
    }
}
