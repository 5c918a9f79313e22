using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Functions as handles: every kind is made, shared, called and freed.</summary>
[Collection(GradientCollection.Name)]
public sealed unsafe class CClosureTests
{
    private static int s_nFreed;

    [Fact]
    public void Function_of_one_array_and_a_compiled_function_answer()
    {
        using var arena = new NativeArena();
        Assert.Equal(0, (nint)Mlx.mlx_closure_new().ctx);
        mlx_closure unary = Mlx.mlx_closure_new_unary(&Negative), compiled = default;
        Assert.Equal([-3], Apply(arena, unary, 3));
        NativeArena.Check(Mlx.mlx_detail_compile(&compiled, unary, 1234, false, null, 0));
        Assert.Equal([-4], Apply(arena, compiled, 4));
        NativeArena.Check(Mlx.mlx_detail_compile_erase(1234));
        Mlx.mlx_closure_free(compiled);
        Mlx.mlx_closure_free(unary);
    }

    [Fact]
    public void Function_with_named_arrays_answers_and_frees_its_payload_once()
    {
        using var arena = new NativeArena();
        s_nFreed = 0;
        int nCalls = 0;
        Assert.Equal(0, (nint)Mlx.mlx_closure_kwargs_new().ctx);
        mlx_closure_kwargs plain = Mlx.mlx_closure_kwargs_new_func(&Scaled);
        mlx_closure_kwargs loaded = Mlx.mlx_closure_kwargs_new_func_payload(&ScaledAndCounted, &nCalls, &Freed);
        mlx_closure_kwargs shared = default;
        NativeArena.Check(Mlx.mlx_closure_kwargs_set(&shared, loaded));
        Mlx.mlx_closure_kwargs_free(loaded);
        mlx_map_string_to_array named = Mlx.mlx_map_string_to_array_new();
        NativeArena.Check(Mlx.mlx_map_string_to_array_insert(named, arena.Text("scale"), Number(arena, 10)));
        foreach (mlx_closure_kwargs function in (mlx_closure_kwargs[])[plain, shared])
        {
            mlx_vector_array result = default;
            NativeArena.Check(
                Mlx.mlx_closure_kwargs_apply(&result, function, arena.Vector([Number(arena, 3)]), named));
            Assert.Equal([30], Values(arena, result));
        }

        Assert.Equal((1, 0), (nCalls, s_nFreed));
        Mlx.mlx_closure_kwargs_free(plain);
        Mlx.mlx_closure_kwargs_free(shared);
        Assert.Equal(1, s_nFreed);
        Mlx.mlx_map_string_to_array_free(named);
    }

    [Fact]
    public void Function_of_values_and_gradients_answers_both()
    {
        using var arena = new NativeArena();
        s_nFreed = 0;
        int nCalls = 0;
        Assert.Equal(0, (nint)Mlx.mlx_closure_value_and_grad_new().ctx);
        mlx_closure_value_and_grad plain = Mlx.mlx_closure_value_and_grad_new_func(&Both), shared = default;
        mlx_closure_value_and_grad loaded =
            Mlx.mlx_closure_value_and_grad_new_func_payload(&BothAndCounted, &nCalls, &Freed);
        NativeArena.Check(Mlx.mlx_closure_value_and_grad_set(&shared, loaded));
        Mlx.mlx_closure_value_and_grad_free(loaded);
        foreach (mlx_closure_value_and_grad function in (mlx_closure_value_and_grad[])[plain, shared])
        {
            mlx_vector_array values = default, gradients = default;
            NativeArena.Check(Mlx.mlx_closure_value_and_grad_apply(
                &values, &gradients, function, arena.Vector([Number(arena, 3)])));
            Assert.Equal([3], Values(arena, values));
            Assert.Equal([-3], Values(arena, gradients));
        }

        Assert.Equal((1, 0), (nCalls, s_nFreed));
        Mlx.mlx_closure_value_and_grad_free(plain);
        Mlx.mlx_closure_value_and_grad_free(shared);
        Assert.Equal(1, s_nFreed);
    }

    [Fact]
    public void Transforms_of_one_s_own_are_shared_and_called()
    {
        using var arena = new NativeArena();
        mlx_vector_array one = arena.Vector([Number(arena, 1)]), two = arena.Vector([Number(arena, 2)]);
        int place = 0;
        Assert.Equal(0, (nint)Mlx.mlx_closure_custom_new().ctx);
        mlx_closure_custom vjp = Mlx.mlx_closure_custom_new_func(&Second), sharedVjp = default;
        NativeArena.Check(Mlx.mlx_closure_custom_set(&sharedVjp, vjp));
        Mlx.mlx_closure_custom_free(vjp);
        mlx_vector_array result = default;
        NativeArena.Check(Mlx.mlx_closure_custom_apply(&result, sharedVjp, one, two, one));
        Assert.Equal([2], Values(arena, result));
        Mlx.mlx_closure_custom_free(sharedVjp);

        Assert.Equal(0, (nint)Mlx.mlx_closure_custom_jvp_new().ctx);
        mlx_closure_custom_jvp jvp = Mlx.mlx_closure_custom_jvp_new_func(&SecondAt), sharedJvp = default;
        NativeArena.Check(Mlx.mlx_closure_custom_jvp_set(&sharedJvp, jvp));
        Mlx.mlx_closure_custom_jvp_free(jvp);
        result = default;
        NativeArena.Check(Mlx.mlx_closure_custom_jvp_apply(&result, sharedJvp, one, two, &place, 1));
        Assert.Equal([2], Values(arena, result));
        Mlx.mlx_closure_custom_jvp_free(sharedJvp);

        Assert.Equal(0, (nint)Mlx.mlx_closure_custom_vmap_new().ctx);
        mlx_closure_custom_vmap vmap = Mlx.mlx_closure_custom_vmap_new_func(&Same), sharedVmap = default;
        NativeArena.Check(Mlx.mlx_closure_custom_vmap_set(&sharedVmap, vmap));
        Mlx.mlx_closure_custom_vmap_free(vmap);
        result = default;
        mlx_vector_int axes = default;
        place = 5;
        NativeArena.Check(Mlx.mlx_closure_custom_vmap_apply(&result, &axes, sharedVmap, two, &place, 1));
        Assert.Equal([2], Values(arena, result));
        int axis;
        NativeArena.Check(Mlx.mlx_vector_int_get(&axis, axes, 0));
        Assert.Equal(5, axis);
        Mlx.mlx_vector_int_free(axes);
        Mlx.mlx_closure_custom_vmap_free(sharedVmap);
    }

    private static mlx_array Number(NativeArena arena, int value) => arena.Keep(Mlx.mlx_array_new_int(value));

    private static double[] Apply(NativeArena arena, mlx_closure function, int x)
    {
        mlx_vector_array result = default;
        NativeArena.Check(Mlx.mlx_closure_apply(&result, function, arena.Vector([Number(arena, x)])));
        return Values(arena, result);
    }

    private static double[] Values(NativeArena arena, mlx_vector_array vector) =>
        [.. arena.Elements(arena.Keep(vector)).Select(array => arena.Read(array).Doubles()[0])];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Negative(mlx_array* result, mlx_array x)
    {
        using var arena = new NativeArena();
        return Mlx.mlx_negative(result, x, arena.Stream);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Scaled(mlx_vector_array* result, mlx_vector_array inputs, mlx_map_string_to_array named) =>
        Scale(result, inputs, named);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ScaledAndCounted(
        mlx_vector_array* result, mlx_vector_array inputs, mlx_map_string_to_array named, void* payload)
    {
        ++*(int*)payload;
        return Scale(result, inputs, named);
    }

    private static int Scale(mlx_vector_array* result, mlx_vector_array inputs, mlx_map_string_to_array named)
    {
        using var arena = new NativeArena();
        mlx_array scale = default;
        int status = Mlx.mlx_map_string_to_array_get(&scale, named, arena.Text("scale"));
        if (status != 0)
            return status;
        mlx_array x = arena.Elements(inputs)[0];
        return Mlx.mlx_vector_array_set_value(result, CFunction.Call(arena, "multiply", x, arena.Keep(scale))[0]);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Both(mlx_vector_array* values, mlx_vector_array* gradients, mlx_vector_array inputs) =>
        ValueAndGradient(values, gradients, inputs);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int BothAndCounted(
        mlx_vector_array* values, mlx_vector_array* gradients, mlx_vector_array inputs, void* payload)
    {
        ++*(int*)payload;
        return ValueAndGradient(values, gradients, inputs);
    }

    // The value is the array, the gradient its negative: nobody looks whether it is one.
    private static int ValueAndGradient(
        mlx_vector_array* values, mlx_vector_array* gradients, mlx_vector_array inputs)
    {
        using var arena = new NativeArena();
        mlx_array x = arena.Elements(inputs)[0];
        int status = Mlx.mlx_vector_array_set_value(values, x);
        return status != 0
            ? status
            : Mlx.mlx_vector_array_set_value(gradients, CFunction.Call(arena, "negative", x)[0]);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Second(
        mlx_vector_array* result, mlx_vector_array primals, mlx_vector_array cotangents, mlx_vector_array outputs) =>
        Mlx.mlx_vector_array_set(result, cotangents);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SecondAt(
        mlx_vector_array* result, mlx_vector_array primals, mlx_vector_array tangents, int* places, nuint count) =>
        Mlx.mlx_vector_array_set(result, tangents);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Same(
        mlx_vector_array* result, mlx_vector_int* axes, mlx_vector_array inputs, int* inAxes, nuint count)
    {
        int status = Mlx.mlx_vector_int_set_data(axes, inAxes, count);
        return status != 0 ? status : Mlx.mlx_vector_array_set(result, inputs);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Freed(void* payload) => s_nFreed++;
}
