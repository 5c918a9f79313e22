using System.CommandLine;

namespace ElmMlx.Tools.Elm;

/// <summary>The command line that goes on with a run.</summary>
internal static class GoOn
{
    /// <summary>The command as it was given, with <c>--resume</c>, quoted for a shell.</summary>
    /// <param name="arguments">What was given.</param>
    /// <param name="resume">The option that says to go on.</param>
    public static string Command(ParseResult arguments, Option<bool> resume)
    {
        IEnumerable<string> words = arguments.Tokens.Select(token => token.Value);
        if (!arguments.GetValue(resume))
            words = words.Append(resume.Name);
        return "elm " + string.Join(' ', words.Select(Quoted));
    }

    private static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsLetterOrDigit(c) || "-_./=:,".Contains(c))
        ? word
        : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
