using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Parameters;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace ElmMlx.Benchmarks;

/// <summary>How much of the machine's limit an operation reaches, by its median time.</summary>
internal sealed class ShareColumn : IColumn
{
    public string Id => nameof(ShareColumn);

    public string ColumnName => "Of the limit";

    public string Legend => "The time that the machine needs at least for what is read or computed, over the median";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => false;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) =>
        GetValue(summary, benchmarkCase);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        if (summary[benchmarkCase]?.ResultStatistics is not { } statistics)
            return "–";
        Type type = benchmarkCase.Descriptor.Type;
        var benchmark = (KernelBenchmark)Activator.CreateInstance(type)!;
        foreach (ParameterInstance parameter in benchmarkCase.Parameters.Items)
            type.GetProperty(parameter.Name)!.SetValue(benchmark, parameter.Value);
        return Limits.Measured.ShareOf(
            benchmark.WorkOf(benchmarkCase.Descriptor.WorkloadMethod.Name), statistics.Median / 1e9);
    }
}
