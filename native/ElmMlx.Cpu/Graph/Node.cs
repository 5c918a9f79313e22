using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>
/// An array of the lazy graph: a shape and a dtype, and either the operation that will compute it or the memory that
/// holds it, seen through strides. Counted: handles and waiting operations hold a node. A new node is held by nobody.
/// </summary>
internal sealed unsafe class Node
{
    private int _count;
    private OwnCounts _counts = null!;
    private bool _hasSiblings, _isSeen;
    private Operation? _operation;
    private int[]? _shapeForC;
    private long[]? _rowStridesForC, _stridesForC;

    /// <summary>Empty; <see cref="New(Recycling, int[], mlx_dtype, Operation?, bool)"/> fills it.</summary>
    internal Node()
    {
    }

    /// <summary>Shared with other nodes: nobody writes to it.</summary>
    public int[] Shape { get; private set; } = null!;

    public mlx_dtype Type { get; private set; }

    /// <summary>Number of elements.</summary>
    public long Size { get; private set; }

    public int Rank => Shape.Length;

    /// <summary>What computes this node; null once it is evaluated.</summary>
    public Operation? Operation
    {
        get => Volatile.Read(ref _operation);
        set => Volatile.Write(ref _operation, value);
    }

    /// <summary>The memory; null until evaluated.</summary>
    public Buffer? Buffer { get; private set; }

    /// <summary>
    /// Elements from one index to the next, an axis each; may be 0 or negative. Set when evaluated; nobody writes to
    /// it.
    /// </summary>
    public long[] Strides { get; private set; } = null!;

    /// <summary>Elements from the buffer's start to the first element.</summary>
    public long Offset { get; private set; }

    /// <summary>Whether the elements are there. Not yet while an operation is writing them.</summary>
    public bool IsEvaluated => Operation is null && Buffer is not null;

    /// <summary>Whether the last holder has let go.</summary>
    public bool IsDead { get; private set; }

    /// <summary>The first element. Only of an evaluated node.</summary>
    public void* Data => Buffer!.Pointer + Offset * Type.Size();

    /// <summary>How many hold it.</summary>
    public int HolderCount => Volatile.Read(ref _count);

    /// <summary>Whether the elements lie one after another in row-major order.</summary>
    public bool IsRowContiguous
    {
        get
        {
            long expected = 1;
            for (int axis = Rank - 1; axis >= 0; axis--)
            {
                if (Shape[axis] != 1 && Strides[axis] != expected)
                    return Size <= 1;
                expected *= Shape[axis];
            }

            return true;
        }
    }

    /// <summary>Whether the elements lie one after another in column-major order.</summary>
    public bool IsColumnContiguous
    {
        get
        {
            long expected = 1;
            for (int axis = 0; axis < Rank; axis++)
            {
                if (Shape[axis] != 1 && Strides[axis] != expected)
                    return Size <= 1;
                expected *= Shape[axis];
            }

            return true;
        }
    }

    /// <summary>The shape for C, which lives as long as the node.</summary>
    public int* ShapePointer => Address(_shapeForC ??= Interned.Of(Shape));

    /// <summary>The strides for C, which live as long as the node; row-major ones before it is evaluated.</summary>
    public long* StridesPointer => IsEvaluated
        ? Address(_stridesForC ??= Interned.Of(Strides))
        : Address(_rowStridesForC ??= RowStrides(Shape));

    /// <summary>
    /// A node that <paramref name="operation"/> will compute, alone or with siblings. Nobody may change the shape any
    /// more.
    /// </summary>
    public static Node New(Recycling thread, int[] shape, mlx_dtype type, Operation? operation, bool hasSiblings)
    {
        long size = 1;
        foreach (int length in shape)
            size = checked(size * length);
        Node node = thread.NewNode();
        (node.Shape, node.Type, node.Size) = (shape, type, size);
        if (node._counts != thread.Counts)
            node._counts = thread.Counts;
        node._hasSiblings = hasSiblings;
        node._operation = operation;
        node.IsDead = false;
        return node;
    }

    /// <summary>A node without memory yet.</summary>
    public static Node New(int[] shape, mlx_dtype type) =>
        New(Recycling.OfThread, shape, type, operation: null, hasSiblings: false);

    /// <summary>An evaluated, row-contiguous node over <paramref name="buffer"/>, whose hold it takes over.</summary>
    public static Node New(int[] shape, mlx_dtype type, Buffer buffer)
    {
        Node node = New(shape, type);
        node.Attach(buffer);
        return node;
    }

    /// <summary>Row-major strides of a shape, in elements; a shared array.</summary>
    public static long[] RowStrides(ReadOnlySpan<int> shape)
    {
        Span<long> strides = stackalloc long[shape.Length];
        long stride = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= shape[axis];
        }

        return Interned.Of(strides);
    }

    /// <summary>Gives this output its own row-contiguous memory, not cleared.</summary>
    public void Allocate()
    {
        Attach(Buffer.Allocate(checked(Size * Type.Size())));
    }

    /// <summary>Gives this node memory that holds its elements in row-major order, and the hold on it.</summary>
    public void Attach(Buffer buffer)
    {
        Buffer = buffer;
        Strides = RowStrides(Shape);
        Offset = 0;
    }

    /// <summary>
    /// Like <see cref="Allocate"/>, but over the memory of <paramref name="input"/> when this operation is the only one
    /// to hold it and the elements lie in the same places: a kernel may then read and write the same index.
    /// </summary>
    public void AllocateOver(Node input)
    {
        bool reuse = input._count == 1 && input.Buffer!.IsReusable && input.Offset == 0 && input.IsRowContiguous
            && input.Size == Size && input.Type.Size() == Type.Size();
        if (!reuse)
        {
            Allocate();
            return;
        }

        ShareWith(input, RowStrides(Shape), offset: 0);
    }

    /// <summary>
    /// This output begins as <paramref name="input"/>'s elements: over its memory when nobody else wants that, else as
    /// a copy. A kernel then changes some of them.
    /// </summary>
    public void AllocateCopyOf(Node input)
    {
        AllocateOver(input);
        if (Buffer != input.Buffer)
            Kernels.CopyKernels.Run(input, Data);
    }

    /// <summary>
    /// Makes this output a view of <paramref name="input"/>'s memory; strides and offset in this dtype's elements.
    /// </summary>
    public void ShareWith(Node input, long[] strides, long offset)
    {
        input.Buffer!.Retain();
        Buffer = input.Buffer;
        Strides = strides;
        Offset = offset;
    }

    /// <summary>Takes a hold.</summary>
    public void Retain() => Retain(Recycling.OfThread);

    /// <inheritdoc cref="Retain()"/>
    public void Retain(Recycling thread)
    {
        if (Volatile.Read(ref _count) == 0)
            _count = 1;         // whom nobody holds only this thread knows: there is nobody to count against
        else
            Count(thread, 1);
    }

    /// <summary>Gives up a hold and leaves the node as a new one is: held by nobody, and not yet forgotten.</summary>
    public void PassOn() => LetGo(Recycling.OfThread);

    /// <summary>Gives up a hold; whether it was the last one. The only holder has nobody to count against.</summary>
    public bool LetGo(Recycling thread)
    {
        if (Volatile.Read(ref _count) != 1)
            return Count(thread, -1) == 0;
        _count = 0;
        return true;
    }

    /// <summary>
    /// Lets go. The last holder frees the memory, and what only this node held: without recursion, however deep.
    /// </summary>
    public void Release() => Release(Recycling.OfThread);

    /// <inheritdoc cref="Release()"/>
    public void Release(Recycling thread)
    {
        if (!LetGo(thread))
            return;
        if (thread.IsReleasing)
        {
            thread.Dying.Push(this);    // the loop below, further up this thread's stack, goes on with it
            return;
        }

        thread.IsReleasing = true;
        for (Node? node = this; node is not null; thread.Dying.TryPop(out node))
            node.Dissolve(thread);
        thread.IsReleasing = false;
    }

    /// <summary>Forgets the memory: an evaluation failed, or nobody wants this output any more.</summary>
    public void DropBuffer()
    {
        Buffer?.Release();
        Buffer = null;
    }

    /// <summary>A tape remembers this node: it is never used again.</summary>
    public void MarkSeen() => _isSeen = true;

    /// <summary>Empties this dead node and gives it away: nobody knows it any more.</summary>
    public void Recycle(Recycling thread)
    {
        if (_isSeen)
            return;
        Shape = null!;
        Strides = null!;
        _shapeForC = null;
        _rowStridesForC = _stridesForC = null;
        thread.Give(this);
    }

    private static T* Address<T>(T[] pinned)
        where T : unmanaged => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));

    // The new count
    private int Count(Recycling thread, int change)
    {
        if (_counts != thread.Counts)
            _counts.End();
        else if (_counts.TryAdd(ref _count, change, out int count))
            return count;
        return Interlocked.Add(ref _count, change);
    }

    private void Dissolve(Recycling thread)
    {
        if (!_hasSiblings || Operation is null)
        {
            Forget(thread);
            return;
        }

        lock (Evaluator.Gate)       // a sibling's evaluation may be writing this output, or end the operation
            Forget(thread);
    }

    private void Forget(Recycling thread)
    {
        IsDead = true;
        DropBuffer();
        if (Operation is { } operation)
            operation.OutputDied(thread);
        else
            Recycle(thread);
    }

    /// <summary>For errors: <c>[2, 37] float32</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Shape)}] {Type.Name()}";
}
