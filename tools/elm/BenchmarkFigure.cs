using System.Text.Json;

namespace ElmMlx.Tools.Elm;

/// <summary>One measured quantity.</summary>
/// <param name="Name">Its field in JSON.</param>
/// <param name="Title">What it is.</param>
/// <param name="Unit">How it is printed.</param>
/// <param name="Value">The median of the runs.</param>
/// <param name="Min">The smallest of the runs.</param>
/// <param name="Max">The largest of the runs.</param>
/// <param name="Bound">
/// What the machine needs at least for one of what is counted; null where nothing known bounds it.
/// </param>
internal sealed record BenchmarkFigure(
    string Name, string Title, BenchmarkUnit Unit, double Value, double Min, double Max, BenchmarkBound? Bound = null)
{
    /// <summary>A figure of several runs.</summary>
    public static BenchmarkFigure Of(
        string name, string title, BenchmarkUnit unit, IEnumerable<double> runs, BenchmarkBound? bound = null)
    {
        double[] sorted = [.. runs.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new(name, title, unit, median, sorted[0], sorted[^1], bound);
    }

    /// <summary>How much of what the machine can do is reached: 1 is all of it.</summary>
    public double? Share => Bound is null ? null : Unit.IsTime ? Bound.Seconds / Value : Value * Bound.Seconds;

    /// <summary>The value, its spread and the share, as fields.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteNumber(Name, Value);
        json.WriteNumber(Name + "_min", Min);
        json.WriteNumber(Name + "_max", Max);
        if (Share is { } share)
            json.WriteNumber(Name + "_share_of_limit", share);
    }
}
