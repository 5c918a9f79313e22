using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
        var call = new Callback(arena, function);
        var handle = GCHandle.Alloc(call);
        mlx_closure closure = Mlx.mlx_closure_new_func_payload(&Invoke, (void*)GCHandle.ToIntPtr(handle), null);
        try
        {
            mlx_vector_array values = default, derivatives = default;
            mlx_vector_array from = arena.Vector(primals), along = arena.Vector(directions);
            int status = isVjp
                ? Mlx.mlx_vjp(&values, &derivatives, closure, from, along)
                : Mlx.mlx_jvp(&values, &derivatives, closure, from, along);
            if (call.Failure is { } failure)
            {
                MlxError.Take();
                throw failure;
            }

            NativeArena.Check(status);
            return (arena.Elements(arena.Keep(values)), arena.Elements(arena.Keep(derivatives)));
        }
        finally
        {
            Mlx.mlx_closure_free(closure);
            handle.Free();
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Invoke(mlx_vector_array* result, mlx_vector_array input, void* payload)
    {
        var call = (Callback)GCHandle.FromIntPtr((nint)payload).Target!;
        try
        {
            mlx_array[] outputs = call.Function(call.Arena.Elements(input));
            fixed (mlx_array* data = outputs)
                return Mlx.mlx_vector_array_set_data(result, data, (nuint)outputs.Length);
        }
        catch (Exception failure)
        {
            call.Failure = failure;     // nothing may unwind through the provider's frames
            return 1;
        }
    }

    private sealed class Callback(NativeArena arena, Func<mlx_array[], mlx_array[]> function)
    {
        public NativeArena Arena => arena;

        public Func<mlx_array[], mlx_array[]> Function => function;

        public Exception? Failure { get; set; }
    }
}
