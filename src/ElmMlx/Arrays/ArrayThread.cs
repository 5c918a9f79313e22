using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>
/// What belongs to one thread: its stream, its innermost scope, and the handles that others gave up for it.
/// </summary>
/// <remarks>
/// A stream belongs to the thread that made it, and a handle is freed by the thread that made it: finalizers and other
/// threads queue theirs here, and the next operation on this thread frees them.
/// </remarks>
internal sealed unsafe class ArrayThread
{
    private static readonly ConcurrentQueue<nint> Orphans = new(); // of threads that have ended

    [ThreadStatic]
    private static ArrayThread? s_current;

    private readonly Thread _thread = Thread.CurrentThread;
    private readonly ConcurrentQueue<nint> _givenUp = new();
    private readonly Stack<List<MlxArray?>> _spareLists = new();
    private readonly Stack<MlxArray> _spareArrays = new(); // freed objects, for scopes that recycle
    private readonly Stack<ArrayScope> _spareScopes = new(); // ended ones that recycle
    private mlx_stream _stream;
    private long _toldBytes;

    private ArrayThread()
    {
        RuntimeLoader.EnsureLoaded();
        _stream = MlxStream.DefaultHandle();
    }

    // Its thread has ended and all its handles are given up.
    ~ArrayThread() => Orphan();

    /// <summary>This thread's.</summary>
    /// <exception cref="MlxException">No provider could be loaded.</exception>
    public static ArrayThread Current => s_current ??= new ArrayThread();

    /// <summary>Whether the calling thread is the one that <paramref name="thread"/> stands for.</summary>
    public static bool IsCurrent(ArrayThread thread) => s_current == thread;

    /// <summary>The innermost scope that is open on this thread.</summary>
    public ArrayScope? Scope { get; set; }

    /// <summary>The stream of this thread's operations. Reading it frees what others gave up.</summary>
    public mlx_stream Stream
    {
        get
        {
            if (!_givenUp.IsEmpty || !Orphans.IsEmpty)
                FreeGivenUp();
            return _stream;
        }
        set => _stream = value;
    }

    /// <summary>Handles that wait to be freed by this thread.</summary>
    public int GivenUpCount => _givenUp.Count;

    /// <summary>Bytes of this thread's arrays that the garbage collector was told of.</summary>
    public long ToldBytes => Volatile.Read(ref _toldBytes);

    /// <summary>Tells the garbage collector of native bytes; negative ones are gone.</summary>
    public void Tell(long byteCount)
    {
        Interlocked.Add(ref _toldBytes, byteCount);
        if (byteCount > 0)
            GC.AddMemoryPressure(byteCount);
        else if (byteCount < 0)
            GC.RemoveMemoryPressure(-byteCount);
    }

    /// <summary>Frees a handle that this thread made: now on this thread, later from any other.</summary>
    public void Free(nint handle)
    {
        if (IsCurrent(this))
        {
            FreeNow(handle);
            return;
        }

        _givenUp.Enqueue(handle);
        if (HasEnded())
            Orphan();
    }

    /// <summary>A list for a scope; <see cref="Return"/> it.</summary>
    public List<MlxArray?> Rent() => _spareLists.TryPop(out List<MlxArray?>? list) ? list : [];

    /// <summary>Takes a scope's empty list back.</summary>
    public void Return(List<MlxArray?> list) => _spareLists.Push(list);

    /// <summary>A freed object to use again, if there is one.</summary>
    public bool TryReuse([NotNullWhen(true)] out MlxArray? array) => _spareArrays.TryPop(out array);

    /// <summary>Takes a freed object, which nobody holds any more.</summary>
    public void Recycle(MlxArray array) => _spareArrays.Push(array);

    /// <summary>An ended scope to use again, if there is one.</summary>
    public bool TryReuse([NotNullWhen(true)] out ArrayScope? scope) => _spareScopes.TryPop(out scope);

    /// <summary>Takes an ended scope, which nobody holds any more.</summary>
    public void Recycle(ArrayScope scope) => _spareScopes.Push(scope);

    /// <summary>Frees what finalizers and other threads gave up.</summary>
    public void FreeGivenUp()
    {
        while (_givenUp.TryDequeue(out nint handle) || Orphans.TryDequeue(out handle))
            FreeNow(handle);
    }

    private bool HasEnded()
    {
        try
        {
            return !_thread.IsAlive;
        }
        catch (ThreadStateException)
        {
            return true; // so long ago that it has been collected
        }
    }

    // Any thread may free them now.
    private void Orphan()
    {
        while (_givenUp.TryDequeue(out nint handle))
            Orphans.Enqueue(handle);
    }

    // A handle that cannot be freed is lost either way: the reason must not surface in another operation.
    private static void FreeNow(nint handle)
    {
        if (Mlx.mlx_array_free(new mlx_array { ctx = (void*)handle }) != 0)
            MlxError.Take();
    }
}
