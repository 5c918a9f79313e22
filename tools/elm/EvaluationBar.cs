using ElmMlx.Evaluation;
using Spectre.Console;

namespace ElmMlx.Tools.Elm;

/// <summary>Shows a measurement while it goes on, where somebody looks: a bar on the terminal's error side.</summary>
internal static class EvaluationBar
{
    private static readonly IAnsiConsole Error =
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>Runs <paramref name="measure"/> on this thread.</summary>
    /// <param name="title">What is measured.</param>
    /// <param name="measure">The measurement.</param>
    public static T Run<T>(string title, Func<IProgress<EvaluationProgress>?, T> measure)
    {
        if (Console.IsErrorRedirected)
            return measure(null);
        return Error.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn())
            .Start(context => measure(new Bar(context.AddTask(title))));
    }

    private sealed class Bar(ProgressTask task) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value)
        {
            task.MaxValue = value.Total;
            task.Value = value.Done;
        }
    }
}
