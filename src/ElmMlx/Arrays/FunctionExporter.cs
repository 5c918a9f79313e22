using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A file for graphs of one function: see <see cref="FunctionFile.Exporter"/>.</summary>
public sealed unsafe class FunctionExporter : IDisposable
{
    private readonly mlx_function_exporter _exporter;
    private bool _isDisposed;

    internal FunctionExporter(string path, Func<MlxArray[], MlxArray[]> function, bool shapeless)
    {
        using Closure closure = new(function);
        fixed (byte* file = NativeText.Of("path", path))
            _exporter = Checked.mlx_function_exporter_new(file, closure.Handle, shapeless);
    }

    /// <summary>Writes the graph for arguments of these shapes and dtypes.</summary>
    /// <param name="arguments">Those in order.</param>
    /// <param name="named">The named ones, if any.</param>
    public void Add(ReadOnlySpan<MlxArray> arguments, IReadOnlyDictionary<string, MlxArray>? named = null)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        using ArrayVector vector = new(arguments);
        mlx_map_string_to_array map = NativeMap.Of(named);
        try
        {
            if (named is null)
                Checked.mlx_function_exporter_apply(_exporter, vector.Handle);
            else
                Checked.mlx_function_exporter_apply_kwargs(_exporter, vector.Handle, map);
        }
        catch (MlxException)
        {
            Closure.RethrowThrown();
            throw;
        }
        finally
        {
            Checked.mlx_map_string_to_array_free(map);
        }
    }

    /// <summary>Completes the file.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Checked.mlx_function_exporter_free(_exporter);
    }
}
