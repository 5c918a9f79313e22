using ElmMlx.Bindings;
using CustomFunction = System.Func<
    ElmMlx.Cpu.Node[], ElmMlx.Cpu.Node[], ElmMlx.Cpu.Node[], ElmMlx.Cpu.NodeVector>;
using Function = System.Func<ElmMlx.Cpu.Node[], ElmMlx.Cpu.NodeVector>;
using JvpFunction = System.Func<ElmMlx.Cpu.Node[], ElmMlx.Cpu.Node[], int[], ElmMlx.Cpu.NodeVector>;
using ValueAndGrad = System.Func<ElmMlx.Cpu.Node[], (ElmMlx.Cpu.NodeVector Values, ElmMlx.Cpu.NodeVector Gradients)>;
using VmapFunction = System.Func<
    ElmMlx.Cpu.Node[], int[], (ElmMlx.Cpu.NodeVector Outputs, System.Collections.Generic.List<int> Axes)>;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_eval(mlx_vector_array outputs)
    {
        Evaluator.Evaluate(Vector(outputs).Span);
        return 0;
    }

    // Evaluation keeps all cores busy: the caller gains nothing from a thread of its own for it.
    public static int mlx_async_eval(mlx_vector_array outputs) => mlx_eval(outputs);

    // Compiling would fuse kernels; the function as it is gives the same arrays.
    public static int mlx_compile(mlx_closure* res, mlx_closure fun, bool shapeless) => mlx_closure_set(res, fun);

    public static int mlx_detail_compile(
        mlx_closure* res, mlx_closure fun, nuint fun_id, bool shapeless, ulong* constants, nuint constants_num) =>
        mlx_closure_set(res, fun);

    public static int mlx_detail_compile_clear_cache() => 0;

    public static int mlx_detail_compile_erase(nuint fun_id) => 0;

    public static int mlx_disable_compile() => 0;

    public static int mlx_enable_compile() => 0;

    public static int mlx_set_compile_mode(mlx_compile_mode mode) => 0;

    public static int mlx_vjp(
        mlx_vector_array* res_0, mlx_vector_array* res_1, mlx_closure fun, mlx_vector_array primals,
        mlx_vector_array cotangents)
    {
        (NodeVector values, NodeVector gradients) = Gradients.Vjp(
            Call<Function>(fun.ctx), Handles.Nodes(primals), Gradients.Given(Handles.Nodes(cotangents)));
        Return(res_0, values);
        return Return(res_1, gradients);
    }

    public static int mlx_jvp(
        mlx_vector_array* res_0, mlx_vector_array* res_1, mlx_closure fun, mlx_vector_array primals,
        mlx_vector_array tangents)
    {
        (NodeVector values, NodeVector derivatives) = Gradients.Jvp(
            Call<Function>(fun.ctx), Handles.Nodes(primals), Handles.Nodes(tangents));
        Return(res_0, values);
        return Return(res_1, derivatives);
    }

    public static int mlx_value_and_grad(
        mlx_closure_value_and_grad* res, mlx_closure fun, int* argnums, nuint argnums_num)
    {
        int[] places = Handles.Ints(argnums, argnums_num);
        Closure<Function> function = Held<Function>(fun.ctx);
        ValueAndGrad call = inputs => Gradients.ValueAndGrad(function.Call, inputs, places);
        return SetNew(&res->ctx, new Closure<ValueAndGrad>(call, function.Release));
    }

    public static int mlx_checkpoint(mlx_closure* res, mlx_closure fun)
    {
        Closure<Function> function = Held<Function>(fun.ctx);
        return SetNew(
            &res->ctx, new Closure<Function>(Gradients.Checkpoint(function.Call, function), function.Release));
    }

    public static int mlx_custom_vjp(mlx_closure* res, mlx_closure fun, mlx_closure_custom fun_vjp)
    {
        Closure<Function> function = Held<Function>(fun.ctx);
        Closure<CustomFunction> gradient = Held<CustomFunction>(fun_vjp.ctx);
        return SetNew(&res->ctx, new Closure<Function>(
            Gradients.WithGradient(function.Call, gradient.Call, gradient),
            () =>
            {
                function.Release();
                gradient.Release();
            }));
    }

    public static int mlx_custom_function(
        mlx_closure* res, mlx_closure fun, mlx_closure_custom fun_vjp, mlx_closure_custom_jvp fun_jvp,
        mlx_closure_custom_vmap fun_vmap)
    {
        Closure<Function> function = Held<Function>(fun.ctx);
        Closure<CustomFunction>? gradient = HeldOrNull<CustomFunction>(fun_vjp.ctx);
        Closure<JvpFunction>? tangents = HeldOrNull<JvpFunction>(fun_jvp.ctx);
        Closure<VmapFunction>? vectorized = HeldOrNull<VmapFunction>(fun_vmap.ctx);
        ICounted[] owners = [.. new ICounted?[] { function, gradient, tangents, vectorized }.OfType<ICounted>()];
        Function call = owners.Length == 1
            ? function.Call
            : Gradients.WithTransforms(function.Call, nInputs => new CustomTransforms(
                nInputs, gradient?.Call ?? GradientOf(function.Call), owners)
            {
                Tangents = tangents is null ? null
                    : (primals, along) => tangents.Call(primals, along, [.. Enumerable.Range(0, primals.Length)]),
                Vectorized = vectorized?.Call,
            });
        return SetNew(&res->ctx, new Closure<Function>(call, () =>
        {
            foreach (ICounted owner in owners)
                owner.Release();
        }));
    }

    public static int mlx_detail_vmap_trace(
        mlx_vector_array* res_0, mlx_vector_array* res_1, mlx_closure fun, mlx_vector_array inputs, int* in_axes,
        nuint in_axes_num)
    {
        (NodeVector traced, NodeVector outputs) = Vmap.Trace(
            Call<Function>(fun.ctx), Handles.Nodes(inputs), Handles.Ints(in_axes, in_axes_num));
        Return(res_0, traced);
        return Return(res_1, outputs);
    }

    public static int mlx_detail_vmap_replace(
        mlx_vector_array* res, mlx_vector_array inputs, mlx_vector_array s_inputs, mlx_vector_array s_outputs,
        int* in_axes, nuint in_axes_num, int* out_axes, nuint out_axes_num) => Return(res, Vmap.Replace(
            Handles.Nodes(inputs), Handles.Nodes(s_inputs), Handles.Nodes(s_outputs),
            Handles.Ints(in_axes, in_axes_num), Handles.Ints(out_axes, out_axes_num)));

    private static CustomFunction GradientOf(Function function) => (primals, cotangents, _) =>
    {
        (NodeVector values, NodeVector gradients) = Gradients.Vjp(function, primals, Gradients.Given(cotangents));
        values.Clear();
        return gradients;
    };

    private static Closure<T>? HeldOrNull<T>(void* context)
        where T : Delegate => context is null ? null : Held<T>(context);

    private static Closure<T> Held<T>(void* context)
        where T : Delegate
    {
        var closure = Handles.Target<Closure<T>>(context, nameof(mlx_closure));
        closure.Retain();
        return closure;
    }

    private static int SetNew<T>(void** destination, Closure<T> closure)
        where T : Delegate
    {
        Handles.Replace(destination, closure, nameof(mlx_closure))?.Release();
        return 0;
    }
}
