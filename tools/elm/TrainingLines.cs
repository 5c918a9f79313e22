using System.Globalization;
using ElmMlx.Training;

namespace ElmMlx.Tools.Elm;

/// <summary>A run as lines of text, worded as mlx-lm 0.31's.</summary>
internal sealed class TrainingLines(TextWriter output, int stepsPerReport) : IProgress<TrainingReport>
{
    private readonly ReportWindow _window = new();
    private bool _hasStarted;

    public void Report(TrainingReport value)
    {
        if (!_hasStarted)
            WriteLine($"Starting training..., iters: {value.TotalSteps}");
        _hasStarted = true;

        _window.Add(value);
        if (value.IsSkipped)
            WriteLine(Skipped(value));
        bool isReportStep = value.Step % stepsPerReport == 0 || value.Step == value.TotalSteps;
        if (value.TrainLoss is not null && isReportStep && _window.Steps > 0)
        {
            WriteLine(
                $"Iter {value.Step}: Train loss {_window.Loss:F3}{Figures(_window.Figures)}, " +
                $"Learning Rate {Rate(value.LearningRate)}, " +
                $"It/sec {_window.StepsPerSecond:F3}, Tokens/sec {_window.TokensPerSecond:F3}, " +
                $"Trained Tokens {value.Tokens}, Peak mem {value.MemoryBytes / 1e9:F3} GB");
            _window.Clear();
        }

        if (value.ValidationLoss is not null)
            WriteLine(Validation(value));
        if (value.SavedCheckpoint is not null)
            WriteLine(Saved(value));
        output.Flush();
    }

    public static string Validation(TrainingReport report) =>
        $"Iter {report.Step}: Val loss {report.ValidationLoss:F3}{Figures(report.ValidationFigures)}, "
            + $"Val took {report.ValidationSeconds:F3}s"
            + (report.IsBest && report.Step > 0 ? ", the lowest so far" : "");

    /// <summary>Named numbers behind a loss: <c>, margin 0.120, accuracy 0.750</c>.</summary>
    public static string Figures(IEnumerable<(string Name, double Mean)> figures) => string.Concat(
        figures.Select(figure => FormattableString.Invariant($", {figure.Name.Replace('_', ' ')} {figure.Mean:F3}")));

    public static string Saved(TrainingReport report) =>
        $"Iter {report.Step}: Saved checkpoint to {report.SavedCheckpoint}.";

    public static string Skipped(TrainingReport report) =>
        $"Iter {report.Step}: Skipped, because the loss ({report.TrainLoss:F3}) or a gradient is not finite.";

    // as Python writes it: 1.000e-05
    private static string Rate(double rate) => rate.ToString("0.000e+00", CultureInfo.InvariantCulture);

    private void WriteLine(FormattableString line) => output.WriteLine(FormattableString.Invariant(line));

    private void WriteLine(string line) => output.WriteLine(line);
}
