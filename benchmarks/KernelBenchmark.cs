using BenchmarkDotNet.Attributes;

namespace ElmMlx.Benchmarks;

/// <summary>
/// Benchmarks that know what they cost. They run on whoever computes the arrays: the CPU provider, or a libmlxc
/// (<c>ELMMLX_PROVIDER</c>). A figure holds the operation's graph and its evaluation.
/// </summary>
public abstract class KernelBenchmark
{
    private readonly List<IDisposable> _owned = [];

    /// <summary>What one operation of a method costs at least, with the parameters that are set.</summary>
    public abstract Work WorkOf(string method);

    /// <summary>Frees what the setup has made.</summary>
    [GlobalCleanup]
    public void Free()
    {
        foreach (IDisposable owned in _owned)
            owned.Dispose();
        _owned.Clear();
        MlxMemory.ClearCache();
    }

    /// <summary>Marks something to be freed after the last run.</summary>
    protected T Own<T>(T made)
        where T : IDisposable
    {
        _owned.Add(made);
        return made;
    }

    /// <summary>Random numbers, evaluated and owned.</summary>
    protected MlxArray Random(DType type, params ReadOnlySpan<int> shape)
    {
        MlxArray numbers = Own(MlxRandom.Normal(shape, type));
        numbers.Eval();
        return numbers;
    }
}
