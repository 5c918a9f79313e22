using ElmMlx.Bindings;
using CustomFunction = System.Func<
    ElmMlx.Cpu.Node[], ElmMlx.Cpu.Node[], ElmMlx.Cpu.Node[], ElmMlx.Cpu.NodeVector>;
using JvpFunction = System.Func<ElmMlx.Cpu.Node[], ElmMlx.Cpu.Node[], int[], ElmMlx.Cpu.NodeVector>;
using VmapFunction = System.Func<
    ElmMlx.Cpu.Node[], int[], (ElmMlx.Cpu.NodeVector Outputs, System.Collections.Generic.List<int> Axes)>;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static mlx_closure_custom mlx_closure_custom_new() => default;

    public static int mlx_closure_custom_free(mlx_closure_custom cls) => FreeClosure<CustomFunction>(cls.ctx);

    public static mlx_closure_custom mlx_closure_custom_new_func(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_array, mlx_vector_array, mlx_vector_array, int> fun)
    {
        CustomFunction call = (primals, cotangents, outputs) =>
        {
            mlx_vector_array a = Handles.New(primals), b = Handles.New(cotangents), c = Handles.New(outputs);
            mlx_vector_array result = default;
            int status = fun(&result, a, b, c);
            mlx_vector_array_free(b);
            mlx_vector_array_free(c);
            return Finish(status, result, a);
        };
        return new() { ctx = Handles.NewContext(new Closure<CustomFunction>(call)) };
    }

    public static mlx_closure_custom mlx_closure_custom_new_func_payload(
        delegate* unmanaged[Cdecl]<
            mlx_vector_array*, mlx_vector_array, mlx_vector_array, mlx_vector_array, void*, int> fun,
        void* payload, delegate* unmanaged[Cdecl]<void*, void> dtor)
    {
        CustomFunction call = (primals, cotangents, outputs) =>
        {
            mlx_vector_array a = Handles.New(primals), b = Handles.New(cotangents), c = Handles.New(outputs);
            mlx_vector_array result = default;
            int status = fun(&result, a, b, c, payload);
            mlx_vector_array_free(b);
            mlx_vector_array_free(c);
            return Finish(status, result, a);
        };
        return new() { ctx = Handles.NewContext(new Closure<CustomFunction>(call, payload, dtor)) };
    }

    public static int mlx_closure_custom_set(mlx_closure_custom* cls, mlx_closure_custom src) =>
        SetClosure<CustomFunction>(&cls->ctx, src.ctx);

    public static int mlx_closure_custom_apply(
        mlx_vector_array* res, mlx_closure_custom cls, mlx_vector_array input_0, mlx_vector_array input_1,
        mlx_vector_array input_2) =>
        Return(res, Call<CustomFunction>(cls.ctx)(
            Handles.Nodes(input_0), Handles.Nodes(input_1), Handles.Nodes(input_2)));

    public static mlx_closure_custom_jvp mlx_closure_custom_jvp_new() => default;

    public static int mlx_closure_custom_jvp_free(mlx_closure_custom_jvp cls) => FreeClosure<JvpFunction>(cls.ctx);

    public static mlx_closure_custom_jvp mlx_closure_custom_jvp_new_func(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_array, mlx_vector_array, int*, nuint, int> fun)
    {
        JvpFunction call = (primals, tangents, places) =>
        {
            mlx_vector_array a = Handles.New(primals), b = Handles.New(tangents), result = default;
            int status;
            fixed (int* place = places)
                status = fun(&result, a, b, place, (nuint)places.Length);
            mlx_vector_array_free(b);
            return Finish(status, result, a);
        };
        return new() { ctx = Handles.NewContext(new Closure<JvpFunction>(call)) };
    }

    public static mlx_closure_custom_jvp mlx_closure_custom_jvp_new_func_payload(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_array, mlx_vector_array, int*, nuint, void*, int> fun,
        void* payload, delegate* unmanaged[Cdecl]<void*, void> dtor)
    {
        JvpFunction call = (primals, tangents, places) =>
        {
            mlx_vector_array a = Handles.New(primals), b = Handles.New(tangents), result = default;
            int status;
            fixed (int* place = places)
                status = fun(&result, a, b, place, (nuint)places.Length, payload);
            mlx_vector_array_free(b);
            return Finish(status, result, a);
        };
        return new() { ctx = Handles.NewContext(new Closure<JvpFunction>(call, payload, dtor)) };
    }

    public static int mlx_closure_custom_jvp_set(mlx_closure_custom_jvp* cls, mlx_closure_custom_jvp src) =>
        SetClosure<JvpFunction>(&cls->ctx, src.ctx);

    public static int mlx_closure_custom_jvp_apply(
        mlx_vector_array* res, mlx_closure_custom_jvp cls, mlx_vector_array input_0, mlx_vector_array input_1,
        int* input_2, nuint input_2_num) =>
        Return(res, Call<JvpFunction>(cls.ctx)(
            Handles.Nodes(input_0), Handles.Nodes(input_1), Handles.Ints(input_2, input_2_num)));

    public static mlx_closure_custom_vmap mlx_closure_custom_vmap_new() => default;

    public static int mlx_closure_custom_vmap_free(mlx_closure_custom_vmap cls) => FreeClosure<VmapFunction>(cls.ctx);

    public static mlx_closure_custom_vmap mlx_closure_custom_vmap_new_func(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_int*, mlx_vector_array, int*, nuint, int> fun)
    {
        VmapFunction call = (inputs, axes) =>
        {
            mlx_vector_array input = Handles.New(inputs), result = default;
            mlx_vector_int outAxes = default;
            int status;
            fixed (int* axis = axes)
                status = fun(&result, &outAxes, input, axis, (nuint)axes.Length);
            List<int>? outputAxes = Handles.Free<List<int>>(outAxes.ctx, nameof(mlx_vector_int));
            return (Finish(status, result, input), outputAxes ?? []);
        };
        return new() { ctx = Handles.NewContext(new Closure<VmapFunction>(call)) };
    }

    public static mlx_closure_custom_vmap mlx_closure_custom_vmap_new_func_payload(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_int*, mlx_vector_array, int*, nuint, void*, int> fun,
        void* payload, delegate* unmanaged[Cdecl]<void*, void> dtor)
    {
        VmapFunction call = (inputs, axes) =>
        {
            mlx_vector_array input = Handles.New(inputs), result = default;
            mlx_vector_int outAxes = default;
            int status;
            fixed (int* axis = axes)
                status = fun(&result, &outAxes, input, axis, (nuint)axes.Length, payload);
            List<int>? outputAxes = Handles.Free<List<int>>(outAxes.ctx, nameof(mlx_vector_int));
            return (Finish(status, result, input), outputAxes ?? []);
        };
        return new() { ctx = Handles.NewContext(new Closure<VmapFunction>(call, payload, dtor)) };
    }

    public static int mlx_closure_custom_vmap_set(mlx_closure_custom_vmap* cls, mlx_closure_custom_vmap src) =>
        SetClosure<VmapFunction>(&cls->ctx, src.ctx);

    public static int mlx_closure_custom_vmap_apply(
        mlx_vector_array* res_0, mlx_vector_int* res_1, mlx_closure_custom_vmap cls, mlx_vector_array input_0,
        int* input_1, nuint input_1_num)
    {
        (NodeVector outputs, List<int> axes) = Call<VmapFunction>(cls.ctx)(
            Handles.Nodes(input_0), Handles.Ints(input_1, input_1_num));
        Return(res_0, outputs);
        return SetInts(res_1, axes);
    }
}
