using ElmMlx.Bindings;
using ElmMlx.Cpu;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// The CPU provider's lazy graph: evaluation, memory, failures. One at a time: they read global counters.
/// </summary>
[Collection(nameof(GraphTests))]
[CollectionDefinition(nameof(GraphTests), DisableParallelization = true)]
public sealed unsafe class GraphTests
{
    private const long Megabyte = 1 << 20;

    [Fact]
    public void Chain_of_a_million_operations_evaluates_without_recursion()
    {
        const int Length = 1_000_000;
        Node node = Ops.Scalar(0, mlx_dtype.MLX_INT32);
        Node one = Ops.Scalar(1, mlx_dtype.MLX_INT32);
        for (int i = 0; i < Length; i++)
            node = Ops.Add(node, one);
        node.Retain();
        Evaluator.Evaluate(node);
        Assert.Equal(Length, *(int*)node.Data);
        node.Release();
    }

    [Fact]
    public void Chain_of_a_million_operations_is_dropped_without_recursion()
    {
        Node node = Ops.Scalar(0f, mlx_dtype.MLX_FLOAT32);
        Node first = node;
        first.Retain();
        for (int i = 0; i < 1_000_000; i++)
            node = Ops.StopGradient(node);
        node.Retain();
        node.Release();
        Assert.True(node.IsDead);
        Assert.False(first.IsDead);
        first.Release();
        Assert.True(first.IsDead);
    }

    [Fact]
    public void Input_is_let_go_as_soon_as_its_last_operation_has_run()
    {
        Node node = Zeros(4 * Megabyte);
        for (int i = 0; i < 16; i++)
            node = Ops.Concatenate(Ops.Split(node, 2, 0), 0);     // a copy each
        node.Retain();
        long before = Allocator.ActiveBytes;
        Allocator.ResetPeak();
        Evaluator.Evaluate(node);
        Assert.InRange(Allocator.PeakBytes - before, 7 * Megabyte, 9 * Megabyte);    // one input and one output
        node.Release();
    }

    [Fact]
    public void Result_takes_over_the_memory_of_an_input_that_nobody_else_wants()
    {
        Node node = Zeros(4 * Megabyte);
        Node one = Ops.Scalar(1f, mlx_dtype.MLX_FLOAT32);
        for (int i = 0; i < 8; i++)
            node = Ops.Add(node, one);
        node.Retain();
        long before = Allocator.ActiveBytes;
        Allocator.ResetPeak();
        Evaluator.Evaluate(node);
        Assert.InRange(Allocator.PeakBytes - before, 3 * Megabyte, 5 * Megabyte);
        Assert.Equal(8f, *(float*)node.Data);
        node.Release();
    }

    [Fact]
    public void Input_that_somebody_holds_keeps_its_elements()
    {
        Node input = Zeros(1024);
        input.Retain();
        Node output = Ops.Add(input, Ops.Scalar(1f, mlx_dtype.MLX_FLOAT32));
        output.Retain();
        Evaluator.Evaluate(output);
        Assert.Equal(0f, *(float*)input.Data);
        Assert.Equal(1f, *(float*)output.Data);
        input.Release();
        output.Release();
    }

    [Fact]
    public void Slice_update_writes_in_place_when_nobody_else_wants_the_array()
    {
        Node cache = Zeros(4 * Megabyte);
        cache.Retain();
        Evaluator.Evaluate(cache);
        void* memory = cache.Data;
        Node updated = Ops.SliceUpdate(cache, Ops.Scalar(3f, mlx_dtype.MLX_FLOAT32), [5, 7], [6, 9], [1, 1]);
        updated.Retain();
        cache.Release();
        Evaluator.Evaluate(updated);
        Assert.True(memory == updated.Data);
        Assert.Equal([0f, 3f, 3f, 0f], new ReadOnlySpan<float>((float*)updated.Data + 5 * 1024 + 6, 4).ToArray());
        updated.Release();
    }

    [Fact]
    public void Failing_operation_names_itself_and_leaves_the_graph_as_it_was()
    {
        Node array = Ops.Arange(3);
        Node good = Ops.Add(array, Ops.Scalar(1, mlx_dtype.MLX_INT32));
        Node bad = Ops.Take(array, Ops.Add(good, good), 0);
        bad.Retain();
        good.Retain();
        for (int attempt = 0; attempt < 2; attempt++)
        {
            var failure = Assert.ThrowsAny<ArgumentException>(() => Evaluator.Evaluate(bad));
            Assert.Equal("[gather] Index 4 at place 1 is out of bounds for axis 0 with size 3.", failure.Message);
            Assert.False(bad.IsEvaluated);
        }

        Evaluator.Evaluate(good);
        Assert.Equal([1, 2, 3], new ReadOnlySpan<int>(good.Data, 3).ToArray());
        bad.Release();
        good.Release();
    }

    [Fact]
    public void Threads_evaluate_a_shared_graph_at_once()
    {
        for (int round = 0; round < 20; round++)
        {
            Node shared = Ops.Arange(1000);
            for (int i = 0; i < 50; i++)
                shared = Ops.Add(shared, Ops.Scalar(1, mlx_dtype.MLX_INT32));
            shared.Retain();
            Parallel.For(0, 8, thread =>
            {
                Node mine = Ops.Multiply(shared, Ops.Scalar(thread, mlx_dtype.MLX_INT32));
                mine.Retain();
                Evaluator.Evaluate(thread % 2 == 0 ? mine : shared);
                Evaluator.Evaluate(mine);
                Assert.Equal(thread * (999 + 50), ((int*)mine.Data)[999]);
                mine.Release();
            });
            shared.Release();
        }
    }

    [Fact]
    public void Freed_block_serves_the_next_buffer_of_its_size()
    {
        long previous = Allocator.SetCacheLimit(64 * Megabyte);
        byte* first = Allocator.Allocate(5 * Megabyte);
        Assert.Equal(0, (nint)first % (2 * Megabyte));
        Allocator.Free(first, 5 * Megabyte);
        Assert.InRange(Allocator.CacheBytes, 5 * Megabyte, 64 * Megabyte);
        byte* second = Allocator.Allocate(5 * Megabyte - 100);
        Assert.True(first == second);
        Allocator.Free(second, 5 * Megabyte - 100);
        Allocator.ClearCache();
        Assert.Equal(0, Allocator.CacheBytes);
        Allocator.SetCacheLimit(previous);
    }

    [Fact]
    public void Allocation_that_no_machine_has_is_an_error()
    {
        long before = Allocator.ActiveBytes;
        Assert.Throws<InsufficientMemoryException>(() => Allocator.Allocate(1L << 60));
        Assert.Equal(before, Allocator.ActiveBytes);
    }

    [Theory]
    [InlineData(new[] { 2, 3, 4 }, new[] { 6, 4 }, true)]
    [InlineData(new[] { 2, 3, 4 }, new[] { 2, 1, 12 }, true)]
    [InlineData(new[] { 1, 24, 1 }, new[] { 4, 6 }, true)]
    [InlineData(new[] { 0, 3 }, new[] { 3, 0 }, true)]
    public void Reshape_of_rows_is_a_view(int[] shape, int[] newShape, bool isView) =>
        Assert.Equal(isView, Reshape.ViewStrides(shape, Node.RowStrides(shape), newShape) is not null);

    [Fact]
    public void Reshape_of_a_transposed_view_copies_only_when_it_must()
    {
        long[] strides = [1, 3];        // [3, 4] seen transposed as [3, 4] with strides of [4, 3]'s columns
        Assert.Null(Reshape.ViewStrides([3, 4], strides, [12]));
        Assert.Equal([1, 6, 3], Reshape.ViewStrides([3, 4], strides, [3, 2, 2])!);
        Assert.Equal([0, 0], Reshape.ViewStrides([6], [0], [2, 3])!);
    }

    // [nBytes / 4096, 1024] float32
    private static Node Zeros(long nBytes) =>
        Ops.Full([(int)Math.Max(1, nBytes / 4096), 1024], Ops.Scalar(0f, mlx_dtype.MLX_FLOAT32), mlx_dtype.MLX_FLOAT32);
}
