using ElmMlx.Bindings;
using Function = System.Func<ElmMlx.Cpu.Node[], ElmMlx.Cpu.NodeVector>;
using KwargsFunction = System.Func<ElmMlx.Cpu.Node[], ElmMlx.Bindings.mlx_map_string_to_array, ElmMlx.Cpu.NodeVector>;
using ValueAndGrad = System.Func<ElmMlx.Cpu.Node[], (ElmMlx.Cpu.NodeVector Values, ElmMlx.Cpu.NodeVector Gradients)>;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static mlx_closure mlx_closure_new() => default;

    public static int mlx_closure_free(mlx_closure cls) => FreeClosure<Function>(cls.ctx);

    public static mlx_closure mlx_closure_new_func(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_array, int> fun) => NewClosure(inputs =>
    {
        mlx_vector_array input = Handles.New(inputs), result = default;
        int status = fun(&result, input);
        return Finish(status, result, input);
    });

    public static mlx_closure mlx_closure_new_func_payload(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_array, void*, int> fun,
        void* payload, delegate* unmanaged[Cdecl]<void*, void> dtor)
    {
        Function call = inputs =>
        {
            mlx_vector_array input = Handles.New(inputs), result = default;
            int status = fun(&result, input, payload);
            return Finish(status, result, input);
        };
        return new() { ctx = Handles.NewContext(new Closure<Function>(call, payload, dtor)) };
    }

    public static mlx_closure mlx_closure_new_unary(delegate* unmanaged[Cdecl]<mlx_array*, mlx_array, int> fun) =>
        NewClosure(inputs =>
        {
            if (inputs.Length != 1)
                throw new ArgumentException($"[closure] a unary closure takes 1 array, not {inputs.Length}.");
            mlx_array input = Handles.New(inputs[0]), result = default;
            int status = fun(&result, input);
            Handles.Free(input);
            var output = Handles.Free<Node>(result.ctx, nameof(mlx_array));
            NodeVector? outputs = output is null ? null : new([output]);
            output?.Release();
            return Checked(status, outputs);
        });

    public static int mlx_closure_set(mlx_closure* cls, mlx_closure src) => SetClosure<Function>(&cls->ctx, src.ctx);

    public static int mlx_closure_apply(mlx_vector_array* res, mlx_closure cls, mlx_vector_array input) =>
        Return(res, Call<Function>(cls.ctx)(Handles.Nodes(input)));

    public static mlx_closure_kwargs mlx_closure_kwargs_new() => default;

    public static int mlx_closure_kwargs_free(mlx_closure_kwargs cls) => FreeClosure<KwargsFunction>(cls.ctx);

    public static mlx_closure_kwargs mlx_closure_kwargs_new_func(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_array, mlx_map_string_to_array, int> fun)
    {
        KwargsFunction call = (inputs, named) =>
        {
            mlx_vector_array input = Handles.New(inputs), result = default;
            int status = fun(&result, input, named);
            return Finish(status, result, input);
        };
        return new() { ctx = Handles.NewContext(new Closure<KwargsFunction>(call)) };
    }

    public static mlx_closure_kwargs mlx_closure_kwargs_new_func_payload(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_array, mlx_map_string_to_array, void*, int> fun,
        void* payload, delegate* unmanaged[Cdecl]<void*, void> dtor)
    {
        KwargsFunction call = (inputs, named) =>
        {
            mlx_vector_array input = Handles.New(inputs), result = default;
            int status = fun(&result, input, named, payload);
            return Finish(status, result, input);
        };
        return new() { ctx = Handles.NewContext(new Closure<KwargsFunction>(call, payload, dtor)) };
    }

    public static int mlx_closure_kwargs_set(mlx_closure_kwargs* cls, mlx_closure_kwargs src) =>
        SetClosure<KwargsFunction>(&cls->ctx, src.ctx);

    public static int mlx_closure_kwargs_apply(
        mlx_vector_array* res, mlx_closure_kwargs cls, mlx_vector_array input_0, mlx_map_string_to_array input_1) =>
        Return(res, Call<KwargsFunction>(cls.ctx)(Handles.Nodes(input_0), input_1));

    public static mlx_closure_value_and_grad mlx_closure_value_and_grad_new() => default;

    public static int mlx_closure_value_and_grad_free(mlx_closure_value_and_grad cls) =>
        FreeClosure<ValueAndGrad>(cls.ctx);

    public static mlx_closure_value_and_grad mlx_closure_value_and_grad_new_func(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_array*, mlx_vector_array, int> fun)
    {
        ValueAndGrad call = inputs =>
        {
            mlx_vector_array input = Handles.New(inputs), values = default, gradients = default;
            int status = fun(&values, &gradients, input);
            return FinishBoth(status, values, gradients, input);
        };
        return new() { ctx = Handles.NewContext(new Closure<ValueAndGrad>(call)) };
    }

    public static mlx_closure_value_and_grad mlx_closure_value_and_grad_new_func_payload(
        delegate* unmanaged[Cdecl]<mlx_vector_array*, mlx_vector_array*, mlx_vector_array, void*, int> fun,
        void* payload, delegate* unmanaged[Cdecl]<void*, void> dtor)
    {
        ValueAndGrad call = inputs =>
        {
            mlx_vector_array input = Handles.New(inputs), values = default, gradients = default;
            int status = fun(&values, &gradients, input, payload);
            return FinishBoth(status, values, gradients, input);
        };
        return new() { ctx = Handles.NewContext(new Closure<ValueAndGrad>(call, payload, dtor)) };
    }

    public static int mlx_closure_value_and_grad_set(mlx_closure_value_and_grad* cls, mlx_closure_value_and_grad src) =>
        SetClosure<ValueAndGrad>(&cls->ctx, src.ctx);

    public static int mlx_closure_value_and_grad_apply(
        mlx_vector_array* res_0, mlx_vector_array* res_1, mlx_closure_value_and_grad cls, mlx_vector_array input)
    {
        (NodeVector values, NodeVector gradients) = Call<ValueAndGrad>(cls.ctx)(Handles.Nodes(input));
        Return(res_0, values);
        return Return(res_1, gradients);
    }

    private static mlx_closure NewClosure(Function call) =>
        new() { ctx = Handles.NewContext(new Closure<Function>(call)) };

    private static T Call<T>(void* context)
        where T : Delegate => Handles.Target<Closure<T>>(context, nameof(mlx_closure)).Call;

    private static int FreeClosure<T>(void* context)
        where T : Delegate
    {
        Handles.Free<Closure<T>>(context, nameof(mlx_closure))?.Release();
        return 0;
    }

    private static int SetClosure<T>(void** destination, void* source)
        where T : Delegate
    {
        var closure = Handles.Target<Closure<T>>(source, nameof(mlx_closure));
        closure.Retain();
        return SetNew(destination, closure);
    }

    // Stores a vector, whose holds it takes over.
    private static int Return(mlx_vector_array* result, NodeVector vector)
    {
        Handles.Replace(&result->ctx, vector, nameof(mlx_vector_array))?.Clear();
        return 0;
    }

    private static NodeVector Finish(int status, mlx_vector_array result, mlx_vector_array input)
    {
        mlx_vector_array_free(input);
        return Checked(status, Ended(result));
    }

    private static (NodeVector Values, NodeVector Gradients) FinishBoth(
        int status, mlx_vector_array values, mlx_vector_array gradients, mlx_vector_array input)
    {
        mlx_vector_array_free(input);
        NodeVector? second = Ended(gradients);
        if (status != 0)
            second?.Clear();
        return (Checked(status, Ended(values)), Checked(status, second));
    }

    private static NodeVector? Ended(mlx_vector_array vector) =>
        Handles.Free<NodeVector>(vector.ctx, nameof(mlx_vector_array));

    private static NodeVector Checked(int status, NodeVector? result)
    {
        if (status == 0 && result is not null)
            return result;
        result?.Clear();
        throw new InvalidOperationException("mlx_closure returned a non-zero value");
    }
}
