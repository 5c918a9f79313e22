using ElmMlx.Generation;
using ElmMlx.OpenElm;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Nothing grows with the number of tokens. Memory counters are the process's, so these run with nothing beside them.
/// </summary>
[CollectionDefinition(nameof(GenerationMemoryTests), DisableParallelization = true)]
[Collection(nameof(GenerationMemoryTests))]
public sealed class GenerationMemoryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Arrays_do_not_pile_up_while_tokens_are_generated(bool penalized)
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        var options = new GenerationOptions
        {
            MaxTokens = 250,
            EosIds = [],
            Temperature = 0.8f,
            TopP = 0.9f,
            RepetitionPenalty = penalized ? 1.1f : null,
            FrequencyPenalty = penalized ? 0.1f : null,
        };
        long early = 0, late = 0;
        int n = 0;
        // The caches' buffers hold 256 tokens from the first one on.
        foreach (GenerationStep step in new Generator(model).Generate([5], options))
        {
            if (++n is not (40 or 240))
                continue;
            MlxStream.Default.Synchronize(); // the next token is being computed already
            if (n == 40)
                early = MlxMemory.ActiveBytes;
            else
                late = MlxMemory.ActiveBytes;
        }
        Assert.InRange(late - early, long.MinValue, 200);
    }

    [Fact]
    public void Managed_memory_a_token_does_not_grow()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        var perToken = new long[250];
        int n = 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (GenerationStep step in new Generator(model).Generate(
            [5], new GenerationOptions { MaxTokens = 250, EosIds = [] }))
        {
            long now = GC.GetAllocatedBytesForCurrentThread();
            perToken[n++] = now - before;
            before = now;
        }
        double early = perToken[20..100].Average(), late = perToken[170..].Average();
        Assert.InRange(late, 0, early * 1.1 + 256);
    }

    // The managed layers allocate nothing, which libmlxc shows; the CPU provider's sorts, gathers and scatters do.
    [Theory]
    [InlineData("greedy", 2_000), InlineData("bounded", 2_000), InlineData("drawn", 24_000),
        InlineData("penalized", 24_000)]
    public void Decoding_allocates_nothing_once_it_is_under_way(string way, long mostBytesOnCpu)
    {
        const int before = 40, counted = 64;
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        var options = new GenerationOptions { MaxTokens = before + counted + 1, EosIds = [] };
        options = way switch
        {
            "drawn" => options with { Temperature = 0.8f, TopP = 0.9f, MinP = 0.01f, TopK = 20 },
            "penalized" => options with { RepetitionPenalty = 1.1f, PresencePenalty = 0.1f, FrequencyPenalty = 0.1f },
            "bounded" => options with { MaxKvSize = 16 },
            _ => options,
        };
        int n = 0;
        long start = 0, end = 0;
        foreach (GenerationStep step in new Generator(model).Generate([5], options))
        {
            if (++n == before)
                start = GC.GetAllocatedBytesForCurrentThread();
            else if (n == before + counted)
                end = GC.GetAllocatedBytesForCurrentThread();
        }

        Assert.Equal(before + counted + 1, n);
        Assert.InRange(end - start, 0, TestProvider.IsMlx ? 0 : counted * mostBytesOnCpu);
    }
}
