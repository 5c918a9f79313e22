using ElmMlx.Bindings;
using ElmMlx.Cpu;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>
/// The CPU provider uses its graph's objects again: a token allocates nothing, and nothing is mixed up.
/// </summary>
[Collection(nameof(GraphTests))]
public sealed unsafe class RecyclingTests
{
    [Fact]
    public void Decoding_allocates_next_to_nothing_on_the_managed_heap()
    {
        const int Passes = 100, Rounds = 200, MostBytes = 768;    // a longer cache's shapes, two reductions' closures
        var step = new DecodeStep();
        long least = long.MaxValue;
        for (int round = 0; round < Rounds && least > MostBytes; round++)     // code that is not optimised yet boxes
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int position = 40; position < 40 + Passes; position++)
                step.Run(position);
            least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before) / Passes);
        }

        step.End();
        Assert.InRange(least, 0, MostBytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Random_graphs_compute_what_they_say_on_several_threads(bool recycles)
    {
        bool wasOn = Recycling.IsOn;
        Recycling.IsOn = recycles;
        try
        {
            long before = Allocator.ActiveBytes;
            var exchange = new RandomGraphs.Exchange();
            Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, seed =>
                new RandomGraphs(seed, exchange).Run(steps: 3000));
            exchange.Clear();
            Assert.Equal(before, Allocator.ActiveBytes);
        }
        finally
        {
            Recycling.IsOn = wasOn;
        }
    }

    [Fact]
    public void Dead_node_is_empty_and_the_next_one_takes_its_place()
    {
        Node first = Ops.Negative(Ops.Scalar(1f, MLX_FLOAT32));
        first.Retain();
        first.Release();
        Assert.Null(first.Shape);
        Assert.Null(first.Buffer);
        Node second = Ops.Negative(Ops.Scalar(2f, MLX_FLOAT32));
        Node third = Ops.Negative(second);
        Assert.True(second == first || third == first);
        third.Retain();
        third.Release();
    }

    [Fact]
    public void Node_that_a_tape_has_seen_never_comes_back()
    {
        Node x = Ops.Scalar(3f, MLX_FLOAT32);
        x.Retain();
        using Tape tape = new();
        Node[] watched = tape.Watch([x]);
        tape.Start();
        Node dropped = Ops.Negative(watched[0]);
        tape.Stop();
        tape.Dispose();
        Assert.True(dropped.IsDead);
        Assert.NotNull(dropped.Shape);
        for (int i = 0; i < 200; i++)
            Assert.NotSame(dropped, Ops.Negative(x));
        x.Release();
    }

    [Fact]
    public void Handle_that_was_freed_is_refused_even_when_its_place_is_taken()
    {
        mlx_array old = Handles.New(Ops.Scalar(1f, MLX_FLOAT32));
        Handles.Free(old);
        Assert.Throws<ArgumentException>(() => Handles.Node(old));
        Assert.Throws<ArgumentException>(() => Handles.Free(old));
        mlx_array next = Handles.New(Ops.Scalar(2f, MLX_FLOAT32));
        Assert.Equal((uint)old.ctx, (uint)next.ctx);
        Assert.Throws<ArgumentException>(() => Handles.Node(old));
        Assert.Equal(2f, *(float*)Handles.Node(next).Data);
        Handles.Free(next);
    }

    [Fact]
    public void Handle_of_another_type_and_what_is_no_handle_are_refused()
    {
        mlx_vector_array vector = Handles.New([]);
        Assert.Throws<ArgumentException>(() => Handles.Node(new mlx_array { ctx = vector.ctx }));
        Assert.Throws<ArgumentException>(() => Handles.Node(new mlx_array { ctx = (void*)0x7fff_1234_5678_9ab0 }));
        Handles.Free<NodeVector>(vector.ctx, nameof(mlx_vector_array));
    }

    [Fact]
    public void Handles_made_on_one_thread_are_freed_on_another()
    {
        for (int round = 0; round < 20; round++)
        {
            var handles = new mlx_array[5000];
            for (int i = 0; i < handles.Length; i++)
                handles[i] = Handles.New(Ops.Scalar(i, MLX_INT32));
            var thread = new Thread(() =>
            {
                for (int i = 0; i < handles.Length; i++)
                {
                    Assert.Equal(i, *(int*)Handles.Node(handles[i]).Data);
                    Handles.Free(handles[i]);
                }
            });
            thread.Start();
            thread.Join();
        }
    }

    [Fact]
    public void Holders_are_counted_exactly_while_other_threads_join_in()
    {
        const int Times = 2000;
        for (int round = 0; round < 50; round++)
        {
            Node? node = null;
            using Barrier made = new(3);
            Thread[] threads = [.. Enumerable.Range(0, 3).Select(i => new Thread(() =>
            {
                if (i == 0)
                {
                    node = Ops.Scalar(1f, MLX_FLOAT32);
                    node.Retain();
                }

                made.SignalAndWait();
                for (int time = 0; time < Times; time++)
                    node!.Retain();
                for (int time = 1; time < Times; time++)
                    node!.Release();
            }))];
            foreach (Thread thread in threads)
                thread.Start();
            foreach (Thread thread in threads)
                thread.Join();
            Assert.Equal(4, node!.HolderCount);
            for (int holder = 0; holder < 4; holder++)
                node.Release();
            Assert.True(node.IsDead);
        }
    }

    [Fact]
    public void Shared_rows_are_one_array_and_stay_what_they_are_when_others_come()
    {
        int[] shape = Interned.Of([2, 37, 5]);
        Assert.Same(shape, Interned.Of([2, 37, 5]));
        var rows = new int[20_000][];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = Interned.Of([i, 7]);
        for (int i = 0; i < rows.Length; i++)
            Assert.Equal([i, 7], rows[i]);
        Assert.Equal([2, 37, 5], shape);
        Assert.Equal([2, 37, 5], Interned.Of([2, 37, 5]));
    }
}
