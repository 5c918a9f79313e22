using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using ElmMlx;
using ElmMlx.Benchmarks;
using ElmMlx.Cpu;
using Perfolizer.Horology;
using Perfolizer.Mathematics.OutlierDetection;

// First what the machine can do at most, then the kernels, in one process: the share stands beside each figure.
Limits limits = Limits.Measured;
Console.WriteLine(
    $"{MachineLimits.ThreadCount} threads: read {limits.ReadBytesPerSecond / 1e9:F1} GB/s, float32 multiply-add "
    + $"{limits.FlopsPerSecond / 1e9:F0} GFLOP/s; arrays are computed by {MlxRuntime.Provider.Kind}");
Job job = Job.Default
    .WithToolchain(InProcessEmitToolchain.Instance)
    .WithWarmupCount(2)
    .WithIterationCount(7)
    .WithIterationTime(TimeInterval.FromMilliseconds(150))
    .WithOutlierMode(OutlierMode.DontRemove);
IConfig config = DefaultConfig.Instance
    .AddJob(job)
    .WithSummaryStyle(SummaryStyle.Default.WithTimeUnit(TimeUnit.Microsecond))
    .HideColumns(Column.Error, Column.StdDev, Column.Mean)
    .AddColumn(StatisticColumn.Median, StatisticColumn.Min, StatisticColumn.Max, new ShareColumn());
BenchmarkSwitcher.FromAssembly(typeof(KernelBenchmark).Assembly).Run(args, config);
