namespace ElmMlx.Cpu;

/// <summary>
/// What an <c>mlx_closure…</c> is: a function over nodes, and the payload it needs. Handles share it; the last one to
/// let go runs the payload's destructor.
/// </summary>
/// <typeparam name="T">The function. Vectors that it returns are held for the caller.</typeparam>
internal sealed unsafe class Closure<T> : ICounted
    where T : Delegate
{
    private readonly void* _payload;
    private readonly delegate* unmanaged[Cdecl]<void*, void> _dtor;
    private readonly Action? _released;
    private int _count = 1;

    public Closure(T call)
        : this(call, null, null)
    {
    }

    /// <summary>A function over other closures, which <paramref name="released"/> lets go of.</summary>
    public Closure(T call, Action released)
        : this(call, null, null) => _released = released;

    public Closure(T call, void* payload, delegate* unmanaged[Cdecl]<void*, void> dtor)
    {
        Call = call;
        _payload = payload;
        _dtor = dtor;
    }

    public T Call { get; }

    public void Retain() => Interlocked.Increment(ref _count);

    public void Release()
    {
        if (Interlocked.Decrement(ref _count) != 0)
            return;
        _released?.Invoke();
        if (_dtor is not null)
            _dtor(_payload);
    }
}
