using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>A managed function over C arrays as an <c>mlx_closure</c>; what it throws is kept.</summary>
internal sealed unsafe class NativeClosure : IDisposable
{
    private readonly NativeArena _arena;
    private readonly Func<mlx_array[], mlx_array[]> _function;
    private readonly GCHandle _self;
    private Exception? _failure;

    public NativeClosure(NativeArena arena, Func<mlx_array[], mlx_array[]> function)
    {
        (_arena, _function) = (arena, function);
        _self = GCHandle.Alloc(this);
        Handle = Mlx.mlx_closure_new_func_payload(&Invoke, (void*)GCHandle.ToIntPtr(_self), null);
    }

    public mlx_closure Handle { get; }

    /// <summary>
    /// Throws what the function threw, or the provider's words for a failing <paramref name="status"/>.
    /// </summary>
    public void Check(int status)
    {
        if (_failure is { } failure)
        {
            MlxError.Take();
            throw failure;
        }

        NativeArena.Check(status);
    }

    public void Dispose()
    {
        Mlx.mlx_closure_free(Handle);
        _self.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Invoke(mlx_vector_array* result, mlx_vector_array input, void* payload)
    {
        var closure = (NativeClosure)GCHandle.FromIntPtr((nint)payload).Target!;
        try
        {
            mlx_array[] outputs = closure._function(closure._arena.Elements(input));
            fixed (mlx_array* data = outputs)
                return Mlx.mlx_vector_array_set_data(result, data, (nuint)outputs.Length);
        }
        catch (Exception failure)
        {
            closure._failure = failure;     // nothing may unwind through the provider's frames
            return 1;
        }
    }
}
