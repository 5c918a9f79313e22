using ElmMlx.Nn;
using ElmMlx.OpenElm;

namespace ElmMlx.Generation;

/// <summary>
/// The loop from prompt to tokens. The next step is handed to the device before the token of the last one is
/// read, so that both work at once; only the token is ever read.
/// </summary>
internal sealed class TokenLoop
{
    // MLX keeps freed buffers for reuse; growing caches leave ever larger ones behind.
    private const int TokensBetweenCacheClearing = 256;

    private readonly OpenElmModel _model;
    private readonly PromptCache _cache;
    private readonly GenerationOptions _options;
    private readonly Sampler _sampler;
    private readonly IReadOnlyList<LogitsProcessor> _processors;
    private readonly int _contextSize;
    private readonly int _candidates;
    private MlxArray? _recent;

    public TokenLoop(OpenElmModel model, PromptCache cache, GenerationOptions options)
    {
        _model = model;
        _cache = cache;
        _options = options;
        _sampler = new Sampler(options);
        _processors = LogitsProcessors.Create(options);
        _contextSize = LogitsProcessors.ContextSize(options);
        _candidates = Math.Min(
            options.CandidateCount ?? model.Config.PaddingIndex ?? int.MaxValue, model.Config.VocabularySize);
    }

    /// <summary>Generates until the number of tokens is reached or the caller stops.</summary>
    /// <param name="prompt">At least one id.</param>
    /// <param name="progress">Told after every chunk of the prompt.</param>
    /// <param name="cancellation">Checked between chunks of the prompt and between tokens.</param>
    /// <returns>
    /// Tokens with the log-probabilities [V] they were chosen from, which are valid until the next token.
    /// </returns>
    public IEnumerable<(int Token, MlxArray LogProbs)> Run(
        IReadOnlyList<int> prompt, IProgress<PrefillProgress>? progress, CancellationToken cancellation)
    {
        if (_options.Seed is { } seed)
            MlxRandom.Seed(seed);
        (MlxArray? Token, MlxArray? LogProbs) current = default, next = default;
        try
        {
            Prefill(prompt, progress, cancellation);
            current = FirstStep(prompt[^1]);
            for (int n = 0; n != _options.MaxTokens; n++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (n + 1 != _options.MaxTokens)
                    next = Step(current.Token!);
                int token = (int)current.Token!.Item<uint>();
                if (n == 0)
                    progress?.Report(new PrefillProgress(prompt.Count, prompt.Count));
                yield return (token, current.LogProbs!);
                if (n % TokensBetweenCacheClearing == 0)
                    MlxMemory.ClearCache();
                Free(current);
                (current, next) = (next, default);
            }
        }
        finally
        {
            Free(current);
            Free(next);
            _recent?.Dispose();
            _recent = null;
        }
    }

    // All of the prompt but its last token goes into the cache; nothing of it needs the output layer.
    private void Prefill(IReadOnlyList<int> prompt, IProgress<PrefillProgress>? progress, CancellationToken cancellation)
    {
        int[] ids = [.. prompt];
        progress?.Report(new PrefillProgress(0, ids.Length));
        for (int done = 0; done < ids.Length - 1;)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(_options.PrefillStepSize, ids.Length - 1 - done);
            using (var scope = new ArrayScope())
            {
                _model.Hidden(MlxArray.From<int>(ids.AsSpan(done, count), 1, count), _cache);
                QuantizeCache();
            }
            _cache.Eval();
            MlxMemory.ClearCache();
            done += count;
            progress?.Report(new PrefillProgress(done, ids.Length));
        }
    }

    private (MlxArray Token, MlxArray LogProbs) FirstStep(int last)
    {
        using var scope = new ArrayScope();
        return Step(MlxArray.From<int>([last], 1));
    }

    // One token [1] in, the next one out; nothing is waited for.
    private (MlxArray Token, MlxArray LogProbs) Step(MlxArray token)
    {
        MlxArray sampled, logProbs;
        using (var scope = new ArrayScope())
        {
            MlxArray logits = _model.Logits(_model.Hidden(token.Reshape(1, 1), _cache)).Squeeze(1);
            if (_candidates < logits.Dim(1))
                logits = logits.Slice([0, 0], [1, _candidates]);
            if (_processors.Count > 0)
            {
                Remember(token);
                foreach (LogitsProcessor processor in _processors)
                    logits = processor(_recent!, logits);
            }
            QuantizeCache();
            MlxArray all = logits - logits.LogSumExp(keepDims: true);
            sampled = Owned.Take(_sampler.Sample(all));
            logProbs = Owned.Take(all.Squeeze(0));
        }
        MlxArray.AsyncEval(sampled, logProbs);
        return (sampled, logProbs);
    }

    // As mlx-lm does it, the history begins with the prompt's last token.
    private void Remember(MlxArray token)
    {
        MlxArray id = token.AsType(DType.Int32);
        if (_recent is not null && _contextSize > 1)
        {
            int surplus = Math.Max(0, _recent.Dim(0) + 1 - _contextSize);
            id = MlxArray.Concatenate([_recent.Slice([surplus], [_recent.Dim(0)]), id], 0);
        }
        _recent?.Dispose();
        _recent = Owned.Take(id);
    }

    private void QuantizeCache()
    {
        if (_options.KvBits is { } bits && _cache.Offset >= _options.QuantizedKvStart)
            _cache.Quantize(_options.KvGroupSize, bits);
    }

    private static void Free((MlxArray? Token, MlxArray? LogProbs) step)
    {
        step.Token?.Dispose();
        step.LogProbs?.Dispose();
    }
}
