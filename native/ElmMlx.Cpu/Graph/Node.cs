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
    public Node(int[] shape, mlx_dtype type, Buffer buffer) : this(shape, type, (Operation?)null)
    {
        Buffer = buffer;
        Strides = RowStrides(shape);
    }

    public int[] Shape { get; }

    public mlx_dtype Type { get; }

    /// <summary>Number of elements.</summary>
    public long Size { get; }

    public int Rank => Shape.Length;

    /// <summary>What computes this node; null once it is evaluated.</summary>
    public Operation? Operation { get; set; }

    /// <summary>The memory; null until evaluated.</summary>
    public Buffer? Buffer { get; private set; }

    /// <summary>Elements from one index to the next, an axis each; may be 0 or negative. Set when evaluated.</summary>
    public long[] Strides { get; private set; } = [];

    /// <summary>Elements from the buffer's start to the first element.</summary>
    public long Offset { get; private set; }

    public bool IsEvaluated => Buffer is not null;

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
        Buffer = Buffer.Allocate(Size * Type.Size());
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

    /// <summary>Makes this output a view of <paramref name="input"/>'s memory; strides and offset in this dtype's elements.</summary>
    public void ShareWith(Node input, long[] strides, long offset)
    {
        input.Buffer!.Retain();
        Buffer = input.Buffer;
        Strides = strides;
        Offset = offset;
    }

    public void Retain() => Interlocked.Increment(ref _count);

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

    private void Dissolve(Stack<Node> dying)
    {
        Buffer?.Release();
        Buffer = null;
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
