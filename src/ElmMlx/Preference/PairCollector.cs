using ElmMlx.Datasets;

namespace ElmMlx.Preference;

/// <summary>Pairs as they are read: cut to length and counted.</summary>
internal sealed class PairCollector
{
    private const int MaxReasons = 100;

    private readonly PreferenceDataOptions _options;
    private readonly List<PreferencePair> _pairs = [];
    private readonly List<string> _reasons = [];
    private PreferenceReport _report = new();

    public PairCollector(PreferenceDataOptions options) => _options = options;

    public IReadOnlyList<PreferencePair> Pairs => _pairs;

    public void Add(PreferencePair pair)
    {
        _report = _report with { Records = _report.Records + 1 };
        if (pair.Length > _options.MaxSequenceLength)
            pair = Cut(pair);
        if (pair.Chosen.Ids.SequenceEqual(pair.Rejected.Ids))
            _report = _report with { AlikeAfterCut = _report.AlikeAfterCut + 1 };
        else
            _pairs.Add(pair);
    }

    /// <summary>Counts a record that cannot be read.</summary>
    public void Skip(string reason)
    {
        _report = _report with { Records = _report.Records + 1, Skipped = _report.Skipped + 1 };
        if (_reasons.Count < MaxReasons)
            _reasons.Add(reason);
    }

    public PreferenceReport Report() => _report with
    {
        Pairs = _pairs.Count,
        Tokens = _pairs.Sum(pair => (long)pair.Chosen.Length + pair.Rejected.Length),
        AnswerTokens = _pairs.Sum(pair => (long)pair.Chosen.LearnedCount + pair.Rejected.LearnedCount),
        SkippedReasons = _reasons,
    };

    // TRL's order: both prompts lose their beginning when either row is too long, then an answer that still is its end.
    private PreferencePair Cut(PreferencePair pair)
    {
        PreferencePair shorter = new(WithPromptCut(pair.Chosen), WithPromptCut(pair.Rejected));
        PreferencePair fitting = new(WithAnswerCut(shorter.Chosen), WithAnswerCut(shorter.Rejected));
        _report = _report with
        {
            CutPrompts = _report.CutPrompts + (Tokens(shorter) < Tokens(pair) ? 1 : 0),
            CutAnswers = _report.CutAnswers + (Tokens(fitting) < Tokens(shorter) ? 1 : 0),
            CutTokens = _report.CutTokens + Tokens(pair) - Tokens(fitting),
        };
        return fitting;

        static long Tokens(PreferencePair pair) => (long)pair.Chosen.Length + pair.Rejected.Length;
    }

    private TokenRow WithPromptCut(TokenRow row)
    {
        int over = Math.Max(0, PairReader.PromptLength(row) - _options.MaxPromptLength);
        return row.Slice(over, row.Length - over);
    }

    private TokenRow WithAnswerCut(TokenRow row) => row.Slice(0, Math.Min(row.Length, _options.MaxSequenceLength));
}
