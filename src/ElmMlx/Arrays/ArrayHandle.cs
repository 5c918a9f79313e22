using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A native array, freed by the thread that made it.</summary>
internal sealed unsafe class ArrayHandle : SafeHandle
{
    // Smaller arrays are not worth telling the garbage collector about.
    private const long LeastTold = 1 << 20; // bytes

    private readonly ArrayThread _owner;
    private readonly long _told; // bytes

    public ArrayHandle(mlx_array array, long byteCount, ArrayThread owner)
        : base(0, ownsHandle: true)
    {
        _owner = owner;
        SetHandle((nint)array.ctx);
        if (byteCount < LeastTold)
            return;
        _told = byteCount;
        _owner.Tell(byteCount);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>The native array.</summary>
    /// <exception cref="ObjectDisposedException">It has been freed.</exception>
    public mlx_array Array
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, typeof(MlxArray));
            return new mlx_array { ctx = (void*)handle };
        }
    }

    protected override bool ReleaseHandle()
    {
        _owner.Free(handle);
        _owner.Tell(-_told);
        return true;
    }
}
