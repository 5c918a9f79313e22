using ElmMlx.Training;

namespace ElmMlx.Tools.Elm;

/// <summary>What the steps since the last <see cref="Clear"/> have in common.</summary>
internal sealed class ReportWindow
{
    private double _loss, _tokens, _seconds;

    /// <summary>Steps that were not skipped.</summary>
    public int Steps { get; private set; }

    /// <summary>Mean loss per token.</summary>
    public double Loss => _loss / _tokens;

    /// <summary>Tokens that count, per second of training.</summary>
    public double TokensPerSecond => _seconds > 0 ? _tokens / _seconds : 0;

    /// <summary>Steps per second of training; evaluations take no part.</summary>
    public double StepsPerSecond => _seconds > 0 ? Steps / _seconds : 0;

    public void Add(TrainingReport report)
    {
        if (report.TrainLoss is not { } loss || report.IsSkipped || report.StepTokens <= 0)
            return;
        Steps++;
        _loss += loss * report.StepTokens;
        _tokens += report.StepTokens;
        if (report.TokensPerSecond > 0)
            _seconds += report.StepTokens / report.TokensPerSecond;
    }

    public void Clear()
    {
        _loss = _tokens = _seconds = 0;
        Steps = 0;
    }
}
