using System.CommandLine;
using System.Globalization;
using ElmMlx.Generation;
using ElmMlx.Text;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// The options that decide which tokens come: mlx-lm's names and defaults, and what it has in its server only.
/// </summary>
internal sealed class SamplingFlags
{
    private const string Whole = "a whole number", Share = "from 0 to 1", Positive = "1 or more";
    private const string NotNegative = "0 or more", Finite = "a number", BitsText = "2, 3, 4, 5, 6 or 8";
    private const string GroupText = "32, 64 or 128";

    private readonly Option<int> _maxTokens = NumberOption.Create(
        "--max-tokens", 100, "At most this many tokens; -1 sets no limit.", Whole, _ => true, "-m");
    private readonly Option<float> _temp = NumberOption.Create(
        "--temp", 0f, "Temperature; 0 takes the likeliest token.", NotNegative,
        value => value >= 0 && float.IsFinite(value));
    private readonly Option<float> _topP = NumberOption.Create(
        "--top-p", 1f, "Keeps the likeliest tokens that together reach this probability.", Share, IsShare);
    private readonly Option<float> _minP = NumberOption.Create(
        "--min-p", 0f, "Drops tokens less likely than this share of the likeliest one.", Share, IsShare);
    private readonly Option<int> _minTokensToKeep = NumberOption.Create(
        "--min-tokens-to-keep", 1, "At least this many tokens survive --min-p.", Positive, value => value >= 1);
    private readonly Option<int> _topK = NumberOption.Create(
        "--top-k", 0, "Keeps this many of the likeliest tokens; 0 keeps all.", NotNegative, value => value >= 0);
    private readonly Option<float> _xtcProbability = NumberOption.Create(
        "--xtc-probability", 0f, "How often XTC drops the likeliest tokens.", Share, IsShare);

    // mlx-lm's default, 0, would leave only the least likely token
    private readonly Option<float> _xtcThreshold = NumberOption.Create(
        "--xtc-threshold", 0.1f, "Probability from which XTC drops tokens.", "from 0 to 0.5",
        value => value is >= 0 and <= 0.5f);
    private readonly Option<float?> _repetitionPenalty = NumberOption.Optional<float>(
        "--repetition-penalty", "Makes recent tokens less likely; 1 changes nothing.", NotNegative,
        value => value >= 0 && float.IsFinite(value));
    private readonly Option<float?> _presencePenalty = NumberOption.Optional<float>(
        "--presence-penalty", "Subtracted once from each recent token's logit.", Finite, float.IsFinite);
    private readonly Option<float?> _frequencyPenalty = NumberOption.Optional<float>(
        "--frequency-penalty", "Subtracted from a recent token's logit as often as it occurs.", Finite, float.IsFinite);
    private readonly Option<string[]> _logitBias = new("--logit-bias")
    {
        Description = "Adds BIAS to the logit of token ID; may be given several times.",
        HelpName = "ID=BIAS",
    };

    private readonly Option<string[]> _stop = new("--stop")
    {
        Description = "A text that ends generation and is not printed; may be given several times.",
        HelpName = "TEXT",
    };

    private readonly Option<string[]> _extraEosToken = new("--extra-eos-token")
    {
        Description = "Tokens that end generation besides the model's own, as ids or as the vocabulary writes them.",
        HelpName = "TOKEN",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<ulong?> _seed = NumberOption.Optional<ulong>(
        "--seed", "Seeds the random numbers; the same seed gives the same text.", "a whole number, 0 or more",
        _ => true);
    private readonly Option<int?> _maxKvSize = NumberOption.Optional<int>(
        "--max-kv-size", "Keeps the first 4 and the latest tokens in the cache, this many together.", "5 or more",
        value => value > 4);
    private readonly Option<int?> _kvBits = NumberOption.Optional<int>(
        "--kv-bits", "Quantises the cache to this many bits.", BitsText, value => value is (>= 2 and <= 6) or 8);
    private readonly Option<int> _kvGroupSize = NumberOption.Create(
        "--kv-group-size", 64, "Elements of a quantised cache that share one scale.", GroupText,
        value => value is 32 or 64 or 128);
    private readonly Option<int> _quantizedKvStart = NumberOption.Create(
        "--quantized-kv-start", 5000, "Tokens after which --kv-bits begins.", NotNegative, value => value >= 0);
    private readonly Option<int> _prefillStepSize = NumberOption.Create(
        "--prefill-step-size", 2048, "Tokens of the prompt that are processed at once.", Positive, value => value >= 1);

    public SamplingFlags(Command command)
    {
        foreach (Option option in new Option[]
        {
            _maxTokens, _temp, _topP, _minP, _minTokensToKeep, _topK, _xtcProbability, _xtcThreshold,
            _repetitionPenalty, _presencePenalty, _frequencyPenalty, _logitBias, _stop, _extraEosToken, _seed,
            _maxKvSize, _kvBits, _kvGroupSize, _quantizedKvStart, _prefillStepSize,
        })
            command.Add(option);
        _stop.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.Length == 0))
                result.AddError("--stop is empty; it must be a text of at least one character.");
        });
        _logitBias.Validators.Add(result =>
        {
            foreach (string entry in result.Tokens.Select(token => token.Value).Where(entry => Bias(entry) is null))
                result.AddError($"--logit-bias is {entry}; it must be a token id and a number, as in 42=-5.");
        });
        command.Validators.Add(result =>
        {
            if (result.GetResult(_maxKvSize) is not null && result.GetResult(_kvBits) is not null)
                result.AddError(
                    "A cache of bounded size cannot be quantised; leave out either --max-kv-size or --kv-bits.");
        });
    }

    /// <summary>What the options say.</summary>
    /// <param name="arguments">The parsed command line.</param>
    /// <param name="tokenizer">Knows what a line break is: XTC spares it, and the end tokens.</param>
    /// <param name="eosIds">The model's own end tokens, to which <c>--extra-eos-token</c> adds.</param>
    public GenerationOptions Read(ParseResult arguments, Tokenizer tokenizer, IReadOnlyList<int> eosIds)
    {
        string[] extraEosTokens = arguments.GetValue(_extraEosToken) ?? [];
        return new GenerationOptions
        {
            MaxTokens = arguments.GetValue(_maxTokens),
            Temperature = arguments.GetValue(_temp),
            TopP = arguments.GetValue(_topP),
            MinP = arguments.GetValue(_minP),
            MinTokensToKeep = arguments.GetValue(_minTokensToKeep),
            TopK = arguments.GetValue(_topK),
            XtcProbability = arguments.GetValue(_xtcProbability),
            XtcThreshold = arguments.GetValue(_xtcThreshold),
            XtcSpecialTokens = [.. tokenizer.Encode("\n"), .. eosIds],
            Seed = arguments.GetValue(_seed),
            LogitBias = ReadBias(arguments.GetValue(_logitBias) ?? []),
            RepetitionPenalty = arguments.GetValue(_repetitionPenalty),
            PresencePenalty = arguments.GetValue(_presencePenalty),
            FrequencyPenalty = arguments.GetValue(_frequencyPenalty),
            Stop = arguments.GetValue(_stop) ?? [],
            EosIds = extraEosTokens.Length > 0
                ? [.. eosIds, .. extraEosTokens.Select(token => TokenId(token, tokenizer))]
                : null,
            MaxKvSize = arguments.GetValue(_maxKvSize),
            KvBits = arguments.GetValue(_kvBits),
            KvGroupSize = arguments.GetValue(_kvGroupSize),
            QuantizedKvStart = arguments.GetValue(_quantizedKvStart),
            PrefillStepSize = arguments.GetValue(_prefillStepSize),
        };
    }

    private static int TokenId(string token, Tokenizer tokenizer) =>
        int.TryParse(token, CultureInfo.InvariantCulture, out int id) ? id
            : tokenizer.TokenId(token)
                ?? throw new ArgumentException($"--extra-eos-token {token}: {tokenizer.FileName} has no such token.");

    private static Dictionary<int, float> ReadBias(string[] entries)
    {
        Dictionary<int, float> bias = [];
        foreach (string entry in entries)
        {
            if (Bias(entry) is var (id, value))
                bias[id] = value;
        }

        return bias;
    }

    // ID=BIAS; null if it is none. Minus infinity is a bias too: the token never comes.
    private static (int Id, float Bias)? Bias(string entry) =>
        entry.Split('=') is [{ } id, { } bias]
        && int.TryParse(id, CultureInfo.InvariantCulture, out int token)
        && float.TryParse(bias == "-inf" ? "-Infinity" : bias, CultureInfo.InvariantCulture, out float value)
        && !float.IsNaN(value) && !float.IsPositiveInfinity(value)
            ? (token, value)
            : null;

    private static bool IsShare(float value) => value is >= 0 and <= 1;
}
