using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>
/// Functions in files. MLX writes the names and the inner state of its own primitives, which differ from those of this
/// provider: such files are neither written nor read.
/// </summary>
internal readonly unsafe partial struct Cpu
{
    public static int mlx_export_function(byte* file, mlx_closure fun, mlx_vector_array args, bool shapeless) =>
        throw NoExport();

    public static int mlx_export_function_kwargs(
        byte* file, mlx_closure_kwargs fun, mlx_vector_array args, mlx_map_string_to_array kwargs, bool shapeless) =>
        throw NoExport();

    public static mlx_function_exporter mlx_function_exporter_new(byte* file, mlx_closure fun, bool shapeless) =>
        throw NoExport();

    public static int mlx_function_exporter_free(mlx_function_exporter xfunc)
    {
        Handles.FreeNone(xfunc.ctx, nameof(mlx_function_exporter));
        return 0;
    }

    public static int mlx_function_exporter_apply(mlx_function_exporter xfunc, mlx_vector_array args) =>
        throw NoExport();

    public static int mlx_function_exporter_apply_kwargs(
        mlx_function_exporter xfunc, mlx_vector_array args, mlx_map_string_to_array kwargs) => throw NoExport();

    public static mlx_imported_function mlx_imported_function_new(byte* file) => throw NoImport(Handles.Text(file));

    public static int mlx_imported_function_free(mlx_imported_function xfunc)
    {
        Handles.FreeNone(xfunc.ctx, nameof(mlx_imported_function));
        return 0;
    }

    public static int mlx_imported_function_apply(
        mlx_vector_array* res, mlx_imported_function xfunc, mlx_vector_array args) => throw NoImport("the function");

    public static int mlx_imported_function_apply_kwargs(
        mlx_vector_array* res, mlx_imported_function xfunc, mlx_vector_array args, mlx_map_string_to_array kwargs) =>
        throw NoImport("the function");

    private static NotSupportedException NoExport() => new(
        "[export_function] The CPU provider writes no functions to files: save the arrays, and make the function where "
        + "it is used.");

    private static NotSupportedException NoImport(string what) => new(
        $"[import_function] The CPU provider reads no functions from files, so {what} needs MLX itself.");
}
