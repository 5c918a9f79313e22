using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>
/// An array of the lazy graph: a shape and a dtype, and either the operation that will compute it or the memory that
/// holds it, seen through strides. Counted: handles and waiting operations hold a node. A new node is held by nobody.
/// </summary>
internal sealed unsafe class Node
{
    [ThreadStatic] private static Stack<Node>? s_dying;
    [ThreadStatic] private static bool s_isReleasing;

    private int _count;
    private Operation? _operation;
    private int* _shapePointer;
    private long* _stridesPointer;

    /// <summary>A node that <paramref name="operation"/> will compute.</summary>
    public Node(int[] shape, mlx_dtype type, Operation? operation)
    {
        Shape = shape;
        Type = type;
        Operation = operation;
        long size = 1;
        foreach (int length in shape)
            size = checked(size * length);
        Size = size;
    }

    /// <summary>An evaluated, row-contiguous node over <paramref name="buffer"/>, whose hold it takes over.</summary>
    public Node(int[] shape, mlx_dtype type, Buffer buffer) : this(shape, type, (Operation?)null) => Attach(buffer);

    public int[] Shape { get; }

    public mlx_dtype Type { get; }

    /// <summary>Number of elements.</summary>
    public long Size { get; }

    public int Rank => Shape.Length;

    /// <summary>What computes this node; null once it is evaluated.</summary>
    public Operation? Operation
    {
        get => Volatile.Read(ref _operation);
        set => Volatile.Write(ref _operation, value);
    }

    /// <summary>The memory; null until evaluated.</summary>
    public Buffer? Buffer { get; private set; }

    /// <summary>Elements from one index to the next, an axis each; may be 0 or negative. Set when evaluated.</summary>
    public long[] Strides { get; private set; } = [];

    /// <summary>Elements from the buffer's start to the first element.</summary>
    public long Offset { get; private set; }

    /// <summary>Whether the elements are there. Not yet while an operation is writing them.</summary>
    public bool IsEvaluated => Operation is null && Buffer is not null;

    /// <summary>Whether the last holder has let go.</summary>
    public bool IsDead { get; private set; }

    /// <summary>The first element. Only of an evaluated node.</summary>
    public void* Data => Buffer!.Pointer + Offset * Type.Size();

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

    /// <summary>A copy of the shape for C, which lives as long as the node.</summary>
    public int* ShapePointer
    {
        get
        {
            if (_shapePointer is null)
            {
                _shapePointer = (int*)NativeMemory.Alloc((nuint)Math.Max(Rank, 1), sizeof(int));
                Shape.CopyTo(new Span<int>(_shapePointer, Rank));
            }

            return _shapePointer;
        }
    }

    /// <summary>A copy of the strides for C; row-major ones before the node is evaluated.</summary>
    public long* StridesPointer
    {
        get
        {
            if (_stridesPointer is null)
                _stridesPointer = (long*)NativeMemory.Alloc((nuint)Math.Max(Rank, 1), sizeof(long));
            (IsEvaluated ? Strides : RowStrides(Shape)).CopyTo(new Span<long>(_stridesPointer, Rank));
            return _stridesPointer;
        }
    }

    /// <summary>Row-major strides of a shape, in elements.</summary>
    public static long[] RowStrides(ReadOnlySpan<int> shape)
    {
        var strides = new long[shape.Length];
        long stride = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= shape[axis];
        }

        return strides;
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

    /// <summary>Makes this output a view of <paramref name="input"/>'s memory; strides and offset in this dtype's elements.</summary>
    public void ShareWith(Node input, long[] strides, long offset)
    {
        input.Buffer!.Retain();
        Buffer = input.Buffer;
        Strides = strides;
        Offset = offset;
    }

    public void Retain() => Interlocked.Increment(ref _count);

    /// <summary>Gives up a hold and leaves the node as a new one is: held by nobody, and not yet forgotten.</summary>
    public void PassOn() => Interlocked.Decrement(ref _count);

    /// <summary>Lets go. The last holder frees the memory, and what only this node held: without recursion, however deep.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _count) != 0)
            return;
        Stack<Node> dying = s_dying ??= new();
        dying.Push(this);
        if (s_isReleasing)
            return;     // the loop below, further up this thread's stack, goes on with it
        s_isReleasing = true;
        while (dying.TryPop(out Node? node))
            node.Dissolve(dying);
        s_isReleasing = false;
    }

    /// <summary>Forgets the memory: an evaluation failed, or nobody wants this output any more.</summary>
    public void DropBuffer()
    {
        Buffer?.Release();
        Buffer = null;
    }

    private void Dissolve(Stack<Node> dying)
    {
        if (Operation is { Outputs.Length: > 1 })
        {
            lock (Evaluator.Gate)       // a sibling's evaluation may be writing this output
                Forget(dying);
        }
        else
        {
            Forget(dying);
        }
    }

    private void Forget(Stack<Node> dying)
    {
        IsDead = true;
        DropBuffer();
        NativeMemory.Free(_shapePointer);
        NativeMemory.Free(_stridesPointer);
        _shapePointer = null;
        _stridesPointer = null;
        if (Operation is not { } operation)
            return;
        Operation = null;
        if (!operation.OutputDied())
            return;
        foreach (Node input in operation.TakeInputs())
        {
            if (Interlocked.Decrement(ref input._count) == 0)
                dying.Push(input);
        }
    }

    /// <summary>For errors: <c>[2, 37] float32</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", Shape)}] {Type.Name()}";
}
