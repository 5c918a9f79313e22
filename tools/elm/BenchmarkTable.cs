using System.Globalization;

namespace ElmMlx.Tools.Elm;

/// <summary>A table whose rows are printed as they come: what is printed stays, whatever happens then.</summary>
internal static class BenchmarkTable
{
    /// <summary>The machine's limits, and the names of the columns.</summary>
    public static void WriteHeading(BenchmarkLimits limits, int trials)
    {
        foreach (string line in limits.Lines())
            Console.WriteLine(line);
        Console.WriteLine();
        WriteRow("model", "weights", "figure", $"median of {trials}", "smallest – largest", "of the limit");
    }

    /// <summary>A figure.</summary>
    public static void Write(BenchmarkModel model, BenchmarkFigure figure) => WriteRow(
        model.Config.ModelName,
        model.Format,
        figure.Title,
        $"{figure.Unit.Format(figure.Value)} {figure.Unit.Text}",
        $"{figure.Unit.Format(figure.Min)} – {figure.Unit.Format(figure.Max)}",
        figure.Share is { } share
            ? string.Create(CultureInfo.InvariantCulture, $"{share * 100:F0} % of {figure.Bound!.Limit}")
            : "");

    private static void WriteRow(
        string model, string weights, string figure, string value, string spread, string share) =>
        Console.WriteLine($"{model,-13} {weights,-9} {figure,-32} {value,15} {spread,19}  {share}".TrimEnd());
}
