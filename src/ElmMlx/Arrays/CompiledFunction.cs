using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A function whose graph was made once: see <see cref="Transforms.Compile"/>.</summary>
public sealed unsafe class CompiledFunction : IDisposable
{
    private readonly mlx_closure _compiled;
    private bool _isDisposed;

    internal CompiledFunction(Func<MlxArray[], MlxArray[]> function, bool shapeless)
    {
        ArgumentNullException.ThrowIfNull(function);
        using Closure closure = new(function);
        _compiled = closure.Compiled(shapeless).Handle;
    }

    /// <summary>The function's values.</summary>
    /// <exception cref="ObjectDisposedException">It has been freed.</exception>
    public MlxArray[] Apply(params MlxArray[] arguments)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return Closure.Apply(_compiled, arguments);
    }

    /// <summary>Frees the function.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Checked.mlx_closure_free(_compiled);
    }
}
