using System.Runtime.CompilerServices;

namespace ElmMlx.Cpu;

/// <summary>
/// Which object a C handle names. A handle is no address but two numbers: a place in this table (lower half) and how
/// often that place was given out (upper half). So making one allocates nothing, and a handle that was freed, or never
/// was one, is refused instead of read.
/// </summary>
internal static unsafe class HandleTable
{
    private const int PageBits = 12, PageSize = 1 << PageBits;
    private const long OneUse = 1L << 32;

    private static readonly Lock Growing = new();
    private static Slot[][] s_pages = [];

    /// <summary>How many handles were made and not freed; it looks at all of them.</summary>
    public static int LiveCount => Volatile.Read(ref s_pages).Sum(page => page.Count(slot => slot.Target is not null));

    /// <summary>A new handle.</summary>
    public static void* Add(object target)
    {
        Pile<uint> free = Recycling.OfThread.HandlePlaces;
        if (!free.TryTake(out uint place))
            place = Grow(free);
        ref Slot slot = ref s_pages[place >> PageBits][place & (PageSize - 1)];
        slot.Target = target;
        return (void*)slot.Handle;
    }

    /// <summary>The object behind a handle.</summary>
    /// <exception cref="ArgumentException">
    /// It is empty, was freed, never was a handle, or is one of another type.
    /// </exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Target<T>(void* handle, string type)
        where T : class => Target<T>(ref At(handle, type), type);

    /// <summary>Puts an object in the place of one of its type, which it answers.</summary>
    /// <inheritdoc cref="Target{T}(void*, string)" path="/exception"/>
    public static T Replace<T>(void* handle, T target, string type)
        where T : class
    {
        ref Slot slot = ref At(handle, type);
        T old = Target<T>(ref slot, type);
        slot.Target = target;
        return old;
    }

    /// <summary>Ends a handle; answers its object.</summary>
    /// <inheritdoc cref="Target{T}(void*, string)" path="/exception"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Remove<T>(void* handle, string type)
        where T : class
    {
        ref Slot slot = ref At(handle, type);
        T target = Target<T>(ref slot, type);
        slot.Target = null;
        slot.Handle = unchecked((nint)(slot.Handle + OneUse));
        Recycling.OfThread.HandlePlaces.Give((uint)handle);
        return target;
    }

    private static ref Slot At(void* handle, string type)
    {
        uint place = (uint)handle;
        Slot[][] pages = Volatile.Read(ref s_pages);
        if (place >> PageBits < (uint)pages.Length)
        {
            ref Slot slot = ref pages[place >> PageBits][place & (PageSize - 1)];
            if (slot.Handle == (nint)handle && slot.Target is not null)
                return ref slot;
        }

        throw NoHandle(handle, type);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Target<T>(ref Slot slot, string type)
        where T : class =>
        slot.Target as T ?? throw OtherType(type);

    private static ArgumentException NoHandle(void* handle, string type) => new(handle is null
        ? $"expected a non-empty {type}"
        : $"expected a valid {type}: this one was freed, or never was one");

    private static ArgumentException OtherType(string type) =>
        new($"expected a valid {type}: this is a handle of another type");

    // A page of new places: one is answered, the others are free. Place 0 stays unused: its handle could become null.
    private static uint Grow(Pile<uint> free)
    {
        lock (Growing)
        {
            var start = (uint)s_pages.Length << PageBits;
            var page = new Slot[PageSize];
            for (uint i = 0; i < PageSize; i++)
                page[i].Handle = unchecked((nint)(OneUse + start + i));
            Volatile.Write(ref s_pages, [.. s_pages, page]);
            uint answered = Math.Max(start, 1);
            for (uint place = start + PageSize - 1; place > answered; place--)
                free.Give(place);
            return answered;
        }
    }

    private struct Slot
    {
        public object? Target;
        public nint Handle;
    }
}
