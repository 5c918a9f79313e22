using System.Runtime.CompilerServices;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Runs alone: it counts handles and bytes of the whole process.</summary>
[CollectionDefinition(nameof(LifetimeTests), DisableParallelization = true)]
[Collection(nameof(LifetimeTests))]
public class LifetimeTests
{
    [Fact]
    public void Finalizer_queues_the_handle_and_the_next_operation_frees_it()
    {
        OnOneThread(() =>
        {
            Drop(10);
            Collect();
            int queued = ArrayThread.Current.GivenUpCount;
            MlxArray.Zeros([1]).Dispose();

            Assert.InRange(queued, 9, 20); // the last one may still be reachable
            Assert.Equal(0, ArrayThread.Current.GivenUpCount);
        });
    }

    [Fact]
    public void Array_dropped_without_a_scope_gives_its_memory_back()
    {
        OnOneThread(() =>
        {
            MlxArray.Zeros([1]).Eval();
            long before = MlxMemory.ActiveBytes;
            DropEvaluated();
            Collect();
            MlxArray.Zeros([1]).Dispose();

            Assert.InRange(MlxMemory.ActiveBytes - before, long.MinValue, 4 << 20);
        });
    }

    [Fact]
    public void Dispose_on_another_thread_queues_for_the_owner()
    {
        OnOneThread(() =>
        {
            MlxArray x = MlxArray.Ones([3]);
            x.Eval();
            OnOneThread(x.Dispose);

            Assert.True(x.IsDisposed);
            Assert.Equal(1, ArrayThread.Current.GivenUpCount);
            ArrayThread.Current.FreeGivenUp();
            Assert.Equal(0, ArrayThread.Current.GivenUpCount);
        });
    }

    [Fact]
    public void Array_outlives_the_thread_that_made_it()
    {
        MlxArray? x = null;
        OnOneThread(() =>
        {
            x = MlxArray.From([1f, 2]) * 2;
            x.Eval();
        });

        Assert.Equal([2f, 4], x!.ToArray<float>());
        x.Dispose();
        MlxArray.Zeros([1]).Dispose();
    }

    [Fact]
    public void Threads_compute_side_by_side()
    {
        List<Exception> failures = [];
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(seed => new Thread(() =>
        {
            try
            {
                for (int i = 0; i < 50; i++)
                {
                    using ArrayScope scope = new();
                    MlxArray x = MlxArray.Full([64, 64], seed + 1);
                    Assert.Equal((seed + 1) * (seed + 1) * 64f, x.MatMul(x)[0, 0].Item<float>());
                }
            }
            catch (Exception e)
            {
                lock (failures)
                    failures.Add(e);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();

        Assert.Empty(failures);
    }

    [Fact]
    public void Failure_on_one_thread_is_not_another_s()
    {
        OnOneThread(() => Assert.Throws<MlxException>(() => MlxArray.Zeros([2]).Softmax(4)));
        Assert.Equal(2, MlxArray.Zeros([2]).Size);
    }

    [Fact]
    public void Deep_graph_is_built_evaluated_and_dropped()
    {
        OnOneThread(() =>
        {
            MlxArray x = MlxArray.Zeros([1]);
            for (int i = 0; i < 2000; i++)
            {
                MlxArray next = x + 1;
                x.Dispose();
                x = next;
            }

            Assert.Equal(2000f, x.Item<float>());
        });
    }

    [Fact]
    public void Big_array_weighs_on_the_garbage_collector_as_long_as_it_lives()
    {
        OnOneThread(() =>
        {
            Assert.Equal(0, ArrayThread.Current.ToldBytes);
            MlxArray small = MlxArray.Zeros([1 << 10]);
            MlxArray big = MlxArray.Zeros([4 << 20]);       // 16 MiB of float32
            Assert.Equal(16 << 20, ArrayThread.Current.ToldBytes);
            big.Dispose();
            Assert.Equal(0, ArrayThread.Current.ToldBytes);
            small.Dispose();
        });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop(int count)
    {
        for (int i = 0; i < count; i++)
            MlxArray.Ones([4]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropEvaluated()
    {
        MlxArray x = MlxArray.Ones([8 << 20]); // 32 MiB
        (x + 1).Eval();
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private static void OnOneThread(Action action)
    {
        Exception? failure = null;
        Thread thread = new(() => failure = Record.Exception(action));
        thread.Start();
        thread.Join();
        if (failure is not null)
            throw new InvalidOperationException("on the thread: " + failure.Message, failure);
    }
}
