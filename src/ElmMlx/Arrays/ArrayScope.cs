namespace ElmMlx;

/// <summary>A scope for arrays: those made on this thread while it is open are freed at its end, unless kept.</summary>
/// <example><code>
/// using ArrayScope scope = new();
/// MlxArray loss = scope.Keep(Loss(model, batch));   // what Loss made on the way is freed
/// </code></example>
public sealed class ArrayScope : IDisposable
{
    private readonly ArrayThread _thread;
    private ArrayScope? _outer;
    private List<MlxArray?>? _arrays; // null once ended; null entries are kept or disposed

    /// <summary>Opens a scope inside the one that is open on this thread, if any.</summary>
    public ArrayScope()
        : this(ArrayThread.Current, recycles: false) => Open();

    private ArrayScope(ArrayThread thread, bool recycles)
    {
        _thread = thread;
        Recycles = recycles;
    }

    /// <summary>Arrays that this scope would free now.</summary>
    public int Count => _arrays?.Count(a => a is not null) ?? 0;

    /// <summary>Whether the objects of the arrays that it frees are used again.</summary>
    internal bool Recycles { get; }

    /// <summary>Opens a scope that recycles.</summary>
    /// <remarks>
    /// A loop that makes the same few hundred arrays for every token would leave their objects to the garbage
    /// collector. In such a scope the next arrays take the objects of those that were freed before, and the scope
    /// itself is used again. A reference that outlives its array would then show another one, so what is made here
    /// must never be seen by code that is not ElmMlx's own; an array that is kept, or that
    /// <see cref="MlxArray.LeaveScopes"/> hands to an owner, is taken out of the circle. Scopes inside, and those of
    /// callers, do as they always do.
    /// </remarks>
    internal static ArrayScope Recycling()
    {
        ArrayThread thread = ArrayThread.Current;
        if (!thread.TryReuse(out ArrayScope? scope))
            scope = new ArrayScope(thread, recycles: true);
        scope.Open();
        return scope;
    }

    /// <summary>Moves an array to the enclosing scope, or out of all scopes where there is none.</summary>
    /// <returns>The array itself. One that belongs to no scope, or to an outer one, stays where it is.</returns>
    public MlxArray Keep(MlxArray array)
    {
        ArgumentNullException.ThrowIfNull(array);
        for (ArrayScope? scope = array.Scope; scope is not null; scope = scope._outer)
        {
            if (scope != this)
                continue;
            if (_outer is null)
            {
                array.LeaveScopes();
                break;
            }

            array.Scope!.Forget(array);
            array.Reveal();
            _outer.Add(array);
            break;
        }

        return array;
    }

    /// <summary>Moves arrays to the enclosing scope.</summary>
    public void Keep(IEnumerable<MlxArray> arrays)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        foreach (MlxArray array in arrays)
            Keep(array);
    }

    /// <summary>
    /// Frees the arrays that were made in this scope and not kept; scopes inside that are still open end too.
    /// </summary>
    /// <exception cref="InvalidOperationException">Another thread opened the scope.</exception>
    public void Dispose()
    {
        if (_arrays is null)
            return;
        if (ArrayThread.Current != _thread)
            throw new InvalidOperationException("an ArrayScope ends on the thread that opened it");
        while (_thread.Scope is { } innermost && innermost != this)
            innermost.End();
        End();
    }

    internal void Add(MlxArray array)
    {
        array.Scope = this;
        array.ScopeIndex = _arrays!.Count;
        _arrays.Add(array);
    }

    internal void Forget(MlxArray array)
    {
        if (_arrays is not null)
            _arrays[array.ScopeIndex] = null;
        array.Scope = null;
    }

    private void Open()
    {
        _outer = _thread.Scope;
        _arrays = _thread.Rent();
        _thread.Scope = this;
    }

    private void End()
    {
        List<MlxArray?> arrays = _arrays!;
        _arrays = null;
        _thread.Scope = _outer;
        foreach (MlxArray? array in arrays)
        {
            if (array is null)
                continue;
            array.Scope = null;
            array.Dispose();
        }

        arrays.Clear();
        _thread.Return(arrays);
        if (Recycles)
            _thread.Recycle(this);
    }
}
