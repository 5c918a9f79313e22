using ElmMlx.Training;

namespace ElmMlx.Tools.Elm;

/// <summary>What the steps since the last <see cref="Clear"/> have in common.</summary>
internal sealed class ReportWindow
{
    private readonly List<(string Name, double Sum)> _figures = [];
    private double _loss, _weight, _tokens, _seconds;

    /// <summary>Steps that were not skipped.</summary>
    public int Steps { get; private set; }

    /// <summary>Mean loss of all that counts: tokens, or pairs.</summary>
    public double Loss => _loss / _weight;

    /// <summary>What else was measured, as means.</summary>
    public IEnumerable<(string Name, double Mean)> Figures =>
        _figures.Select(figure => (figure.Name, figure.Sum / _weight));

    /// <summary>Tokens that count, per second of training.</summary>
    public double TokensPerSecond => _seconds > 0 ? _tokens / _seconds : 0;

    /// <summary>Steps per second of training; evaluations take no part.</summary>
    public double StepsPerSecond => _seconds > 0 ? Steps / _seconds : 0;

    public void Add(TrainingReport report)
    {
        if (report.TrainLoss is not { } loss || report.IsSkipped || report.StepWeight <= 0)
            return;
        Steps++;
        _loss += loss * report.StepWeight;
        _weight += report.StepWeight;
        _tokens += report.StepTokens;
        if (report.TokensPerSecond > 0)
            _seconds += report.StepTokens / report.TokensPerSecond;
        for (int i = 0; i < report.TrainFigures.Count; i++)
        {
            (string name, double mean) = report.TrainFigures[i];
            if (i == _figures.Count)
                _figures.Add((name, 0));
            _figures[i] = (name, _figures[i].Sum + mean * report.StepWeight);
        }
    }

    public void Clear()
    {
        _loss = _weight = _tokens = _seconds = 0;
        _figures.Clear();
        Steps = 0;
    }
}
