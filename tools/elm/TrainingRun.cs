using System.Runtime.InteropServices;
using ElmMlx.Lora;
using ElmMlx.Optimizers;
using ElmMlx.Training;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// Runs a plan: from the beginning or from a checkpoint, until it is done or Ctrl-C, and says how it ended.
/// </summary>
internal static class TrainingRun
{
    private const int Interrupted = 130;

    /// <summary>Refuses to write over another run, before anything has taken time.</summary>
    /// <exception cref="ArgumentException">The folder has a run, and none is to go on.</exception>
    public static void CheckOutput(TrainingPlan plan)
    {
        if (!plan.Resumes && Directory.Exists(Path.Combine(plan.Output, "checkpoints")))
            throw new ArgumentException(
                $"{plan.Output} has checkpoints of another run: go on with --resume, or give another --adapter-path.");
    }

    /// <param name="plan">The plan.</param>
    /// <param name="config">What is written beside the adapters.</param>
    /// <param name="create">Makes the trainer.</param>
    /// <returns>The exit code.</returns>
    public static int Run(TrainingPlan plan, AdapterConfig config, Func<Optimizer, TrainingOptions, Trainer> create)
    {
        foreach (string note in plan.Settings.Notes)
            Console.WriteLine(note);
        using Optimizer optimizer = OptimizerFactory.Create(plan.OptimizerName, plan.Schedule, plan.OptimizerOptions);
        using Trainer trainer = create(optimizer, plan.Options with { WriteBeside = config.Write });
        if (plan.Resumes)
            Resume(plan, trainer);
        config.Write(plan.Output);

        using CancellationTokenSource stop = new();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = !stop.IsCancellationRequested;      // a second Ctrl-C ends the process at once
            stop.Cancel();
        });
        TrainingResult result = TrainingDisplay.Run(plan.StepsPerReport, progress => trainer.Run(progress, stop.Token));
        Console.WriteLine(LossCurve.Draw(Path.Combine(plan.Output, "metrics.jsonl")));
        if (result.End == TrainingEnd.Interrupted)
        {
            Console.WriteLine(
                $"Stopped after {result.Step} of {plan.Options.Iterations} iterations; this goes on: " +
                    $"{plan.GoOnCommand}");
            return Interrupted;
        }

        if (result.BestLoss is { } best)
            Console.WriteLine(
                FormattableString.Invariant($"Best validation loss {best:F3} after iteration {result.BestStep}: ") +
                    $"{Path.Combine(plan.Output, "best")}.");
        Console.WriteLine($"Saved final weights to {Path.Combine(plan.Output, "adapters.safetensors")}.");
        return 0;
    }

    private static void Resume(TrainingPlan plan, Trainer trainer)
    {
        (long? step, IReadOnlyList<string> notes) = trainer.Resume(plan.Forces);
        foreach (string note in notes)
            Console.WriteLine(note);
        Console.WriteLine(step is null
            ? $"{plan.Output} has no checkpoint: the run begins."
            : $"Going on after iteration {step}.");
    }
}
