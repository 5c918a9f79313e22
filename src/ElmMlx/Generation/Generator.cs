using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using ElmMlx.OpenElm;
using ElmMlx.Text;

namespace ElmMlx.Generation;

/// <summary>
/// Turns prompts into text with one model. One run at a time, on the thread that enumerates its steps.
/// </summary>
/// <example><code>
/// using OpenElmModel model = OpenElmModel.Load("model");
/// var generator = new Generator(model, Tokenizer.Load("model"));
/// foreach (GenerationStep step in generator.Generate("Once upon a time"))
///     text.Append(step.Text);
/// </code></example>
public sealed class Generator
{
    private readonly OpenElmModel _model;
    private readonly Tokenizer? _tokenizer;
    private readonly Stopwatch _clock = new();
    private int _promptTokens;
    private int _generatedTokens;
    private TimeSpan _firstToken;
    private TimeSpan _latestToken;

    /// <summary>A generator for a model.</summary>
    /// <param name="model">The model; the caller goes on owning it.</param>
    /// <param name="tokenizer">Needed for prompts as text, and for text in the steps.</param>
    public Generator(OpenElmModel model, Tokenizer? tokenizer = null)
    {
        _model = model;
        _tokenizer = tokenizer;
    }

    /// <summary>What the latest run has taken so far.</summary>
    public GenerationStatistics Statistics => new(
        _promptTokens, _firstToken.TotalSeconds, _generatedTokens, (_latestToken - _firstToken).TotalSeconds,
        MlxMemory.PeakBytes);

    /// <summary>
    /// The ids of a prompt, with what the tokenizer puts around a text unless it stands there already.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no tokenizer.</exception>
    public int[] Encode(string prompt)
    {
        if (_tokenizer is null)
            throw new InvalidOperationException(
                "A prompt of text needs a tokenizer; put the model's tokenizer.model or tokenizer.json " +
                "into its folder.");
        bool begun = _tokenizer.BosId is { } bos && _tokenizer.TokenText(bos) is { Length: > 0 } text &&
            prompt.StartsWith(text, StringComparison.Ordinal);
        return _tokenizer.Encode(prompt, addSpecialTokens: !begun);
    }

    /// <summary>Generates from a text.</summary>
    /// <inheritdoc cref="Generate(IReadOnlyList{int}, GenerationOptions?, PromptCache?,
    /// IProgress{PrefillProgress}?, CancellationToken)"/>
    public IEnumerable<GenerationStep> Generate(
        string prompt, GenerationOptions? options = null, PromptCache? cache = null,
        IProgress<PrefillProgress>? progress = null, CancellationToken cancellation = default) =>
        Generate(Encode(prompt), options, cache, progress, cancellation);

    /// <summary>Generates from token ids. Nothing happens until the steps are enumerated.</summary>
    /// <param name="prompt">At least one id.</param>
    /// <param name="options">mlx-lm's defaults when left out.</param>
    /// <param name="cache">
    /// What earlier tokens have left behind; the caller goes on owning it, and it grows by the prompt and the
    /// generated tokens that were fed back (its <see cref="PromptCache.Offset"/> tells how many). Null begins
    /// anew.
    /// </param>
    /// <param name="progress">Told how far the prompt is processed.</param>
    /// <param name="cancellation">Ends the run with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">
    /// The prompt is empty, an id is none of the model's, or an option makes no sense.
    /// </exception>
    public IEnumerable<GenerationStep> Generate(
        IReadOnlyList<int> prompt, GenerationOptions? options = null, PromptCache? cache = null,
        IProgress<PrefillProgress>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new GenerationOptions();
        options.Check();
        if (prompt.Count == 0)
            throw new ArgumentException(
                "The prompt is empty; at least one token is needed to go on from.", nameof(prompt));
        foreach (int id in prompt)
            if (id < 0 || id >= _model.Config.VocabularySize)
                throw new ArgumentException(
                    $"The prompt has the token {id}, and the model's go from 0 to " +
                    $"{_model.Config.VocabularySize - 1}; the tokenizer belongs to another " +
                    "model.", nameof(prompt));
        return Run(prompt, options, cache, progress, cancellation);
    }

    /// <summary>Generates on a thread of its own. Steps carry no log-probabilities.</summary>
    /// <inheritdoc cref="Generate(IReadOnlyList{int}, GenerationOptions?, PromptCache?,
    /// IProgress{PrefillProgress}?, CancellationToken)"/>
    public async IAsyncEnumerable<GenerationStep> GenerateAsync(
        IReadOnlyList<int> prompt, GenerationOptions? options = null, PromptCache? cache = null,
        IProgress<PrefillProgress>? progress = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        IEnumerable<GenerationStep> steps = Generate(prompt, options, cache, progress, ended.Token);
        var channel = Channel.CreateBounded<GenerationStep>(
            new BoundedChannelOptions(64) { SingleReader = true, SingleWriter = true });
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            Exception? failure = null;
            try
            {
                foreach (GenerationStep step in steps)
                    channel.Writer.WriteAsync(
                        step with { LogProbs = null }, ended.Token).AsTask().GetAwaiter().GetResult();
            }
            catch (Exception e)
            {
                failure = e;
            }
            channel.Writer.Complete(failure);
            done.SetResult();
        })
        { IsBackground = true, Name = "ElmMlx generation" };
        thread.Start();
        try
        {
            await foreach (GenerationStep step in channel.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                yield return step;
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await done.Task.ConfigureAwait(false);
        }
    }

    private IEnumerable<GenerationStep> Run(
        IReadOnlyList<int> prompt, GenerationOptions options, PromptCache? given,
        IProgress<PrefillProgress>? progress, CancellationToken cancellation)
    {
        PromptCache cache = given ?? PromptCache.For(_model.Config, options.MaxKvSize);
        (_promptTokens, _generatedTokens) = (prompt.Count, 0);
        (_firstToken, _latestToken) = (default, default);
        _clock.Restart();
        try
        {
            var eos = new HashSet<int>(options.EosIds ?? EosIds);
            var stops = new StopTexts(options.Stop);
            TextStream? stream = _tokenizer?.CreateStream();
            var loop = new TokenLoop(_model, cache, options);
            foreach (int token in loop.Run(prompt, progress, cancellation))
            {
                _latestToken = _clock.Elapsed;
                if (_generatedTokens++ == 0)
                    _firstToken = _latestToken;
                FinishReason? reason = eos.Contains(token) ? FinishReason.Stop
                    : _generatedTokens == options.MaxTokens ? FinishReason.Length : null;
                string text = "";
                bool stopped = false;
                if (reason != FinishReason.Stop)
                    (text, stopped) = stops.Add(stream?.Add(token) ?? "");
                if (!stopped && reason is not null)
                {
                    (string rest, stopped) = stops.Add(stream?.Finish() ?? "");
                    text += rest;
                    if (!stopped)
                        text += stops.Finish();
                }
                if (stopped)
                    reason = FinishReason.Stop;
                yield return new GenerationStep(token, text, loop, loop.Number, reason);
                if (reason is not null)
                    yield break;
            }
        }
        finally
        {
            if (given is null)
                cache.Dispose();
        }
    }

    /// <summary>
    /// The ids that end generation unless the options name others: the tokenizer's, and those of <c>config.json</c>.
    /// </summary>
    public IReadOnlyList<int> EosIds => [.. ReadEosIds().Distinct()];

    private IEnumerable<int> ReadEosIds()
    {
        foreach (int id in _tokenizer?.EosIds ?? [])
            yield return id;
        if (!_model.Config.OtherFields.TryGetValue("eos_token_id", out string? raw))
            yield break;
        using var json = JsonDocument.Parse(raw);
        IEnumerable<JsonElement> values = json.RootElement.ValueKind == JsonValueKind.Array
            ? [.. json.RootElement.EnumerateArray()]
            : [json.RootElement];
        foreach (JsonElement value in values)
            if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id))
                yield return id;
    }
}
