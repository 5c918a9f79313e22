using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using Function = System.Func<ElmMlx.MlxArray[], ElmMlx.MlxArray[]>;
using GradientFunction = System.Func<
    ElmMlx.MlxArray[], ElmMlx.MlxArray[], ElmMlx.MlxArray[], ElmMlx.MlxArray[]>;

namespace ElmMlx;

/// <summary>A managed function as C sees it: <c>mlx_closure</c>. Graphs may hold it longer than this object.</summary>
internal readonly unsafe ref partial struct Closure : IDisposable
{
    // Nothing may unwind through native frames: what a function threw waits here until the native call has returned.
    [ThreadStatic] private static ExceptionDispatchInfo? s_thrown;

    /// <summary>A closure that calls <paramref name="function"/>.</summary>
    public Closure(Function function)
    {
        RuntimeLoader.EnsureLoaded();
        Handle = Checked.mlx_closure_new_func_payload(&Invoke, Payload(function), &Free);
    }

    private Closure(mlx_closure handle) => Handle = handle;

    /// <summary>The native closure.</summary>
    public mlx_closure Handle { get; }

    /// <summary>The function, which computes what it forgot again when its gradient is asked for.</summary>
    public Closure Checkpointed() => new(Checked.mlx_checkpoint(Handle));

    /// <summary>The function with another gradient: of primals, cotangents and outputs.</summary>
    public Closure WithGradient(GradientFunction gradient)
    {
        mlx_closure_custom custom = Checked.mlx_closure_custom_new_func_payload(
            &InvokeGradient, Payload(gradient), &Free);
        try
        {
            return new(Checked.mlx_custom_vjp(Handle, custom));
        }
        finally
        {
            Checked.mlx_closure_custom_free(custom);
        }
    }

    /// <summary>The function's values, through C.</summary>
    public MlxArray[] Apply(MlxArray[] arguments) => Apply(Handle, arguments);

    /// <summary>A native function's values.</summary>
    public static MlxArray[] Apply(mlx_closure function, MlxArray[] arguments)
    {
        using ArrayVector input = new(arguments);
        try
        {
            return ArrayVector.Take(Checked.mlx_closure_apply(function, input.Handle));
        }
        catch (MlxException)
        {
            RethrowThrown();
            throw;
        }
    }

    /// <summary>Throws what a function threw while a native call was running it; the same object.</summary>
    public static void RethrowThrown()
    {
        ExceptionDispatchInfo? thrown = s_thrown;
        s_thrown = null;
        thrown?.Throw();
    }

    public void Dispose() => Checked.mlx_closure_free(Handle);

    private static void* Payload(Delegate function) => (void*)GCHandle.ToIntPtr(GCHandle.Alloc(function));

    private static T Target<T>(void* payload)
        where T : Delegate => (T)GCHandle.FromIntPtr((nint)payload).Target!;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(void* payload) => GCHandle.FromIntPtr((nint)payload).Free();

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Invoke(mlx_vector_array* result, mlx_vector_array input, void* payload)
    {
        try
        {
            using ArrayScope scope = new();
            return Answer(result, Target<Function>(payload)(Elements(input)));
        }
        catch (Exception error)
        {
            s_thrown = ExceptionDispatchInfo.Capture(error);
            return 1;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InvokeGradient(
        mlx_vector_array* result, mlx_vector_array primals, mlx_vector_array cotangents, mlx_vector_array outputs,
        void* payload)
    {
        try
        {
            using ArrayScope scope = new();
            return Answer(
                result, Target<GradientFunction>(payload)(Elements(primals), Elements(cotangents), Elements(outputs)));
        }
        catch (Exception error)
        {
            s_thrown = ExceptionDispatchInfo.Capture(error);
            return 1;
        }
    }

    private static MlxArray[] Elements(mlx_vector_array vector)
    {
        MlxArray[] arrays = new MlxArray[(int)Checked.mlx_vector_array_size(vector)];
        for (int i = 0; i < arrays.Length; i++)
            arrays[i] = MlxArray.Adopt(Checked.mlx_vector_array_get(vector, (nuint)i));
        return arrays;
    }

    private static int Answer(mlx_vector_array* result, MlxArray[] arrays)
    {
        mlx_array[] handles = new mlx_array[arrays.Length];
        for (int i = 0; i < arrays.Length; i++)
            handles[i] = arrays[i].Handle;
        fixed (mlx_array* data = handles)
            Checked.mlx_vector_array_set_data(result, data, (nuint)handles.Length);
        GC.KeepAlive(arrays);
        return 0;
    }
}
