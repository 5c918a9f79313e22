using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>
/// <c>mlx_custom_function</c>: x² whose gradient claims to be 10 · g, whose tangent 100 · t, and which knows arrays
/// with one axis more as −1.
/// </summary>
// Alone: while MLX transforms a function on one thread, it refuses to evaluate on any other.
[Collection(GradientCollection.Name)]
public sealed unsafe class CustomFunctionTests
{
    [Fact]
    public void Transforms_are_the_callers_own()
    {
        using var arena = new NativeArena();
        mlx_closure_custom vjp = Mlx.mlx_closure_custom_new_func(&Gradient);
        mlx_closure_custom_jvp jvp = Mlx.mlx_closure_custom_jvp_new_func(&Tangent);
        mlx_closure_custom_vmap vmap = Mlx.mlx_closure_custom_vmap_new_func(&Mapped);
        mlx_closure custom = Custom(vjp, jvp, vmap);
        mlx_array x = Row(arena, 3, 4), one = Row(arena, 1, 2);
        Assert.Equal([9, 16], arena.Read(Apply(arena, custom, x)).Doubles());
        Assert.Equal([10, 20], arena.Read(Gradients(arena, custom, x, one)).Doubles());
        (_, mlx_array[] tangents) = NativeGradients.Jvp(
            arena, inputs => [Apply(arena, custom, inputs[0])], [x], [one]);
        Assert.Equal([100, 200], arena.Read(tangents[0]).Doubles());
        mlx_array mapped = NativeVmap.Run(arena, inputs => [Apply(arena, custom, inputs[0])], [x], [0])[0];
        Assert.Equal([-3, -4], arena.Read(mapped).Doubles());
        Mlx.mlx_closure_free(custom);
        Mlx.mlx_closure_custom_free(vjp);
        Mlx.mlx_closure_custom_jvp_free(jvp);
        Mlx.mlx_closure_custom_vmap_free(vmap);
    }

    [Fact]
    public void What_is_not_given_follows_from_the_function()
    {
        using var arena = new NativeArena();
        mlx_closure_custom_vmap vmap = Mlx.mlx_closure_custom_vmap_new_func(&Mapped);
        mlx_closure custom = Custom(default, default, vmap);
        mlx_array x = Row(arena, 3, 4), g = Row(arena, 1, 2);
        Assert.Equal([6, 16], arena.Read(Gradients(arena, custom, x, g)).Doubles());
        mlx_closure plain = Custom(default, default, default);
        Assert.Equal([6, 16], arena.Read(Gradients(arena, plain, x, g)).Doubles());
        Mlx.mlx_closure_free(custom);
        Mlx.mlx_closure_free(plain);
        Mlx.mlx_closure_custom_vmap_free(vmap);
    }

    private static mlx_closure Custom(mlx_closure_custom vjp, mlx_closure_custom_jvp jvp, mlx_closure_custom_vmap vmap)
    {
        mlx_closure function = Mlx.mlx_closure_new_func(&Square), custom = default;
        NativeArena.Check(Mlx.mlx_custom_function(&custom, function, vjp, jvp, vmap));
        Mlx.mlx_closure_free(function);
        return custom;
    }

    private static mlx_array Apply(NativeArena arena, mlx_closure function, mlx_array x)
    {
        mlx_vector_array result = default;
        NativeArena.Check(Mlx.mlx_closure_apply(&result, function, arena.Vector([x])));
        return arena.Elements(arena.Keep(result))[0];
    }

    private static mlx_array Gradients(NativeArena arena, mlx_closure function, mlx_array x, mlx_array g) =>
        NativeGradients.Vjp(arena, inputs => [Apply(arena, function, inputs[0])], [x], [g]).Gradients[0];

    private static mlx_array Row(NativeArena arena, params double[] values) =>
        arena.New(Numbers.Of(MLX_FLOAT32, [values.Length], values));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Square(mlx_vector_array* result, mlx_vector_array inputs)
    {
        using var arena = new NativeArena();
        return Answer(result, CFunction.Call(arena, "square", arena.Elements(inputs)[0])[0]);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Gradient(
        mlx_vector_array* result, mlx_vector_array primals, mlx_vector_array cotangents, mlx_vector_array outputs) =>
        Times(result, cotangents, 10);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Tangent(
        mlx_vector_array* result, mlx_vector_array primals, mlx_vector_array tangents, int* places, nuint count) =>
        Times(result, tangents, 100);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Mapped(
        mlx_vector_array* result, mlx_vector_int* axes, mlx_vector_array inputs, int* inAxes, nuint count)
    {
        int axis = *inAxes;
        int status = Mlx.mlx_vector_int_set_value(axes, axis);
        return status == 0 ? Times(result, inputs, -1) : status;
    }

    private static int Times(mlx_vector_array* result, mlx_vector_array arrays, float factor)
    {
        using var arena = new NativeArena();
        mlx_array scale = arena.Keep(Mlx.mlx_array_new_float32(factor));
        return Answer(result, CFunction.Call(arena, "multiply", arena.Elements(arrays)[0], scale)[0]);
    }

    private static int Answer(mlx_vector_array* result, mlx_array array) =>
        Mlx.mlx_vector_array_set_data(result, &array, 1);
}
