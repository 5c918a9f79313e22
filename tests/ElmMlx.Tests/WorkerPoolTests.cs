using System.Diagnostics;
using ElmMlx.Cpu.Kernels;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>How many threads compute, and that they rest when there is nothing to do.</summary>
[Collection(nameof(VectorWidth))]
public sealed class WorkerPoolTests
{
    [Theory]
    [InlineData("1", 1)]
    [InlineData("7", 7)]
    [InlineData("1000", 256)]
    public void Variable_sets_the_number_of_threads(string variable, int expected) =>
        Assert.Equal(expected, WorkerPool.CountFrom(variable));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Without_the_variable_there_is_a_thread_for_each_processor(string? variable) =>
        Assert.Equal(Math.Min(Environment.ProcessorCount, 256), WorkerPool.CountFrom(variable));

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("2.5")]
    [InlineData("all")]
    [InlineData("99999999999")]
    public void Variable_that_is_no_number_of_threads_is_refused(string variable)
    {
        var refused = Assert.Throws<InvalidOperationException>(() => WorkerPool.CountFrom(variable));

        Assert.Equal(
            $"ELMMLX_THREADS is '{variable}'; it must be a number of threads from 1 to 256, or unset.",
            refused.Message);
    }

    [Fact]
    public void Process_that_may_use_one_processor_computes_with_one_thread()
    {
        if (!OperatingSystem.IsLinux())
            return; // taskset is Linux's

        CommandProcess.Result result = CommandProcess.ElmOnOneProcessor("info");

        Assert.True(result.ExitCode == 0
            && result.Output.Contains(", 1 thread\n", StringComparison.Ordinal), result.ToString());
    }

    [Fact]
    public void Threads_use_no_processor_time_when_there_is_no_work()
    {
        int before = WorkerPool.ThreadCount;
        try
        {
            WorkerPool.ThreadCount = 4;
            WorkerPool.Run(64, _ => Thread.SpinWait(1000));

            // A thread that spins takes every idle second whole; what else the process does (compiling, say) ends.
            double least = double.MaxValue;
            for (int second = 0; second < 5 && least >= 50; second++)
                least = Math.Min(least, MillisecondsOfAnIdleSecond());

            Assert.True(least < 50, $"an idle second took {least:F0} ms of processor time");
        }
        finally
        {
            WorkerPool.ThreadCount = before;
        }
    }

    [Fact]
    public void Threads_that_sleep_wake_for_the_next_job()
    {
        int before = WorkerPool.ThreadCount;
        try
        {
            WorkerPool.ThreadCount = 2;
            for (int job = 0; job < 20; job++)
            {
                Thread.Sleep(2); // far longer than they spin
                using var both = new Barrier(2);
                WorkerPool.Run(2, _ => Assert.True(both.SignalAndWait(TimeSpan.FromMinutes(1))));
            }
        }
        finally
        {
            WorkerPool.ThreadCount = before;
        }
    }

    private static double MillisecondsOfAnIdleSecond()
    {
        using Process own = Process.GetCurrentProcess();
        TimeSpan start = own.TotalProcessorTime;
        Thread.Sleep(1000);
        own.Refresh();
        return (own.TotalProcessorTime - start).TotalMilliseconds;
    }
}
