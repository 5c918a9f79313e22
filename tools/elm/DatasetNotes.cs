using ElmMlx.Datasets;

namespace ElmMlx.Tools.Elm;

/// <summary>Says what was read of a data set; nothing that was left out or cut goes unsaid.</summary>
internal static class DatasetNotes
{
    /// <param name="command">Whose complaints these are.</param>
    /// <param name="dataset">What was read.</param>
    /// <param name="output">Gets the counts.</param>
    public static void Print(string command, TokenDataset dataset, TextWriter output)
    {
        DatasetReport report = dataset.Report;
        List<string> notes = [];
        if (report.Truncated > 0)
            notes.Add($"{report.Truncated} cut off ({report.TruncatedTokens} tokens)");
        if (report.Split > 0)
            notes.Add($"{report.Split} split");
        if (report.NothingToLearn > 0)
            notes.Add($"{report.NothingToLearn} with nothing to learn left out");
        if (report.Skipped > 0)
            notes.Add($"{report.Skipped} bad lines skipped");
        output.WriteLine(
            $"{dataset.Path}: {report.Rows} rows, {report.Tokens} tokens, {report.LearnedTokens} to be learnt" +
            (notes.Count > 0 ? $"; {string.Join(", ", notes)}" : ""));
        foreach (string reason in report.SkippedReasons)
            Console.Error.WriteLine($"elm {command}: {reason}");
    }
}
