using ElmMlx.Bindings;

namespace ElmMlx;

// Functions from functions: mapped over an axis, with transforms of their own, compiled.
public static unsafe partial class Transforms
{
    /// <summary>The function on every index of an axis of its arguments, computed for all of them together.</summary>
    /// <param name="function">Of arrays without the axis.</param>
    /// <param name="inAxes">
    /// Which axis of each argument; -1: it has none and is the same for all. The first axis of each when null.
    /// </param>
    /// <param name="outAxes">Where each value gets the axis; in front when null.</param>
    /// <returns>A function of arrays with the axis, which all have in one size.</returns>
    /// <exception cref="MlxException">The axes differ in size, or an operation cannot be mapped.</exception>
    public static Func<MlxArray[], MlxArray[]> Vmap(
        Func<MlxArray[], MlxArray[]> function, int[]? inAxes = null, int[]? outAxes = null) => arguments =>
    {
        using Closure closure = new(function);
        using ArrayVector input = new(arguments);
        int[] from = inAxes ?? new int[arguments.Length];
        mlx_vector_array traced = default, values = default;
        fixed (int* axes = from)
        {
            try
            {
                Checked.mlx_detail_vmap_trace(
                    &traced, &values, closure.Handle, input.Handle, axes, (nuint)from.Length);
                int[] to = outAxes ?? new int[(int)Checked.mlx_vector_array_size(values)];
                fixed (int* places = to)
                    return ArrayVector.Take(Checked.mlx_detail_vmap_replace(
                        input.Handle, traced, values, axes, (nuint)from.Length, places, (nuint)to.Length));
            }
            catch (MlxException)
            {
                Closure.RethrowThrown();
                throw;
            }
            finally
            {
                if (traced.ctx is not null)
                    Checked.mlx_vector_array_free(traced);
                if (values.ctx is not null)
                    Checked.mlx_vector_array_free(values);
            }
        }
    };

    /// <summary>The same function with transforms of one's own; those that are null follow from the function.</summary>
    /// <param name="function">Any number of values.</param>
    /// <param name="vjp">
    /// From the arguments, the cotangents of the values and the values to one cotangent an argument, of its shape.
    /// </param>
    /// <param name="jvp">
    /// From the arguments, the tangents and the numbers of the arguments that they belong to, to one tangent a value.
    /// </param>
    /// <param name="vmap">
    /// From arguments with an axis more and that axis of each (-1: none), to values and where they have it.
    /// </param>
    public static Func<MlxArray[], MlxArray[]> CustomFunction(
        Func<MlxArray[], MlxArray[]> function,
        Func<MlxArray[], MlxArray[], MlxArray[], MlxArray[]>? vjp = null,
        Func<MlxArray[], MlxArray[], int[], MlxArray[]>? jvp = null,
        Func<MlxArray[], int[], (MlxArray[] Values, int[] Axes)>? vmap = null) => arguments =>
    {
        using Closure closure = new(function);
        using Closure custom = closure.WithTransforms(vjp, jvp, vmap);
        return custom.Apply(arguments);
    };

    /// <summary>The same function, whose graph MLX fuses. The CPU provider gives it back as it is.</summary>
    /// <param name="function">
    /// Of its arguments alone, and without effects: it may run once, and its graph many times.
    /// </param>
    /// <param name="shapeless">Whether arguments of other shapes may use the same graph.</param>
    /// <returns>Dispose of it when it is not called any more.</returns>
    public static CompiledFunction Compile(Func<MlxArray[], MlxArray[]> function, bool shapeless = false) =>
        new(function, shapeless);

    /// <summary>What <see cref="Compile"/> does from now on; MLX only.</summary>
    public static void SetCompileMode(CompileMode mode)
    {
        RuntimeLoader.EnsureLoaded();
        Checked.mlx_set_compile_mode((mlx_compile_mode)mode);
    }

    /// <summary>Functions are compiled from now on, as they are at the start; MLX only.</summary>
    public static void EnableCompile()
    {
        RuntimeLoader.EnsureLoaded();
        Checked.mlx_enable_compile();
    }

    /// <summary>Functions run as they are from now on.</summary>
    public static void DisableCompile()
    {
        RuntimeLoader.EnsureLoaded();
        Checked.mlx_disable_compile();
    }

    /// <summary>Forgets the graphs of all compiled functions; they are traced again.</summary>
    public static void ClearCompileCache()
    {
        RuntimeLoader.EnsureLoaded();
        Checked.mlx_detail_compile_clear_cache();
    }
}
