using System.Diagnostics.CodeAnalysis;

namespace ElmMlx.Cpu;

/// <summary>
/// Things that wait to be used again, on one thread: taken and given without a lock. Whole batches of them go to the
/// depot and come from there, since a graph may be built on one thread and let go on another.
/// </summary>
internal sealed class Pile<T>(Pile<T>.Depot depot)
{
    private const int BatchSize = 64;

    private T[] _items = new T[BatchSize];
    private int _count;

    public bool TryTake([MaybeNullWhen(false)] out T item)
    {
        if (_count == 0 && !depot.TryTakeFull(ref _items, ref _count))
        {
            item = default;
            return false;
        }

        item = _items[--_count];
        _items[_count] = default!;
        return true;
    }

    public void Give(T item)
    {
        if (_count == BatchSize)
            depot.TakeIn(ref _items, ref _count);
        _items[_count++] = item;
    }

    /// <summary>Leaves the rest to other threads, one batch that is not full.</summary>
    public void Leave()
    {
        if (_count > 0)
            depot.TakeIn(ref _items, ref _count);
    }

    /// <summary>What the threads share: batches, at most so many. What is more is left to the garbage collector.</summary>
    internal sealed class Depot(int maxBatches)
    {
        private readonly Lock _gate = new();
        private readonly Stack<(T[] Items, int Count)> _full = new();
        private readonly Stack<T[]> _empty = new();

        public bool TryTakeFull(ref T[] items, ref int count)
        {
            lock (_gate)
            {
                if (!_full.TryPop(out (T[] Items, int Count) batch))
                    return false;
                _empty.Push(items);
                (items, count) = batch;
                return true;
            }
        }

        public void TakeIn(ref T[] items, ref int count)
        {
            lock (_gate)
            {
                if (_full.Count >= maxBatches)
                {
                    Array.Clear(items);
                }
                else
                {
                    _full.Push((items, count));
                    items = _empty.TryPop(out T[]? empty) ? empty : new T[BatchSize];
                }

                count = 0;
            }
        }
    }
}
