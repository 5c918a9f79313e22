using System.CommandLine;
using System.CommandLine.Invocation;
using Microsoft.Win32.SafeHandles;

namespace ElmMlx.Tools;

/// <summary>
/// Runs a command line: 0 done, 1 a mistake that one sentence explains, 2 wrong usage, 130 interrupted, 141 nobody
/// reads the output any more.
/// </summary>
internal static class CommandRunner
{
    private const int Mistake = 1, Usage = 2, Interrupted = 130, PipeClosed = 141;

    // What a write to a closed pipe answers: EPIPE of Unix, ERROR_BROKEN_PIPE and ERROR_NO_DATA of Windows.
    private const int UnixBrokenPipe = 32, WindowsBrokenPipe = 109, WindowsNoData = 232;

    /// <param name="name">The command's name, for messages.</param>
    /// <param name="root">The command.</param>
    /// <param name="args">Its arguments.</param>
    /// <param name="endsWithReader">Whether the command ends when nobody reads its output any more.</param>
    public static int Run(string name, RootCommand root, string[] args, bool endsWithReader = false)
    {
        if (endsWithReader)
            ReportClosedPipes();
        // @ begins values of ours (--tokens @FILE) and texts of people; it names no file with more arguments
        ParseResult parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            Command command = parsed.CommandResult.Command;
            return ExplainUsage(command == root ? name : $"{name} {command.Name}", parsed);
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,       // commands that run long handle Ctrl-C themselves
            });
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (IOException problem) when (IsClosedPipe(problem))
        {
            return PipeClosed;
        }
        catch (Exception problem)
        {
            Console.Error.WriteLine($"{name}: {OneSentence(problem)}");
            return Mistake;
        }
    }

    private static int ExplainUsage(string command, ParseResult parsed)
    {
        string[] messages = [.. parsed.Errors.Select(error => OneLine(error.Message)).Distinct()];
        const string noCommand = "Required command was not provided.";      // says nothing beside a mistyped command
        foreach (string message in messages.Length > 1 ? messages.Where(message => message != noCommand) : messages)
            Console.Error.WriteLine($"{command}: {message}");
        Console.Error.WriteLine($"{command}: see {command} --help");
        return Usage;
    }

    /// <summary>
    /// Console's own stream drops what nobody reads, and the command would work on for nothing. Files keep that
    /// stream: a second one on the same file has a position of its own.
    /// </summary>
    private static void ReportClosedPipes()
    {
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected)
            return;
        FileStream output = new(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        if (!output.CanSeek)
            Console.SetOut(new StreamWriter(output) { AutoFlush = true });
    }

    private static bool IsClosedPipe(IOException problem) => OperatingSystem.IsWindows()
        ? (problem.HResult & 0xFFFF) is WindowsBrokenPipe or WindowsNoData
        : problem.HResult == UnixBrokenPipe;

    private static string OneSentence(Exception problem)
    {
        Exception cause = problem is TypeInitializationException or AggregateException
            ? problem.InnerException ?? problem
            : problem;
        string message = OneLine(cause.Message);
        return cause is ArgumentException { ParamName: { } parameter }
            ? message.Replace($" (Parameter '{parameter}')", "", StringComparison.Ordinal)
            : message;
    }

    private static string OneLine(string message) =>
        message.ReplaceLineEndings(" ").Replace("\t", "", StringComparison.Ordinal);
}
