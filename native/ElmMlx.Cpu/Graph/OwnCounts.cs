namespace ElmMlx.Cpu;

/// <summary>
/// How a thread counts holders of the nodes that it made: by plain additions, a quarter of the time of interlocked
/// ones, until another thread is about to count one of them; from then on everybody counts interlocked.
/// </summary>
/// <remarks>
/// The thread says that it adds and then looks whether others count; they say that they count and then look whether it
/// adds. Both cannot miss each other, because the others, who do this once, make every processor finish its writes in
/// between (<see cref="Interlocked.MemoryBarrierProcessWide"/>).
/// </remarks>
internal sealed class OwnCounts
{
    private bool _isAdding, _othersCount, _isOver;

    /// <summary>Adds plainly where that is still allowed. Called by the thread itself.</summary>
    public bool TryAdd(ref int count, int change, out int sum)
    {
        Volatile.Write(ref _isAdding, true);
        bool isAlone = !Volatile.Read(ref _othersCount);
        sum = count + change;
        if (isAlone)
            count = sum;
        Volatile.Write(ref _isAdding, false);
        return isAlone;
    }

    /// <summary>Ends the plain additions. Called by another thread before it counts.</summary>
    public void End()
    {
        if (Volatile.Read(ref _isOver))
            return;
        Volatile.Write(ref _othersCount, true);
        Interlocked.MemoryBarrierProcessWide();
        SpinWait wait = default;
        while (Volatile.Read(ref _isAdding))
            wait.SpinOnce();
        Volatile.Write(ref _isOver, true);
    }
}
