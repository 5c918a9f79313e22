using System.Text;
using ScottPlot;
using ScottPlot.AxisPanels;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;
using SkiaSharp;
using Point = ElmMlx.Tools.Elm.TrainingMetrics.Point;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// Draws <c>loss.svg</c> and <c>loss.png</c> beside a <c>metrics.jsonl</c>: the training loss as it was and smoothed,
/// the validation loss, and the learning rate on the right axis.
/// </summary>
internal static class LossCurve
{
    private const int Width = 960, Height = 540;        // pixels
    private const int MostPoints = 2000;                // of one curve: twice the pixels there are
    private const int FewestToSmooth = 20;

    private static readonly string[] FontFamilies =
        ["Helvetica Neue", "Segoe UI", "Noto Sans", "DejaVu Sans", "Liberation Sans", "Arial"];

    private static readonly Color TrainColor = Color.FromHex("#1f6fb4"), ValidationColor = Color.FromHex("#d1611b");
    private static readonly Color RateColor = Color.FromHex("#8a8a8a");

    /// <summary>Draws, or says why not: a run that is done does not fail because of its picture.</summary>
    /// <param name="metricsFile">Path of the <c>metrics.jsonl</c>.</param>
    /// <returns>One sentence to print.</returns>
    public static string Draw(string metricsFile)
    {
        try
        {
            var metrics = TrainingMetrics.Read(metricsFile);
            if (metrics.TrainLoss.Count + metrics.ValidationLoss.Count == 0)
                return $"No loss curve: {metricsFile} has no losses.";
            using Plot plot = Compose(metrics);
            string folder = Path.GetDirectoryName(Path.GetFullPath(metricsFile))!;
            string svg = Path.Combine(folder, "loss.svg"), png = Path.Combine(folder, "loss.png");
            Write(svg, Encoding.UTF8.GetBytes(plot.GetSvgXml(Width, Height)));
            Write(png, plot.GetImageBytes(Width, Height, ImageFormat.Png));
            string fonts = Fonts.Default.Length > 0 ? "" : ", without labels: this machine has no fonts";
            return $"Loss curve: {svg} and {png}{fonts}.";
        }
        catch (Exception problem) when (problem is not OutOfMemoryException)
        {
            return $"No loss curve: {problem.Message.ReplaceLineEndings(" ")}";
        }
    }

    /// <summary>The curve in one line: the first loss, and smoothed ones at tenths of the way.</summary>
    /// <param name="metricsFile">Path of the <c>metrics.jsonl</c>.</param>
    public static string Summarize(string metricsFile)
    {
        IReadOnlyList<Point> points = TrainingMetrics.Read(metricsFile).TrainLoss;
        if (points.Count == 0)
            return $"{metricsFile} has no losses.";
        Point[] smooth = Smooth(points);
        smooth[0] = points[0];
        IEnumerable<int> places = Enumerable.Range(0, 11).Select(tenth => (smooth.Length - 1) * tenth / 10).Distinct();
        return "Training loss, smoothed: " + string.Join(", ", places.Select(place => FormattableString.Invariant(
            $"{smooth[place].Value:F3} ({smooth[place].Step})"))) + ".";
    }

    /// <summary>
    /// Exponential moving average over about a fiftieth of the points; the first ones are divided by the weights that
    /// there are, so that the curve begins at the first loss.
    /// </summary>
    internal static Point[] Smooth(IReadOnlyList<Point> points)
    {
        double share = 2 / (Math.Max(5, points.Count / 50.0) + 1);
        double sum = 0, weight = 0;
        Point[] smooth = new Point[points.Count];
        for (int i = 0; i < smooth.Length; i++)
        {
            sum += share * (points[i].Value - sum);
            weight += share * (1 - weight);
            smooth[i] = points[i] with { Value = sum / weight };
        }

        return smooth;
    }

    /// <summary>At most <see cref="MostPoints"/> points: means of neighbours.</summary>
    internal static Point[] Thin(IReadOnlyList<Point> points)
    {
        int together = (points.Count + MostPoints - 1) / MostPoints;
        return together <= 1
            ? [.. points]
            : [.. points.Chunk(together)
                .Select(some => new Point(some.Average(p => p.Step), some.Average(p => p.Value)))];
    }

    private static Plot Compose(TrainingMetrics metrics)
    {
        Plot plot = new();
        plot.Axes.Margins(horizontal: .01);
        if (metrics.LearningRate.Count > 1)
            AddRate(plot, metrics.LearningRate);
        bool smooth = metrics.TrainLoss.Count >= FewestToSmooth;
        if (metrics.TrainLoss.Count > 0)
        {
            Scatter raw =
                AddLine(plot, metrics.TrainLoss, smooth ? TrainColor.WithAlpha(.3) : TrainColor, 1, "training loss");
            raw.MarkerSize = smooth ? 0 : 4;
        }

        if (smooth)
            AddLine(plot, Smooth(metrics.TrainLoss), TrainColor, 2, "training loss, smoothed");
        if (metrics.ValidationLoss.Count > 0)
            AddLine(plot, metrics.ValidationLoss, ValidationColor, 2, "validation loss").MarkerSize = 6;

        plot.XLabel("step");
        plot.YLabel("loss");
        plot.Axes.Bottom.TickGenerator = new NumericAutomatic { IntegerTicksOnly = true };
        if (FontFamilies.Intersect(SKFontManager.Default.FontFamilies).FirstOrDefault() is { } font)
            plot.Font.Set(font);
        plot.ShowLegend(Alignment.UpperRight);
        return plot;
    }

    private static void AddRate(Plot plot, IReadOnlyList<Point> points)
    {
        RightAxis axis = (RightAxis)plot.Axes.Right;
        Scatter rate = AddLine(plot, points, RateColor, 1, "learning rate");
        rate.LinePattern = LinePattern.Dashed;
        rate.Axes.YAxis = axis;
        axis.LabelText = "learning rate";
        axis.TickGenerator =
            new NumericAutomatic { LabelFormatter = value => value == 0 ? "0" : value.ToString("0.###e0") };
        // from 0, so that a constant rate is a line near the top and not a scale of its own
        plot.Axes.SetLimitsY(0, Math.Max(points.Max(point => point.Value), double.Epsilon) * 1.1, axis);
    }

    private static Scatter AddLine(Plot plot, IReadOnlyList<Point> points, Color color, float width, string name)
    {
        Point[] drawn = Thin(points);
        Scatter line = plot.Add.Scatter(
            drawn.Select(point => point.Step).ToArray(), drawn.Select(point => point.Value).ToArray(), color);
        line.LineWidth = width;
        line.MarkerSize = 0;
        line.LegendText = name;
        return line;
    }

    // Whole or not at all: a viewer that follows a run never sees half a picture.
    private static void Write(string path, byte[] bytes)
    {
        string temporary = $"{path}.partial-{Environment.ProcessId}";
        File.WriteAllBytes(temporary, bytes);
        File.Move(temporary, path, overwrite: true);
    }
}
