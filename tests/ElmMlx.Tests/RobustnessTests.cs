using ElmMlx.Cpu;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Long graphs, many operations, many threads, many failures. Runs alone: it counts for the whole process.
/// </summary>
[CollectionDefinition(nameof(RobustnessTests), DisableParallelization = true)]
[Collection(nameof(RobustnessTests))]
public class RobustnessTests
{
    private const int Million = 1_000_000, Rounds = 8;
    private const long Megabyte = 1 << 20;

    [Fact]
    public void Graph_of_a_million_nodes_is_evaluated_and_dropped_on_a_small_stack()
    {
        if (TestProvider.IsMlx)
            return;     // its evaluation is its own
        OnThreads(1, _ =>
        {
            using MlxArray one = MlxArray.From([1]);
            MlxArray x = Longer(MlxArray.From([0]), one, Million);
            Assert.Equal(Million, x.Item<int>());
            x = Longer(x, one, Million);    // never evaluated
            x.Dispose();
        });
    }

    [Fact]
    public void Million_operations_leave_neither_handles_nor_memory()
    {
        long leastGrowth = long.MaxValue;
        OnThreads(1, _ =>
        {
            using MlxArray x = MlxArray.From([1f, 2f, 3f]);
            using MlxArray y = MlxArray.From([4f, 5f, 6f]);
            int handles = HandleTable.LiveCount;
            for (int round = 0; round < Rounds && leastGrowth > Megabyte; round++)      // the first ones still compile
            {
                long before = ResidentBytes();
                for (int i = 0; i < Million; i++)
                    (x + y).Dispose();
                leastGrowth = Math.Min(leastGrowth, ResidentBytes() - before);
                Assert.Equal(handles, HandleTable.LiveCount);
            }
        });
        Assert.InRange(leastGrowth, long.MinValue, Megabyte);
    }

    [Fact]
    public void Sixty_four_threads_compute_on_arrays_of_their_own() => OnThreads(64, thread =>
    {
        for (int i = 0; i < 20; i++)
        {
            using ArrayScope scope = new();
            MlxArray x = MlxArray.Arange(0, 100, 1, DType.Float32) + thread;
            MlxArray gradient = Transforms.Grad(a => (a[0] * a[0]).Sum(), [x])[0];
            MlxArray square = x.Reshape(10, 10).MatMul(MlxArray.Ones([10, 1]));
            Assert.Equal(2f * (99 + thread), gradient[99].Item<float>());
            Assert.Equal(45f + 10 * thread, square[0, 0].Item<float>());
        }
    });

    [Fact]
    public void Ten_thousand_exceptions_through_closures_leave_nothing()
    {
        OnThreads(1, _ =>
        {
            using MlxArray x = MlxArray.From([1f]);
            InvalidTimeZoneException thrown = new("mine");
            Func<MlxArray[], MlxArray> fails = a => (a[0] * 2f).Size > 0 ? throw thrown : a[0];
            int handles = 0;
            WeakReference? last = null;
            for (int i = 0; i < 10_000; i++)
            {
                if (i == 100)
                    handles = HandleTable.LiveCount;
                using ArrayScope scope = new();
                Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(() => Fail(x, fails, out last)));
            }

            Assert.InRange(HandleTable.LiveCount, 0, handles);      // finalizers may free those of tests before
            Collect();
            Assert.False(last!.IsAlive);    // the closure let go of the function
        });
    }

    // A function of its own each time
    private static void Fail(MlxArray x, Func<MlxArray[], MlxArray> fails, out WeakReference function)
    {
        Func<MlxArray[], MlxArray> own = new Caller(fails).Call;
        function = new WeakReference(own.Target);
        Transforms.Grad(own, [x]);
    }

    private static MlxArray Longer(MlxArray x, MlxArray one, int count)
    {
        for (int i = 0; i < count; i++)
        {
            MlxArray next = x + one;
            x.Dispose();
            x = next;
        }

        return x;
    }

    private static long ResidentBytes()
    {
        Collect();
        return Environment.WorkingSet;
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    private static void OnThreads(int count, Action<int> action)
    {
        var failures = new Exception?[count];
        Thread[] threads = [.. Enumerable.Range(0, count).Select(i =>
            new Thread(() => failures[i] = Record.Exception(() => action(i)), maxStackSize: 256 << 10))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.All(failures, Assert.Null);
    }

    private sealed class Caller(Func<MlxArray[], MlxArray> function)
    {
        public MlxArray Call(MlxArray[] arguments) => function(arguments);
    }
}
