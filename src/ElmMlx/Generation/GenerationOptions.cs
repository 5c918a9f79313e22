namespace ElmMlx.Generation;

/// <summary>How to generate. The defaults are mlx-lm's.</summary>
public sealed record GenerationOptions
{
    /// <summary>At most this many tokens; a negative number sets no limit.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>Divides the log-probabilities before a token is drawn; 0 takes the likeliest token.</summary>
    public float Temperature { get; init; }

    /// <summary>Keeps the likeliest tokens that together reach this probability; 0 and 1 keep all.</summary>
    public float TopP { get; init; }

    /// <summary>
    /// Drops tokens less likely than this share of the likeliest one's probability; 0 drops none.
    /// </summary>
    public float MinP { get; init; }

    /// <summary>At least this many tokens survive <see cref="MinP"/>.</summary>
    public int MinTokensToKeep { get; init; } = 1;

    /// <summary>Keeps this many of the likeliest tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// How often XTC is applied: it drops every token above <see cref="XtcThreshold"/> but the least likely
    /// of them.
    /// </summary>
    public float XtcProbability { get; init; }

    /// <summary>Probability from which XTC drops tokens, up to 0.5.</summary>
    public float XtcThreshold { get; init; }

    /// <summary>Ids that XTC never drops.</summary>
    public IReadOnlyList<int> XtcSpecialTokens { get; init; } = [];

    /// <summary>
    /// Seeds the random numbers; the same seed gives mlx-lm's tokens. Null goes on where they are.
    /// </summary>
    public ulong? Seed { get; init; }

    /// <summary>Added to the logits of the given ids.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <summary>
    /// Divides positive logits of recent tokens by this and multiplies negative ones; null for none.
    /// </summary>
    public float? RepetitionPenalty { get; init; }

    /// <summary>How many of the latest tokens <see cref="RepetitionPenalty"/> looks at.</summary>
    public int RepetitionContextSize { get; init; } = 20;

    /// <summary>Subtracted once from the logit of each recent token; null for none.</summary>
    public float? PresencePenalty { get; init; }

    /// <summary>How many of the latest tokens <see cref="PresencePenalty"/> looks at.</summary>
    public int PresenceContextSize { get; init; } = 20;

    /// <summary>
    /// Subtracted from the logit of each recent token as often as it occurs; null for none.
    /// </summary>
    public float? FrequencyPenalty { get; init; }

    /// <summary>How many of the latest tokens <see cref="FrequencyPenalty"/> looks at.</summary>
    public int FrequencyContextSize { get; init; } = 20;

    /// <summary>Texts that end generation; they are not part of the result.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>
    /// Ids that end generation; null takes those of the tokenizer and of <c>config.json</c>.
    /// </summary>
    public IReadOnlyList<int>? EosIds { get; init; }

    /// <summary>
    /// Only ids below this are chosen; null takes the model's padding id, since the rows from there on stand
    /// for nothing, or all.
    /// </summary>
    public int? CandidateCount { get; init; }

    /// <summary>Tokens of the prompt that are processed at once.</summary>
    public int PrefillStepSize { get; init; } = 2048;

    /// <summary>
    /// Keeps only the first four and the latest tokens in the cache, this many together; null keeps all.
    /// </summary>
    public int? MaxKvSize { get; init; }

    /// <summary>Bits of a quantised cache; null keeps it exact.</summary>
    public int? KvBits { get; init; }

    /// <summary>Elements of a quantised cache that share one scale: 32, 64 or 128.</summary>
    public int KvGroupSize { get; init; } = 64;

    /// <summary>Tokens after which the cache is quantised.</summary>
    public int QuantizedKvStart { get; init; }

    /// <summary>Throws when a number makes no sense.</summary>
    /// <exception cref="ArgumentException">Names the option and what it may be.</exception>
    internal void Check()
    {
        Require(Temperature >= 0 && float.IsFinite(Temperature), "--temp", Temperature, "0 or more");
        Require(TopP is >= 0 and <= 1, "--top-p", TopP, "from 0 to 1");
        Require(MinP is >= 0 and <= 1, "--min-p", MinP, "from 0 to 1");
        Require(MinTokensToKeep >= 1, "--min-tokens-to-keep", MinTokensToKeep, "1 or more");
        Require(TopK >= 0, "--top-k", TopK, "0 or more");
        Require(XtcProbability is >= 0 and <= 1, "--xtc-probability", XtcProbability, "from 0 to 1");
        Require(XtcThreshold is >= 0 and <= 0.5f, "--xtc-threshold", XtcThreshold, "from 0 to 0.5");
        Require(RepetitionPenalty is null or >= 0, "--repetition-penalty", RepetitionPenalty, "0 or more");
        Require(RepetitionContextSize >= 1, "the repetition context size", RepetitionContextSize, "1 or more");
        Require(PresenceContextSize >= 1, "the presence context size", PresenceContextSize, "1 or more");
        Require(FrequencyContextSize >= 1, "the frequency context size", FrequencyContextSize, "1 or more");
        Require(PrefillStepSize >= 1, "--prefill-step-size", PrefillStepSize, "1 or more");
        Require(MaxKvSize is null or > 4, "--max-kv-size", MaxKvSize, "more than 4, since the first 4 tokens stay");
        Require(KvBits is null or (>= 2 and <= 6) or 8, "--kv-bits", KvBits, "2, 3, 4, 5, 6 or 8");
        Require(KvGroupSize is 32 or 64 or 128, "--kv-group-size", KvGroupSize, "32, 64 or 128");
        Require(QuantizedKvStart >= 0, "--quantized-kv-start", QuantizedKvStart, "0 or more");
        Require(CandidateCount is null or >= 1, "the number of candidates", CandidateCount, "1 or more");
        Require(!Stop.Contains(""), "--stop", "an empty text", "a text of at least one character");
        if (MaxKvSize is not null && KvBits is not null)
            throw new ArgumentException(
                "A cache of bounded size cannot be quantised; leave out either --max-kv-size or --kv-bits.");
    }

    private static void Require(bool holds, string option, object? value, string expected)
    {
        if (!holds)
            throw new ArgumentException($"{option} is {value}; it must be {expected}.");
    }
}
