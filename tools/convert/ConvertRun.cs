using System.Globalization;
using System.Runtime.InteropServices;
using ElmMlx.Checkpoints;
using Spectre.Console;

namespace ElmMlx.Tools.Convert;

/// <summary>
/// Runs a conversion for a person: a progress bar, a table of what was done, one sentence when it cannot be done.
/// </summary>
internal static class ConvertRun
{
    public const int UsageError = 2;
    private const int Failure = 1;
    private const int Interrupted = 130;

    private static readonly IAnsiConsole Error =
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    public static int Execute(Func<ConvertOptions> options)
    {
        using var cancellation = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) => Cancel(() => e.Cancel = true);
        using var terminate =
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Cancel(() => context.Cancel = true));
        return Explain(() =>
        {
            ConvertOptions chosen = options();
            Print(chosen, Convert(chosen, cancellation.Token));
        });

        void Cancel(Action keepRunning)
        {
            keepRunning();
            cancellation.Cancel();
        }
    }

    /// <summary>Converts adapters alone.</summary>
    public static int ExecuteAdapters(
        Func<(string Input, string Output, AdapterFormat Format, string? ConfigYaml, bool Overwrite)> options) =>
            Explain(() =>
    {
        (string input, string output, AdapterFormat format, string? yaml, bool overwrite) = options();
        (string description, IReadOnlyList<string> notes) =
            AdapterConverter.Convert(input, output, format, yaml, overwrite);
        Console.WriteLine($"{description}.");
        foreach (string note in notes)
            Console.WriteLine(note);
        Console.WriteLine($"Wrote {output}.");
    });

    private static int Explain(Action run)
    {
        try
        {
            run();
            return 0;
        }
        catch (OperationCanceledException)
        {
            return Fail("Interrupted; nothing was written.", Interrupted);
        }
        catch (ArgumentException e)
        {
            return Fail(e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal), UsageError);
        }
        catch (IOException e) when ((e.HResult & 0xFFFF) is 28 or 112)
        {
            return Fail($"The disk is full; make room or give another place for the output. ({e.Message})", Failure);
        }
        catch (Exception e) when (
            e is InvalidDataException or IOException or UnauthorizedAccessException or NotSupportedException
                or MlxException)
        {
            return Fail(e.Message, Failure);
        }
        catch (OutOfMemoryException)
        {
            return Fail("There is not enough memory for this conversion.", Failure);
        }
    }

    private static ConvertReport Convert(ConvertOptions options, CancellationToken cancellation)
    {
        if (Console.IsErrorRedirected)
            return Converter.Convert(options, null, cancellation);
        return Error.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask("Opening", maxValue: 1);
                return Converter.Convert(options, new Bar(task), cancellation);
            });
    }

    private sealed class Bar(ProgressTask task) : IProgress<ConvertProgress>
    {
        public void Report(ConvertProgress value)
        {
            task.Description = value.Step;
            task.MaxValue = Math.Max(1, value.Total);
            task.Value = value.Done;
        }
    }

    private static void Print(ConvertOptions options, ConvertReport report)
    {
        Console.WriteLine($"{report.Config.ModelName}: {report.Config.Layers.Count} layers, read from a " +
            $"{report.Source}");
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("");
        table.AddColumn(new TableColumn("before").RightAligned());
        table.AddColumn(new TableColumn("after").RightAligned());
        table.AddRow("tensors", Count(report.Tensors.Before), Count(report.Tensors.After));
        table.AddRow("parameters", Count(report.Parameters.Before), Count(report.Parameters.After));
        table.AddRow("type", Markup.Escape(report.Types.Before), Markup.Escape(report.Types.After));
        table.AddRow("size", Bytes(report.Bytes.Before), Bytes(report.Bytes.After));
        table.AddRow(
            "bits a weight", Bits(8.0 * report.Bytes.Before / report.Parameters.Before), Bits(report.BitsPerWeight));
        AnsiConsole.Write(table);
        if (report.Adapter is not null)
            Console.WriteLine($"Adapter: {report.Adapter}.");
        if (report.Tokenizer.Count > 0)
            Console.WriteLine($"Tokenizer: {string.Join(", ", report.Tokenizer)}.");
        foreach (string note in report.Notes)
            Console.WriteLine(note);
        if (report.Check is { } check)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
                Verified on {check.Tokens} tokens: the largest difference of a logit is {check.LargestDifference:G3} (their standard
                deviation is {check.LogitDeviation:G3}), and both choose the same next token {check.SameChoices} of {check.Tokens} times.
                """));
        double speed = report.Bytes.Before / 1e6 / report.Seconds; // MB/s
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"Wrote {options.Output} in {report.Seconds:0.0} s ({speed:0} MB/s)."));
        foreach (string warning in report.Warnings)
            Console.Error.WriteLine("Warning: " + warning);
    }

    private static string Bits(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Bytes(long value) => value >= 1 << 30
        ? (value / (double)(1 << 30)).ToString("0.00 GiB", CultureInfo.InvariantCulture)
        : (value / (double)(1 << 20)).ToString("0.00 MiB", CultureInfo.InvariantCulture);

    private static int Fail(string message, int code)
    {
        Console.Error.WriteLine(message);
        return code;
    }
}
