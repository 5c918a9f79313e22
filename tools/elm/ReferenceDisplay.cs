using Spectre.Console;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// Shows how far the reference's log-probabilities are: a bar on a terminal, else a line every tenth.
/// </summary>
internal static class ReferenceDisplay
{
    /// <summary>Runs <paramref name="compute"/> on this thread, and shows what it reports.</summary>
    /// <param name="file">The data file, for the lines.</param>
    /// <param name="compute">Reports batches.</param>
    public static T Run<T>(string file, Func<IProgress<(int Done, int Total)>, T> compute)
    {
        if (!AnsiConsole.Profile.Out.IsTerminal || !AnsiConsole.Profile.Capabilities.Ansi)
            return compute(new Report(progress => Write(file, progress)));
        return AnsiConsole.Console.Progress().AutoClear(true).Start(context =>
        {
            ProgressTask task = context.AddTask("Reference");
            return compute(new Report(progress => (task.MaxValue, task.Value) = (progress.Total, progress.Done)));
        });
    }

    private static void Write(string file, (int Done, int Total) progress)
    {
        (int done, int total) = progress;
        if (done * 10L / total != (done - 1) * 10L / total)
            Console.WriteLine($"{file}: reference log-probabilities of {done} of {total} batches");
    }

    private sealed class Report(Action<(int Done, int Total)> show) : IProgress<(int Done, int Total)>
    {
        void IProgress<(int Done, int Total)>.Report((int Done, int Total) value) => show(value);
    }
}
