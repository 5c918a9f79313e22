using ElmMlx.Bindings;

namespace ElmMlx;

// From the native array that is taken over to its end. It is freed by the thread that made it: at once on that
// thread, by way of its queue from others and from the finalizer. The object goes with it, except in a scope that
// recycles (ArrayScope.Recycling): there it waits on the thread for the next array, finalizer and all, so that neither
// the heap nor the finalizer's list hears of it. (A SafeHandle would be a second object, and cannot be used again.)
public sealed unsafe partial class MlxArray
{
    // Smaller arrays are not worth telling the garbage collector about.
    private const long LeastTold = 1 << 20; // bytes

    private readonly ArrayThread _thread;
    private nint _native; // 0 once freed
    private long _told; // bytes
    private bool _isRecyclable;

    private MlxArray(ArrayThread thread) => _thread = thread;

    /// <summary>Frees what nobody disposed of, by way of its thread.</summary>
    ~MlxArray() => Release();

    /// <summary>An array that has been freed: what stands where there is none any more.</summary>
    internal static MlxArray Freed => new(ArrayThread.Current);

    /// <summary>Whether the array has been freed.</summary>
    public bool IsDisposed => _native == 0;

    /// <summary>The native array. Keep this object alive while it is used.</summary>
    /// <exception cref="ObjectDisposedException">The array has been freed.</exception>
    internal mlx_array Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_native == 0, typeof(MlxArray));
            return new mlx_array { ctx = (void*)_native };
        }
    }

    /// <summary>The scope that frees this array; null if none does.</summary>
    internal ArrayScope? Scope { get; set; }

    /// <summary>This array's place in its scope.</summary>
    internal int ScopeIndex { get; set; }

    /// <summary>Frees the array now. Using it afterwards is an <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        Scope?.Forget(this);
        if (!Release())
            return;
        if (_isRecyclable && ArrayThread.IsCurrent(_thread))
        {
            (_shape, _dtype, _bounds) = (null, null, null);
            _thread.Recycle(this);
        }
        else
        {
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>Takes over a native array, which the innermost scope of this thread frees, if there is one.</summary>
    internal static MlxArray Adopt(mlx_array native)
    {
        ArrayThread thread = ArrayThread.Current;
        ArrayScope? scope = thread.Scope;
        MlxArray array;
        if (scope is { Recycles: true })
        {
            if (!thread.TryReuse(out array!))
                array = new MlxArray(thread) { _isRecyclable = true };
        }
        else
        {
            array = new MlxArray(thread);
        }

        array._native = (nint)native.ctx;
        if (scope is null)
            array.Tell();
        else
            scope.Add(array);
        return array;
    }

    /// <summary>No scope frees this array any more: whoever asks for that owns it.</summary>
    /// <param name="stayRecyclable">
    /// Whether the owner frees it exactly once, on this thread, and shows it to nobody: then the object may be used
    /// again.
    /// </param>
    /// <param name="former">
    /// What this array replaces in its owner's hands, if anything. The garbage collector then hears nothing where the
    /// size is the same: telling it of a cache's buffers at every token would make it collect all the time.
    /// </param>
    internal void LeaveScopes(bool stayRecyclable = false, MlxArray? former = null)
    {
        Scope?.Forget(this);
        _isRecyclable &= stayRecyclable;
        Tell(former);
    }

    /// <summary>The object is somebody's to hold: it will be no other array.</summary>
    internal void Reveal() => _isRecyclable = false;

    // Whether there was anything to free. Two threads may try.
    private bool Release()
    {
        nint native = Interlocked.Exchange(ref _native, 0);
        if (native == 0)
            return false;
        _thread.Free(native);
        _thread.Tell(-_told);
        _told = 0;
        return true;
    }

    // The garbage collector cannot see native bytes, and has to know of those that only it may free.
    private void Tell(MlxArray? former = null)
    {
        if (_told > 0 || _native == 0)
            return;
        long byteCount = (long)Checked.mlx_array_nbytes(Handle);
        if (byteCount < LeastTold)
            return;
        _told = byteCount;
        if (former?._told == byteCount && former._thread == _thread)
            former._told = 0;
        else
            _thread.Tell(byteCount);
    }
}
