using System.Diagnostics;
using System.Globalization;
using ElmMlx.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ElmMlx.Tools.Elm;

/// <summary>A run as a bar that stands at the bottom, under lines for evaluations and checkpoints.</summary>
internal sealed class TrainingBar : IProgress<TrainingReport>
{
    private readonly IAnsiConsole _console;
    private readonly ProgressTask _task;
    private readonly FiguresColumn _figures;
    private readonly int _stepsPerReport;
    private readonly ReportWindow _window = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long? _firstStep;

    private TrainingBar(IAnsiConsole console, ProgressTask task, FiguresColumn figures, int stepsPerReport)
    {
        _console = console;
        _task = task;
        _figures = figures;
        _stepsPerReport = stepsPerReport;
    }

    /// <inheritdoc cref="TrainingDisplay.Run"/>
    public static T Run<T>(IAnsiConsole console, int stepsPerReport, Func<IProgress<TrainingReport>, T> train)
    {
        FiguresColumn figures = new();
        return console.Progress()
            .AutoClear(false)
            .HideCompleted(false)
            .Columns(new TaskDescriptionColumn(),
                new ProgressBarColumn { Width = console.Profile.Width >= 90 ? 20 : 8 }, figures)
            .Start(context =>
            {
                ProgressTask task = context.AddTask("Training");
                task.IsIndeterminate = true;        // until the first report says how many steps there are
                return train(new TrainingBar(console, task, figures, stepsPerReport));
            });
    }

    public void Report(TrainingReport value)
    {
        _firstStep ??= value.TrainLoss is null ? value.Step : value.Step - 1;
        _window.Add(value);
        if (value.IsSkipped)
            WriteLine(TrainingLines.Skipped(value));
        if (value.ValidationLoss is not null)
            WriteLine(TrainingLines.Validation(value));
        if (value.SavedCheckpoint is not null)
            WriteLine(TrainingLines.Saved(value));

        _task.IsIndeterminate = false;
        _task.MaxValue = Math.Max(1, value.TotalSteps);
        _task.Value = value.Step;
        if (_window.Steps > 0)
            _figures.Text = Figures(value);
        if (value.Step % _stepsPerReport != 0)
            return;
        if (_window.Steps > 0 && _window.Figures.Any())     // they have no room beside the bar
            WriteLine(FormattableString.Invariant(
                $"Iter {value.Step}: Train loss {_window.Loss:F3}{TrainingLines.Figures(_window.Figures)}"));
        _window.Clear();
    }

    private string Figures(TrainingReport report) => string.Create(
        CultureInfo.InvariantCulture,
        $"{report.Step}/{report.TotalSteps}  loss {_window.Loss:F3}  {_window.TokensPerSecond:F0} tok/s  " +
        $"{report.MemoryBytes / 1e9:F2} GB  {Left(report)}");

    // Evaluations and checkpoints are in the pace: they will come again.
    private string Left(TrainingReport report)
    {
        long done = report.Step - _firstStep!.Value;
        if (done <= 0 || report.Step >= report.TotalSteps)
            return TimeText(_clock.Elapsed);
        return TimeText(_clock.Elapsed * ((double)(report.TotalSteps - report.Step) / done)) + " left";
    }

    private static string TimeText(TimeSpan time) => time < TimeSpan.FromDays(1)
        ? time.ToString(@"h\:mm\:ss", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalDays:F1} days");

    private void WriteLine(string line) => _console.WriteLine(line);

    /// <summary>The figures of the newest report, which another thread draws.</summary>
    private sealed class FiguresColumn : ProgressColumn
    {
        private volatile string _text = "";

        public string Text { set => _text = value; }

        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Spectre.Console.Text(_text);
    }
}
