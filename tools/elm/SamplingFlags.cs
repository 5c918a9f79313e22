using System.CommandLine;
using System.Globalization;
using ElmMlx.Generation;

namespace ElmMlx.Tools.Elm;

/// <summary>The options that decide which tokens come: mlx-lm's names and defaults, and what it has in its server only.</summary>
internal sealed class SamplingFlags
{
    private readonly Option<int> _maxTokens = Number("--max-tokens", 100, "At most this many tokens.", "-m");
    private readonly Option<float> _temp = Number("--temp", 0f, "Temperature; 0 takes the likeliest token.");
    private readonly Option<float> _topP = Number("--top-p", 1f, "Keeps the likeliest tokens that together reach this probability.");
    private readonly Option<float> _minP = Number("--min-p", 0f, "Drops tokens less likely than this share of the likeliest one.");
    private readonly Option<int> _minTokensToKeep = Number("--min-tokens-to-keep", 1, "At least this many tokens survive --min-p.");
    private readonly Option<int> _topK = Number("--top-k", 0, "Keeps this many of the likeliest tokens; 0 keeps all.");
    private readonly Option<float> _xtcProbability = Number("--xtc-probability", 0f, "How often XTC drops the likeliest tokens.");
    private readonly Option<float> _xtcThreshold = Number("--xtc-threshold", 0.1f, "Probability from which XTC drops tokens.");
    private readonly Option<float?> _repetitionPenalty = Optional<float?>("--repetition-penalty", "Makes recent tokens less likely; 1 changes nothing.");
    private readonly Option<float?> _presencePenalty = Optional<float?>("--presence-penalty", "Subtracted once from each recent token's logit.");
    private readonly Option<float?> _frequencyPenalty = Optional<float?>("--frequency-penalty", "Subtracted from a recent token's logit as often as it occurs.");
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

    private readonly Option<int[]> _extraEosToken = new("--extra-eos-token")
    {
        Description = "A token id that ends generation, besides the model's own; may be given several times.",
        HelpName = "ID",
    };

    private readonly Option<ulong?> _seed = Optional<ulong?>("--seed", "Seeds the random numbers; the same seed gives the same text.");
    private readonly Option<int?> _maxKvSize = Optional<int?>("--max-kv-size", "Keeps the first 4 and the latest tokens in the cache, this many together.");
    private readonly Option<int?> _kvBits = Optional<int?>("--kv-bits", "Quantises the cache to this many bits.");
    private readonly Option<int> _kvGroupSize = Number("--kv-group-size", 64, "Elements of a quantised cache that share one scale.");
    private readonly Option<int> _quantizedKvStart = Number("--quantized-kv-start", 5000, "Tokens after which --kv-bits begins.");
    private readonly Option<int> _prefillStepSize = Number("--prefill-step-size", 2048, "Tokens of the prompt that are processed at once.");

    public SamplingFlags(Command command)
    {
        foreach (Option option in new Option[]
        {
            _maxTokens, _temp, _topP, _minP, _minTokensToKeep, _topK, _xtcProbability, _xtcThreshold, _repetitionPenalty,
            _presencePenalty, _frequencyPenalty, _logitBias, _stop, _extraEosToken, _seed, _maxKvSize, _kvBits, _kvGroupSize,
            _quantizedKvStart, _prefillStepSize,
        })
            command.Add(option);
    }

    /// <summary>What the options say.</summary>
    /// <param name="arguments">The parsed command line.</param>
    /// <param name="eosIds">The model's own end tokens, to which <c>--extra-eos-token</c> adds.</param>
    public GenerationOptions Read(ParseResult arguments, IReadOnlyList<int> eosIds) => new()
    {
        MaxTokens = arguments.GetValue(_maxTokens),
        Temperature = arguments.GetValue(_temp),
        TopP = arguments.GetValue(_topP),
        MinP = arguments.GetValue(_minP),
        MinTokensToKeep = arguments.GetValue(_minTokensToKeep),
        TopK = arguments.GetValue(_topK),
        XtcProbability = arguments.GetValue(_xtcProbability),
        XtcThreshold = arguments.GetValue(_xtcThreshold),
        XtcSpecialTokens = eosIds,
        Seed = arguments.GetValue(_seed),
        LogitBias = ReadBias(arguments.GetValue(_logitBias) ?? []),
        RepetitionPenalty = arguments.GetValue(_repetitionPenalty),
        PresencePenalty = arguments.GetValue(_presencePenalty),
        FrequencyPenalty = arguments.GetValue(_frequencyPenalty),
        Stop = arguments.GetValue(_stop) ?? [],
        EosIds = arguments.GetValue(_extraEosToken) is { Length: > 0 } extra ? [.. eosIds, .. extra] : null,
        MaxKvSize = arguments.GetValue(_maxKvSize),
        KvBits = arguments.GetValue(_kvBits),
        KvGroupSize = arguments.GetValue(_kvGroupSize),
        QuantizedKvStart = arguments.GetValue(_quantizedKvStart),
        PrefillStepSize = arguments.GetValue(_prefillStepSize),
    };

    private static Dictionary<int, float> ReadBias(string[] entries)
    {
        Dictionary<int, float> bias = [];
        foreach (string entry in entries)
        {
            string[] parts = entry.Split('=');
            if (parts.Length != 2
                || !int.TryParse(parts[0], CultureInfo.InvariantCulture, out int id)
                || !float.TryParse(parts[1], CultureInfo.InvariantCulture, out float value))
                throw new ArgumentException($"--logit-bias {entry}: write a token id and a number, as in 42=-5.");
            bias[id] = value;
        }

        return bias;
    }

    private static Option<T> Number<T>(string name, T value, string description, params string[] aliases) =>
        new(name, aliases) { Description = description, DefaultValueFactory = _ => value, HelpName = "N" };

    private static Option<T> Optional<T>(string name, string description) => new(name) { Description = description, HelpName = "N" };
}
