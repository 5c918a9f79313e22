using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A function that was read from a file: see <see cref="FunctionFile.Import"/>.</summary>
public sealed unsafe class ImportedFunction : IDisposable
{
    private readonly mlx_imported_function _function;
    private bool _isDisposed;

    internal ImportedFunction(string path)
    {
        RuntimeLoader.EnsureLoaded();
        fixed (byte* file = NativeText.Of("path", path))
            _function = Checked.mlx_imported_function_new(file);
    }

    /// <summary>The function's values.</summary>
    /// <param name="arguments">Those in order.</param>
    /// <param name="named">The named ones, if any.</param>
    /// <exception cref="MlxException">The file has no graph for these shapes and dtypes.</exception>
    public MlxArray[] Apply(ReadOnlySpan<MlxArray> arguments, IReadOnlyDictionary<string, MlxArray>? named = null)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        using ArrayVector vector = new(arguments);
        mlx_map_string_to_array map = NativeMap.Of(named);
        try
        {
            return ArrayVector.Take(
                named is null
                    ? Checked.mlx_imported_function_apply(_function, vector.Handle)
                    : Checked.mlx_imported_function_apply_kwargs(_function, vector.Handle, map));
        }
        finally
        {
            Checked.mlx_map_string_to_array_free(map);
        }
    }

    /// <summary>Frees the function.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Checked.mlx_imported_function_free(_function);
    }
}
