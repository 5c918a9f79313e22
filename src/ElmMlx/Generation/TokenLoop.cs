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

    // A list of constants that is no array of its own is a new object in code that is not optimised yet.
    private static readonly int[] FirstLogit = [0, 0];

    private readonly OpenElmModel _model;
    private readonly PromptCache _cache;
    private readonly GenerationOptions _options;
    private readonly Sampler _sampler;
    private readonly LogitsProcessor[] _processors;
    private readonly int _contextSize;
    private readonly int _candidates;
    private (MlxArray? Token, MlxArray? LogProbs) _current; // LogProbs [1, V]
    private (MlxArray? Token, MlxArray? LogProbs) _next;
    private MlxArray? _recent; // the latest tokens, for the processors
    private MlxArray? _shown; // the current log-probabilities [V], once a caller has asked for them

    public TokenLoop(OpenElmModel model, PromptCache cache, GenerationOptions options)
    {
        _model = model;
        _cache = cache;
        _options = options;
        _sampler = new Sampler(options);
        _processors = [.. LogitsProcessors.Create(options)];
        _contextSize = LogitsProcessors.ContextSize(options);
        _candidates = Math.Min(
            options.CandidateCount ?? model.Config.PaddingIndex ?? int.MaxValue, model.Config.VocabularySize);
    }

    /// <summary>Which step's token <see cref="Run"/> has given out, from 0.</summary>
    public int Number { get; private set; }

    /// <summary>Generates until the number of tokens is reached or the caller stops.</summary>
    /// <param name="prompt">At least one id.</param>
    /// <param name="progress">Told after every chunk of the prompt.</param>
    /// <param name="cancellation">Checked between chunks of the prompt and between tokens.</param>
    public IEnumerable<int> Run(
        IReadOnlyList<int> prompt, IProgress<PrefillProgress>? progress, CancellationToken cancellation)
    {
        if (_options.Seed is { } seed)
            MlxRandom.Seed(seed);
        try
        {
            int[] ids = [.. prompt];
            int done = Prefill(ids, progress, cancellation);
            cancellation.ThrowIfCancellationRequested();
            _current = FirstStep(ids.AsSpan(done));
            for (int n = 0; n != _options.MaxTokens; n++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (n + 1 != _options.MaxTokens)
                    _next = Step(_current.Token!);
                int token = (int)_current.Token!.Item<uint>();
                if (n == 0)
                    progress?.Report(new PrefillProgress(prompt.Count, prompt.Count));
                Number = n;
                yield return token;
                if (n % TokensBetweenCacheClearing == 0)
                    MlxMemory.ClearCache();
                Free(ref _current);
                (_current, _next) = (_next, default);
            }
        }
        finally
        {
            Free(ref _current);
            Free(ref _next);
            _recent?.Dispose();
            _recent = null;
        }
    }

    /// <summary>The log-probabilities [V] that a step's token was chosen from; freed ones unless that step is the
    /// latest.</summary>
    public MlxArray LogProbs(int number)
    {
        if (number != Number || _current.LogProbs is null)
            return MlxArray.Freed;
        return _shown ??= Owned.Take(_current.LogProbs.Squeeze(0));
    }

    // All of the prompt but its last chunk, which gives the first token, goes into the cache; answers how many tokens.
    // A quantised cache is one token ahead, as in mlx-lm: the last token sees what was rounded.
    private int Prefill(int[] ids, IProgress<PrefillProgress>? progress, CancellationToken cancellation)
    {
        progress?.Report(new PrefillProgress(0, ids.Length));
        int done = 0, lastChunk = _options.KvBits is null ? _options.PrefillStepSize : 1;
        while (ids.Length - done > lastChunk)
        {
            int count = Math.Min(_options.PrefillStepSize, ids.Length - 1 - done);
            cancellation.ThrowIfCancellationRequested();
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
        return done;
    }

    private (MlxArray Token, MlxArray LogProbs) FirstStep(ReadOnlySpan<int> ids)
    {
        using var scope = new ArrayScope();
        return Step(MlxArray.From(ids, ids.Length));
    }

    // Nothing is waited for.
    private (MlxArray Token, MlxArray LogProbs) Step(MlxArray tokens)
    {
        (MlxArray Token, MlxArray LogProbs) step = Build(tokens);
        MlxArray.AsyncEval(step.Token, step.LogProbs);
        return step;
    }

    /// <summary>The graph of one step, of which nothing is computed yet.</summary>
    /// <param name="tokens">The latest token [1], or at first the end of the prompt [L].</param>
    /// <returns>The next one [1], and the log-probabilities [1, V]: the caller's.</returns>
    /// <remarks>
    /// Every token makes the same arrays, so their objects are recycled, unless a module of the caller's sees them.
    /// </remarks>
    internal (MlxArray Token, MlxArray LogProbs) Build(MlxArray tokens)
    {
        using ArrayScope scope = _model.IsOwnThroughout ? ArrayScope.Recycling() : new ArrayScope();
        MlxArray logits = _model.Logits(_model.HiddenOfLast(tokens.ExpandDims(0), _cache)).Squeeze(1);
        if (_candidates < logits.Dim(1))
            logits = logits.Slice(FirstLogit, [1, _candidates]);
        if (_processors.Length > 0)
        {
            Remember(tokens);
            foreach (LogitsProcessor processor in _processors)
                logits = processor(_recent!, logits);
        }
        QuantizeCache();
        MlxArray logProbs = logits - logits.LogSumExp(keepDims: true);
        MlxArray sampled = _sampler.Sample(logProbs);
        return (Owned.TakeInPrivate(sampled), Owned.TakeInPrivate(logProbs));
    }

    // As mlx-lm does it, the history begins with the prompt's last token.
    private void Remember(MlxArray tokens)
    {
        int count = tokens.Dim(0);
        MlxArray id = (count == 1 ? tokens : tokens.Slice([count - 1], [count])).AsType(DType.Int32);
        if (_recent is not null && _contextSize > 1)
        {
            int surplus = Math.Max(0, _recent.Dim(0) + 1 - _contextSize);
            id = MlxArray.Concatenate([_recent.Slice([surplus], [_recent.Dim(0)]), id], 0);
        }
        MlxArray? former = _recent;
        _recent = Owned.TakeInPrivate(id);
        former?.Dispose();
    }

    private void QuantizeCache()
    {
        if (_options.KvBits is { } bits && _cache.Offset >= _options.QuantizedKvStart)
            _cache.Quantize(_options.KvGroupSize, bits);
    }

    private void Free(ref (MlxArray? Token, MlxArray? LogProbs) step)
    {
        (MlxArray? token, MlxArray? logProbs) = step;
        step = default;
        token?.Dispose();
        logProbs?.Dispose();
        _shown?.Dispose();
        _shown = null;
    }
}
