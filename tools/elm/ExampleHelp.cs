using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace ElmMlx.Tools.Elm;

/// <summary><c>--help</c> with examples: a command's own, or the first of every command.</summary>
internal sealed class ExampleHelp : SynchronousCommandLineAction
{
    private readonly HelpAction _help;

    private ExampleHelp(HelpAction help) => _help = help;

    public override bool ClearsParseErrors => true;

    /// <summary>Adds the examples to the help of a command and of those below it.</summary>
    public static void AddTo(RootCommand root)
    {
        HelpOption option = root.Options.OfType<HelpOption>().Single();
        option.Action = new ExampleHelp((HelpAction)option.Action!);
    }

    public override int Invoke(ParseResult parseResult)
    {
        int code = _help.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Examples:");
        foreach (string example in Examples(parseResult.CommandResult.Command))
            output.WriteLine($"  {example}");
        output.WriteLine();
        return code;
    }

    private static IEnumerable<string> Examples(Command command) => command is ExampleCommand own
        ? own.Examples
        : command.Subcommands.OfType<ExampleCommand>().Select(below => below.Examples[0]);
}
