using BenchmarkDotNet.Running;
using ElmMlx.Cpu;

// First what the machine can do at most, then the kernels; compare the two only when nothing else runs.
foreach (int nThreads in (ReadOnlySpan<int>)[1, Environment.ProcessorCount])
{
    double bytes = MachineLimits.MeasureReadBytesPerSecond(nThreads), flops = MachineLimits.MeasureFmaFlopsPerSecond(nThreads);
    Console.WriteLine($"{nThreads} thread(s): read {bytes / 1e9:F1} GB/s, float32 FMA {flops / 1e9:F0} GFLOP/s");
}

BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
