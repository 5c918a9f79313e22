using ElmMlx.Generation;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Scopes that use the objects of freed arrays again, and what must never be used again.</summary>
public sealed class ArrayRecyclingTests
{
    private static readonly GenerationOptions Twelve = new() { MaxTokens = 12, EosIds = [] };

    [Fact]
    public void Next_array_takes_the_object_of_a_freed_one_and_nothing_of_its_past()
    {
        MlxArray first, second;
        using (ArrayScope.Recycling())
        {
            first = MlxArray.From([7, 8]);
            Assert.Equal([2], first.Shape);
            Assert.Equal(DType.Int32, first.DType);
        }

        Assert.Throws<ObjectDisposedException>(() => first.Dim(0));
        using (ArrayScope.Recycling())
        {
            second = MlxArray.Ones([3, 1]);
            Assert.Same(first, second);
            Assert.Equal([3, 1], second.Shape);
            Assert.Equal(DType.Float32, second.DType);
            Assert.Equal([1f, 1, 1], second.ToArray<float>());
        }

        // The bounds 7 to 8 went with the first one: as indices into two rows it would be refused.
        using (ArrayScope.Recycling())
            Assert.Equal([2f, 2], (MlxArray.Ones([2, 1]) + 1).Take(MlxArray.From([1, 0]), 0).ToArray<float>());
    }

    [Fact]
    public void Array_disposed_early_is_used_again_once()
    {
        using ArrayScope scope = ArrayScope.Recycling();
        MlxArray gone = MlxArray.Ones([1]);
        gone.Dispose();
        MlxArray a = MlxArray.Ones([2]), b = MlxArray.Ones([3]);

        Assert.Same(gone, a);
        Assert.NotSame(a, b);
        Assert.Equal(2, scope.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Array_that_is_kept_is_never_another(bool inScope)
    {
        using ArrayScope? outer = inScope ? new ArrayScope() : null;
        MlxArray kept, owned;
        using (ArrayScope scope = ArrayScope.Recycling())
        {
            kept = scope.Keep(MlxArray.Ones([2]));
            owned = Owned.Take(MlxArray.Ones([2]));
        }

        Assert.Equal([1f, 1], kept.ToArray<float>());
        kept.Dispose();
        owned.Dispose();
        using (ArrayScope.Recycling())
        {
            MlxArray[] next = [.. Enumerable.Range(0, 8).Select(_ => MlxArray.Ones([2]))];
            Assert.DoesNotContain(next, array => ReferenceEquals(array, kept) || ReferenceEquals(array, owned));
        }

        Assert.Throws<ObjectDisposedException>(() => kept.Shape);
        Assert.Throws<ObjectDisposedException>(() => owned.Eval());
    }

    [Fact]
    public void Array_made_in_a_scope_of_the_caller_s_inside_is_never_another()
    {
        MlxArray plain;
        using (ArrayScope.Recycling())
        {
            using (new ArrayScope())
                plain = MlxArray.Ones([2]);
            Assert.NotSame(plain, MlxArray.Ones([2]));
        }

        Assert.Throws<ObjectDisposedException>(() => plain.Shape);
    }

    [Fact]
    public void Array_disposed_by_another_thread_is_not_used_again()
    {
        using ArrayScope scope = ArrayScope.Recycling();
        MlxArray x = Owned.TakeInPrivate(MlxArray.Ones([2]));
        Thread other = new(x.Dispose);
        other.Start();
        other.Join();

        Assert.True(x.IsDisposed);
        Assert.NotSame(x, MlxArray.Ones([2]));
    }

    [Fact]
    public void What_a_module_of_the_caller_s_has_seen_stays_freed()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        const string path = "layers.0.ffn.proj_1";
        var watching = new Watching((LinearLayer)model.NamedModules().Single(entry => entry.Path == path).Module);
        int[] expected = Tokens(model);
        model.Replace(path, watching);

        Assert.Equal(expected, Tokens(model));
        Assert.Equal(12, watching.Seen.Count);
        Assert.Equal(12, watching.Seen.Distinct(ReferenceEqualityComparer.Instance).Count());
        Assert.All(watching.Seen, x => Assert.Throws<ObjectDisposedException>(() => x.Shape));
    }

    [Fact]
    public void Log_probabilities_end_with_their_step()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        var steps = new List<GenerationStep>();
        var shown = new List<MlxArray>();
        foreach (GenerationStep step in new Generator(model).Generate([5], Twelve))
        {
            using ArrayScope scope = new(); // what a step shows is no scope's
            steps.Add(step);
            if (steps.Count % 2 == 0)
                continue;
            shown.Add(step.LogProbs!);
            Assert.Same(shown[^1], step.LogProbs);
            Assert.Equal(step.Token, (int)step.LogProbs!.ArgMax(-1).Item<uint>());
            Assert.Equal(step.LogProbs!.ToArray<float>().Max(), step.LogProbability());
        }

        Assert.All(shown, x => Assert.Throws<ObjectDisposedException>(() => x.Shape));
        Assert.Equal(shown.Count, shown.Distinct(ReferenceEqualityComparer.Instance).Count());
        Assert.All(steps, step => Assert.True(step.LogProbs!.IsDisposed));
        Assert.Contains("a freed array", steps[0].ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cache_may_be_disposed_of_twice_and_not_be_used_afterwards(bool bounded)
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        using PromptCache other = PromptCache.For(model.Config);
        PromptCache cache = PromptCache.For(model.Config, bounded ? 16 : null);
        var options = new GenerationOptions { MaxTokens = 8, EosIds = [] };
        int[] expected = [.. new Generator(model).Generate([5], options, cache).Select(step => step.Token)];
        cache.Dispose();

        int n = 0;
        foreach (GenerationStep step in new Generator(model).Generate([5], options, other))
        {
            Assert.Equal(expected[n++], step.Token);
            cache.Dispose();
        }

        Assert.Throws<ObjectDisposedException>(() => model.Forward(MlxArray.From([3], 1, 1), cache));
    }

    [Fact]
    public void Garbage_collector_hears_of_arrays_that_no_scope_frees()
    {
        Exception? failure = null;
        Thread thread = new(() => failure = Record.Exception(() =>
        {
            using (ArrayScope scope = new())
            {
                MlxArray big = MlxArray.Zeros([4 << 20]); // 16 MiB of float32
                Assert.Equal(0, ArrayThread.Current.ToldBytes);
                scope.Keep(big);
                Assert.Equal(16 << 20, ArrayThread.Current.ToldBytes);
                big.Dispose();
            }

            Assert.Equal(0, ArrayThread.Current.ToldBytes);
        }));
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }

    private static int[] Tokens(OpenElmModel model) =>
        [.. new Generator(model).Generate([5], Twelve).Select(step => step.Token)];

    /// <summary>A layer that holds what it has seen.</summary>
    private sealed class Watching(LinearLayer layer) : LinearLayer
    {
        public List<MlxArray> Seen { get; } = [];

        public override int InputSize => layer.InputSize;

        public override int OutputSize => layer.OutputSize;

        public override MlxArray Forward(MlxArray x)
        {
            Seen.Add(x);
            return layer.Forward(x);
        }

        public override MlxArray DenseWeight() => layer.DenseWeight();
    }
}
