using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>
/// Functions over C arrays on every index of an axis, by <c>mlx_detail_vmap_trace</c> and <c>…_replace</c>.
/// </summary>
internal static unsafe class NativeVmap
{
    /// <param name="arena">Keeps the arrays.</param>
    /// <param name="function">Of arrays without the axis.</param>
    /// <param name="inputs">Arrays with it.</param>
    /// <param name="inAxes">Where the inputs have it; −1: nowhere.</param>
    /// <param name="outAxes">Where the outputs get it; null: in front.</param>
    public static mlx_array[] Run(
        NativeArena arena, Func<mlx_array[], mlx_array[]> function, mlx_array[] inputs, int[] inAxes,
        int[]? outAxes = null)
    {
        using var closure = new NativeClosure(arena, function);
        mlx_vector_array whole = arena.Vector(inputs), traced = default, outputs = default, result = default;
        fixed (int* axes = inAxes)
        {
            closure.Check(Mlx.mlx_detail_vmap_trace(
                &traced, &outputs, closure.Handle, whole, axes, (nuint)inAxes.Length));
        }

        arena.Keep(traced);
        arena.Keep(outputs);
        outAxes ??= new int[Mlx.mlx_vector_array_size(outputs)];
        fixed (int* axes = inAxes, places = outAxes)
        {
            NativeArena.Check(Mlx.mlx_detail_vmap_replace(
                &result, whole, traced, outputs, axes, (nuint)inAxes.Length, places, (nuint)outAxes.Length));
        }

        return arena.Elements(arena.Keep(result));
    }
}
