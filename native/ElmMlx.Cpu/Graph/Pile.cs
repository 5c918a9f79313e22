using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu;

/// <summary>
/// Things that wait to be used again, on one thread: taken and given without a lock. Whole batches of them go to the
/// depot and come from there, since a graph may be built on one thread and let go on another.
/// </summary>
internal sealed class Pile<T>(Pile<T>.Depot depot)
{
    private const int BatchSize = 64;

    private Item[] _items = new Item[BatchSize];
    private int _count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake([MaybeNullWhen(false)] out T item)
    {
        if (_count == 0 && !depot.TryTakeFull(ref _items, ref _count))
        {
            item = default;
            return false;
        }

        ref Item place = ref _items[--_count];
        item = place.Value;
        place = default;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Give(T item)
    {
        if (_count == BatchSize)
            depot.TakeIn(ref _items, ref _count);
        _items[_count++].Value = item;
    }

    /// <summary>Leaves the rest to other threads, one batch that is not full.</summary>
    public void Leave()
    {
        if (_count > 0)
            depot.TakeIn(ref _items, ref _count);
    }

    /// <summary>What the threads share: at most so many batches; the rest is left to the garbage collector.</summary>
    internal sealed class Depot(int maxBatches)
    {
        private readonly Lock _gate = new();
        private readonly Stack<(Item[] Items, int Count)> _full = new();
        private readonly Stack<Item[]> _empty = new();

        public bool TryTakeFull(ref Item[] items, ref int count)
        {
            lock (_gate)
            {
                if (!_full.TryPop(out (Item[] Items, int Count) batch))
                    return false;
                _empty.Push(items);
                (items, count) = batch;
                return true;
            }
        }

        public void TakeIn(ref Item[] items, ref int count)
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
                    items = _empty.TryPop(out Item[]? empty) ? empty : new Item[BatchSize];
                }

                count = 0;
            }
        }
    }

    // An array of a value type: what is stored needs no check of its type.
    internal struct Item
    {
        public T Value;
    }
}
