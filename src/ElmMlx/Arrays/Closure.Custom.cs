using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using GradientFunction = System.Func<
    ElmMlx.MlxArray[], ElmMlx.MlxArray[], ElmMlx.MlxArray[], ElmMlx.MlxArray[]>;
using MappedFunction = System.Func<
    ElmMlx.MlxArray[], int[], (ElmMlx.MlxArray[] Values, int[] Axes)>;
using NamedFunction = System.Func<
    ElmMlx.MlxArray[], System.Collections.Generic.IReadOnlyDictionary<string, ElmMlx.MlxArray>, ElmMlx.MlxArray[]>;
using TangentFunction = System.Func<ElmMlx.MlxArray[], ElmMlx.MlxArray[], int[], ElmMlx.MlxArray[]>;

namespace ElmMlx;

// Functions with transforms of their own, and functions that are compiled.
internal readonly unsafe ref partial struct Closure
{
    /// <summary>The function, compiled.</summary>
    public Closure Compiled(bool shapeless) => new(Checked.mlx_compile(Handle, shapeless));

    /// <summary>The function with transforms of its own; null: what follows from the function.</summary>
    public Closure WithTransforms(GradientFunction? gradient, TangentFunction? tangent, MappedFunction? mapped)
    {
        mlx_closure_custom vjp = default;
        mlx_closure_custom_jvp jvp = default;
        mlx_closure_custom_vmap vmap = default;
        try
        {
            if (gradient is not null)
                vjp = Checked.mlx_closure_custom_new_func_payload(&InvokeGradient, Payload(gradient), &Free);
            if (tangent is not null)
                jvp = Checked.mlx_closure_custom_jvp_new_func_payload(&InvokeTangent, Payload(tangent), &Free);
            if (mapped is not null)
                vmap = Checked.mlx_closure_custom_vmap_new_func_payload(&InvokeMapped, Payload(mapped), &Free);
            return new(Checked.mlx_custom_function(Handle, vjp, jvp, vmap));
        }
        finally
        {
            if (vjp.ctx is not null)
                Checked.mlx_closure_custom_free(vjp);
            if (jvp.ctx is not null)
                Checked.mlx_closure_custom_jvp_free(jvp);
            if (vmap.ctx is not null)
                Checked.mlx_closure_custom_vmap_free(vmap);
        }
    }

    /// <summary>A function with named arguments too, which the caller frees.</summary>
    public static mlx_closure_kwargs Named(NamedFunction function)
    {
        RuntimeLoader.EnsureLoaded();
        return Checked.mlx_closure_kwargs_new_func_payload(&InvokeNamed, Payload(function), &Free);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InvokeNamed(
        mlx_vector_array* result, mlx_vector_array arguments, mlx_map_string_to_array named, void* payload)
    {
        try
        {
            using ArrayScope scope = new();
            return Answer(result, Target<NamedFunction>(payload)(Elements(arguments), NativeMap.Read(named)));
        }
        catch (Exception error)
        {
            s_thrown = ExceptionDispatchInfo.Capture(error);
            return 1;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InvokeTangent(
        mlx_vector_array* result, mlx_vector_array primals, mlx_vector_array tangents, int* places, nuint count,
        void* payload)
    {
        try
        {
            using ArrayScope scope = new();
            int[] arguments = new ReadOnlySpan<int>(places, (int)count).ToArray();
            return Answer(
                result, Target<TangentFunction>(payload)(Elements(primals), Elements(tangents), arguments));
        }
        catch (Exception error)
        {
            s_thrown = ExceptionDispatchInfo.Capture(error);
            return 1;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InvokeMapped(
        mlx_vector_array* result, mlx_vector_int* resultAxes, mlx_vector_array inputs, int* axes, nuint count,
        void* payload)
    {
        try
        {
            using ArrayScope scope = new();
            int[] inAxes = new ReadOnlySpan<int>(axes, (int)count).ToArray();
            (MlxArray[] values, int[] outAxes) = Target<MappedFunction>(payload)(Elements(inputs), inAxes);
            if (outAxes.Length != values.Length)
                throw new ArgumentException($"{values.Length} values have {outAxes.Length} axes");
            fixed (int* data = outAxes)
                Checked.mlx_vector_int_set_data(resultAxes, data, (nuint)outAxes.Length);
            return Answer(result, values);
        }
        catch (Exception error)
        {
            s_thrown = ExceptionDispatchInfo.Capture(error);
            return 1;
        }
    }
}
