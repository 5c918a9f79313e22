using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Functions in files of MLX. The CPU provider neither writes nor reads them, and says so.</summary>
public static unsafe class FunctionFile
{
    /// <summary>Writes a function's graph.</summary>
    /// <param name="path">The file, <c>.mlxfn</c>.</param>
    /// <param name="function">Any number of values.</param>
    /// <param name="arguments">Their shapes and dtypes are those of the graph.</param>
    /// <param name="shapeless">Whether it may be used with other shapes.</param>
    /// <exception cref="MlxException">The provider writes no functions, or the file cannot be written.</exception>
    public static void Export(
        string path, Func<MlxArray[], MlxArray[]> function, ReadOnlySpan<MlxArray> arguments, bool shapeless = false)
    {
        using Closure closure = new(function);
        using ArrayVector vector = new(arguments);
        fixed (byte* file = NativeText.Of("path", path))
        {
            try
            {
                Checked.mlx_export_function(file, closure.Handle, vector.Handle, shapeless);
            }
            catch (MlxException)
            {
                Closure.RethrowThrown();
                throw;
            }
        }
    }

    /// <summary>Writes the graph of a function that has named arguments too.</summary>
    /// <inheritdoc cref="Export(string, Func{MlxArray[], MlxArray[]}, ReadOnlySpan{MlxArray}, bool)"/>
    /// <param name="path">The file, <c>.mlxfn</c>.</param>
    /// <param name="function">Of arguments in order, and of named ones.</param>
    /// <param name="arguments">Those in order.</param>
    /// <param name="named">The named ones.</param>
    /// <param name="shapeless">Whether it may be used with other shapes.</param>
    public static void Export(
        string path,
        Func<MlxArray[], IReadOnlyDictionary<string, MlxArray>, MlxArray[]> function,
        ReadOnlySpan<MlxArray> arguments,
        IReadOnlyDictionary<string, MlxArray> named,
        bool shapeless = false)
    {
        mlx_closure_kwargs closure = Closure.Named(function);
        mlx_map_string_to_array map = NativeMap.Of(named);
        using ArrayVector vector = new(arguments);
        try
        {
            fixed (byte* file = NativeText.Of("path", path))
                Checked.mlx_export_function_kwargs(file, closure, vector.Handle, map, shapeless);
        }
        catch (MlxException)
        {
            Closure.RethrowThrown();
            throw;
        }
        finally
        {
            Checked.mlx_map_string_to_array_free(map);
            Checked.mlx_closure_kwargs_free(closure);
        }
    }

    /// <summary>Opens a file for graphs of one function with arguments of several shapes.</summary>
    /// <exception cref="MlxException">The provider writes no functions, or the file cannot be written.</exception>
    public static FunctionExporter Exporter(
        string path, Func<MlxArray[], MlxArray[]> function, bool shapeless = false) => new(path, function, shapeless);

    /// <summary>Reads a function.</summary>
    /// <exception cref="MlxException">The provider reads no functions, or the file is broken.</exception>
    public static ImportedFunction Import(string path) => new(path);
}
