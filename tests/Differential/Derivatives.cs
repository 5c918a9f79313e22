using ElmMlx.Bindings;
using ElmMlx.Tests;

namespace ElmMlx.Differential;

/// <summary>Values, then gradients or tangents, of functions over C arrays.</summary>
internal static unsafe class Derivatives
{
    public static mlx_array[] Vjp(
        NativeArena arena, Func<mlx_array[], mlx_array[]> function, mlx_array[] primals, mlx_array[] cotangents,
        bool isCheckpoint)
    {
        using var closure = new NativeClosure(arena, function);
        mlx_closure called = closure.Handle;
        if (isCheckpoint)
        {
            called = default;
            NativeArena.Check(Mlx.mlx_checkpoint(&called, closure.Handle));
        }

        mlx_vector_array values = default, gradients = default;
        int status = Mlx.mlx_vjp(&values, &gradients, called, arena.Vector(primals), arena.Vector(cotangents));
        if (isCheckpoint)
            Mlx.mlx_closure_free(called);
        closure.Check(status);
        return [.. arena.Elements(arena.Keep(values)), .. arena.Elements(arena.Keep(gradients))];
    }

    public static mlx_array[] Jvp(
        NativeArena arena, Func<mlx_array[], mlx_array[]> function, mlx_array[] primals, mlx_array[] tangents)
    {
        using var closure = new NativeClosure(arena, function);
        mlx_vector_array values = default, outputs = default;
        closure.Check(Mlx.mlx_jvp(&values, &outputs, closure.Handle, arena.Vector(primals), arena.Vector(tangents)));
        return [.. arena.Elements(arena.Keep(values)), .. arena.Elements(arena.Keep(outputs))];
    }
}
