namespace ElmMlx.Generation;

/// <summary>Changes logits before a token is chosen.</summary>
/// <param name="recent">
/// The latest tokens, oldest first, [n]; at most as many as the largest context size.
/// </param>
/// <param name="logits">[1, V].</param>
/// <returns>[1, V].</returns>
public delegate MlxArray LogitsProcessor(MlxArray recent, MlxArray logits);

/// <summary>mlx-lm's logits processors, in its order: bias, repetition, presence, frequency.</summary>
public static class LogitsProcessors
{
    /// <summary>Those that the options ask for.</summary>
    public static IReadOnlyList<LogitsProcessor> Create(GenerationOptions options)
    {
        options.Check();
        var processors = new List<LogitsProcessor>();
        if (options.LogitBias.Count > 0)
        {
            int[] ids = [.. options.LogitBias.Keys];
            float[] values = [.. options.LogitBias.Values];
            processors.Add((_, logits) => AddBias(logits, ids, values));
        }
        if (options.RepetitionPenalty is { } repetition and not 0)
            processors.Add((recent, logits) =>
                PenalizeRepetition(Latest(recent, options.RepetitionContextSize), logits, repetition));
        if (options.PresencePenalty is { } presence and not 0)
            processors.Add((recent, logits) =>
                PenalizePresence(Latest(recent, options.PresenceContextSize), logits, presence));
        if (options.FrequencyPenalty is { } frequency and not 0)
            processors.Add((recent, logits) =>
                PenalizeFrequency(Latest(recent, options.FrequencyContextSize), logits, frequency));
        return processors;
    }

    /// <summary>How many of the latest tokens the processors of these options look at.</summary>
    public static int ContextSize(GenerationOptions options) => Math.Max(
        options.RepetitionPenalty is null ? 0 : options.RepetitionContextSize, Math.Max(
            options.PresencePenalty is null ? 0 : options.PresenceContextSize,
            options.FrequencyPenalty is null ? 0 : options.FrequencyContextSize));

    private static MlxArray AddBias(MlxArray logits, int[] ids, float[] values)
    {
        foreach (int id in ids)
            if (id < 0 || id >= logits.Dim(1))
                throw new ArgumentException(
                    $"--logit-bias names the token {id}; the model's tokens go from 0 to " +
                    $"{logits.Dim(1) - 1}.");
        MlxArray columns = MlxArray.From<int>(ids, 1, ids.Length);
        MlxArray bias = MlxArray.From<float>(values, 1, values.Length).AsType(logits.DType);
        return logits.AddAlongAxis(columns, bias, 1);
    }

    private static MlxArray PenalizeRepetition(MlxArray columns, MlxArray logits, float penalty)
    {
        MlxArray selected = logits.TakeAlongAxis(columns, 1);
        return logits.PutAlongAxis(
            columns, MlxArray.Where(selected < 0f, selected * penalty, selected / penalty), 1);
    }

    private static MlxArray PenalizePresence(MlxArray columns, MlxArray logits, float penalty) =>
        logits.PutAlongAxis(columns, logits.TakeAlongAxis(columns, 1) - penalty, 1);

    private static MlxArray PenalizeFrequency(MlxArray columns, MlxArray logits, float penalty) =>
        logits.AddAlongAxis(columns, MlxArray.Full([1, columns.Dim(1)], -penalty, logits.DType), 1);

    // The last tokens as columns of the logits, [1, n].
    private static MlxArray Latest(MlxArray recent, int count) =>
        recent.Slice([Math.Max(0, recent.Dim(0) - count)], [recent.Dim(0)]).ExpandDims(0);
}
