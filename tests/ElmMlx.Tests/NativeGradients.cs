using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>Gradients of functions over C arrays, by <c>mlx_vjp</c> and <c>mlx_jvp</c>.</summary>
internal static unsafe class NativeGradients
{
    /// <summary>The values, and one gradient a primal.</summary>
    public static (mlx_array[] Values, mlx_array[] Gradients) Vjp(
        NativeArena arena, Func<mlx_array[], mlx_array[]> function, mlx_array[] primals, mlx_array[] cotangents) =>
        Run(arena, function, primals, cotangents, isVjp: true);

    /// <summary>The values, and their tangents.</summary>
    public static (mlx_array[] Values, mlx_array[] Tangents) Jvp(
        NativeArena arena, Func<mlx_array[], mlx_array[]> function, mlx_array[] primals, mlx_array[] tangents) =>
        Run(arena, function, primals, tangents, isVjp: false);

    private static (mlx_array[] Values, mlx_array[] Derivatives) Run(
        NativeArena arena, Func<mlx_array[], mlx_array[]> function, mlx_array[] primals, mlx_array[] directions,
        bool isVjp)
    {
        using var closure = new NativeClosure(arena, function);
        mlx_vector_array values = default, derivatives = default;
        mlx_vector_array from = arena.Vector(primals), along = arena.Vector(directions);
        closure.Check(isVjp
            ? Mlx.mlx_vjp(&values, &derivatives, closure.Handle, from, along)
            : Mlx.mlx_jvp(&values, &derivatives, closure.Handle, from, along));
        return (arena.Elements(arena.Keep(values)), arena.Elements(arena.Keep(derivatives)));
    }
}
