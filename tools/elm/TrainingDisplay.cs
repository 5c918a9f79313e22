using ElmMlx.Training;
using Spectre.Console;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// Shows a run while it goes on: a bar on a terminal, else lines in mlx-lm's words, which other programs read.
/// </summary>
internal static class TrainingDisplay
{
    /// <summary>Runs <paramref name="train"/> on this thread, and shows what it reports.</summary>
    /// <param name="stepsPerReport">Steps that a line sums up; the bar moves with every step.</param>
    /// <param name="train">The run.</param>
    public static T Run<T>(int stepsPerReport, Func<IProgress<TrainingReport>, T> train) =>
        AnsiConsole.Profile.Out.IsTerminal && AnsiConsole.Profile.Capabilities.Ansi
            ? TrainingBar.Run(AnsiConsole.Console, stepsPerReport, train)
            : train(new TrainingLines(Console.Out, stepsPerReport));
}
