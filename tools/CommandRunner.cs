using System.CommandLine;
using System.CommandLine.Invocation;

namespace ElmMlx.Tools;

/// <summary>Runs a command line: 0 done, 1 a mistake that one sentence explains, 2 wrong usage, 130 interrupted.</summary>
internal static class CommandRunner
{
    private const int Mistake = 1, Usage = 2, Interrupted = 130;

    public static int Run(string name, RootCommand root, string[] args)
    {
        ParseResult parsed = root.Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            string command = parsed.CommandResult.Command == root ? name : $"{name} {parsed.CommandResult.Command.Name}";
            foreach (string message in parsed.Errors.Select(error => error.Message).Distinct())
                Console.Error.WriteLine($"{command}: {message}");
            Console.Error.WriteLine($"{command}: see {command} --help");
            return Usage;
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
        catch (Exception problem)
        {
            Console.Error.WriteLine($"{name}: {OneSentence(problem)}");
            return Mistake;
        }
    }

    private static string OneSentence(Exception problem)
    {
        Exception cause = problem is TypeInitializationException or AggregateException && problem.InnerException is { } inner
            ? inner
            : problem;
        return cause.Message.ReplaceLineEndings(" ");
    }
}
