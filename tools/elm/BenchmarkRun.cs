using System.Diagnostics;
using Spectre.Console;

namespace ElmMlx.Tools.Elm;

/// <summary>Repeats what is measured, and shows how far it is where somebody looks.</summary>
/// <param name="limits">Measured before.</param>
/// <param name="trials">Runs that count.</param>
/// <param name="stop">Ends the measurement between two runs.</param>
internal sealed class BenchmarkRun(BenchmarkLimits limits, int trials, CancellationToken stop)
{
    private static readonly IAnsiConsole Error =
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>What the machine can do.</summary>
    public BenchmarkLimits Limits => limits;

    /// <summary>Runs <paramref name="measure"/> on this thread: once to warm up, and then as often as counts.</summary>
    /// <param name="title">What is measured.</param>
    /// <param name="measure">One run.</param>
    /// <returns>What each run gave, without the first.</returns>
    public T[] Trials<T>(string title, Func<T> measure)
    {
        if (Console.IsErrorRedirected)
            return Repeat(measure, () => { });
        // The bar is drawn between the runs only: a thread that draws would take part in what is measured.
        return Error.Progress()
            .AutoClear(true)
            .AutoRefresh(false)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(title, maxValue: trials + 1);
                context.Refresh();
                return Repeat(measure, () =>
                {
                    task.Increment(1);
                    context.Refresh();
                });
            });
    }

    /// <summary>Seconds of each run.</summary>
    public double[] Seconds(string title, Action run) => Trials(title, () =>
    {
        long start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    });

    private T[] Repeat<T>(Func<T> measure, Action done)
    {
        stop.ThrowIfCancellationRequested();
        measure();
        done();
        T[] results = new T[trials];
        for (int trial = 0; trial < trials; trial++)
        {
            stop.ThrowIfCancellationRequested();
            results[trial] = measure();
            done();
        }

        return results;
    }
}
