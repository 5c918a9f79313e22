namespace ElmMlx.Generation;

/// <summary>One generated token.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Text">
/// The text that is certain now; often empty, since half a character or the start of a stop text is held
/// back.
/// </param>
/// <param name="LogProbs">
/// Log-probabilities of all candidates, [V]: before filters and temperature. Valid until the next step, on
/// the thread that generates; null where steps come through another thread.
/// </param>
/// <param name="FinishReason">Null until the last step.</param>
public readonly record struct GenerationStep(int Token, string Text, MlxArray? LogProbs, FinishReason? FinishReason)
{
    private readonly MlxArray? _logProbs = LogProbs;
    private readonly TokenLoop? _loop;
    private readonly int _number;

    // The loop's step of that number: its log-probabilities become an array when somebody asks for them.
    internal GenerationStep(int token, string text, TokenLoop loop, int number, FinishReason? finishReason)
        : this(token, text, null, finishReason) => (_loop, _number) = (loop, number);

    /// <summary>
    /// Log-probabilities of all candidates, [V]: before filters and temperature. Valid until the next step, on
    /// the thread that generates; null where steps come through another thread.
    /// </summary>
    public MlxArray? LogProbs
    {
        get => _loop is null ? _logProbs : _loop.LogProbs(_number);
        init => (_logProbs, _loop) = (value, null);
    }

    /// <summary>Log-probability of the token. Reads one number from <see cref="LogProbs"/>.</summary>
    /// <exception cref="InvalidOperationException">The step came through another thread.</exception>
    public float LogProbability()
    {
        MlxArray all = LogProbs ?? throw new InvalidOperationException(
            "These steps carry no log-probabilities; generate on this thread.");
        using var scope = new ArrayScope();
        return all.Slice([Token], [Token + 1]).AsType(DType.Float32).Item<float>();
    }
}
