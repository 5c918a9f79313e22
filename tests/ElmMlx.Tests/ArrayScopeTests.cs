using Xunit;

namespace ElmMlx.Tests;

/// <summary>Scopes and what they free. One at a time: a test reads the process's memory counters.</summary>
[Collection(nameof(ArrayScopeTests))]
[CollectionDefinition(nameof(ArrayScopeTests), DisableParallelization = true)]
public class ArrayScopeTests
{
    [Fact]
    public void End_of_a_scope_frees_what_was_not_kept()
    {
        MlxArray kept, dropped, before = MlxArray.Ones([2]);
        using (ArrayScope scope = new())
        {
            dropped = before + 1;
            kept = scope.Keep(dropped * 2);
        }

        Assert.True(dropped.IsDisposed);
        Assert.False(before.IsDisposed);
        Assert.Equal([4f, 4], kept.ToArray<float>());
    }

    [Fact]
    public void Keep_moves_to_the_enclosing_scope_only()
    {
        MlxArray kept;
        using (ArrayScope outer = new())
        {
            using (ArrayScope inner = new())
                kept = inner.Keep(MlxArray.Ones([2]));
            Assert.False(kept.IsDisposed);
            Assert.Equal(1, outer.Count);
        }

        Assert.True(kept.IsDisposed);
    }

    [Fact]
    public void Outer_scope_keeps_what_an_inner_one_made()
    {
        MlxArray kept;
        using (ArrayScope outer = new())
        {
            using ArrayScope inner = new();
            kept = outer.Keep(MlxArray.Ones([2]));
        }

        Assert.False(kept.IsDisposed);
    }

    [Fact]
    public void Inner_scope_does_not_move_what_an_outer_one_owns()
    {
        MlxArray made;
        using (ArrayScope outer = new())
        {
            made = MlxArray.Ones([2]);
            using (ArrayScope inner = new())
                inner.Keep(made);
            Assert.False(made.IsDisposed);
        }

        Assert.True(made.IsDisposed);
    }

    [Fact]
    public void Array_disposed_early_is_forgotten()
    {
        using ArrayScope scope = new();
        MlxArray x = MlxArray.Ones([2]);
        Assert.Equal(1, scope.Count);
        x.Dispose();
        Assert.Equal(0, scope.Count);
    }

    [Fact]
    public void Outer_scope_that_ends_first_ends_the_inner_one()
    {
        ArrayScope outer = new();
        ArrayScope inner = new();
        MlxArray x = MlxArray.Ones([2]);

        outer.Dispose();
        Assert.True(x.IsDisposed);
        inner.Dispose();
        Assert.False((MlxArray.Ones([2]) + 1).IsDisposed);
    }

    [Fact]
    public void Keep_takes_several()
    {
        MlxArray[] kept;
        using (ArrayScope scope = new())
        {
            kept = MlxArray.Arange(4).Split(2);
            scope.Keep(kept);
        }

        Assert.Equal([2, 3], kept[1].ToArray<int>());
    }

    [Fact]
    public void Scope_ends_on_its_own_thread()
    {
        using ArrayScope scope = new();
        Exception? refused = null;
        Thread other = new(() => refused = Record.Exception(scope.Dispose));
        other.Start();
        other.Join();

        Assert.IsType<InvalidOperationException>(refused);
    }

    [Fact]
    public void Loop_in_scopes_holds_no_memory()
    {
        MlxArray x = MlxArray.Ones([256, 1024]);
        x.Eval();
        long before = MlxMemory.ActiveBytes;
        for (int i = 0; i < 20; i++)
        {
            using ArrayScope scope = new();
            MlxArray next = scope.Keep(x * 1.5 + 1);
            next.Eval();
            x.Dispose();
            x = next;
        }

        Assert.InRange(MlxMemory.ActiveBytes - before, -x.ByteCount, 4 * x.ByteCount);
    }
}
