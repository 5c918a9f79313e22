using ElmMlx.Training;

namespace ElmMlx.Tests;

/// <summary>Keeps what a run reports.</summary>
internal sealed class CollectedReports : IProgress<TrainingReport>
{
    private readonly List<TrainingReport> _all = [];

    /// <summary>Called after each report was kept.</summary>
    public Action<TrainingReport>? Then { get; init; }

    /// <summary>Every report, the one before training included.</summary>
    public IReadOnlyList<TrainingReport> All => _all;

    /// <summary>Those of steps that trained.</summary>
    public IEnumerable<TrainingReport> Steps => _all.Where(report => report.Step > 0);

    /// <summary>Their losses.</summary>
    public double[] Losses => [.. Steps.Select(report => report.TrainLoss ?? double.NaN)];

    public void Report(TrainingReport value)
    {
        _all.Add(value);
        Then?.Invoke(value);
    }
}
