using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>C handles of managed objects: <c>ctx</c> is one of the <see cref="HandleTable"/>, or null: empty.</summary>
internal static unsafe class Handles
{
    /// <summary>The node behind an array handle.</summary>
    /// <exception cref="ArgumentException">The handle is empty.</exception>
    public static Node Node(mlx_array array) => Target<Node>(array.ctx, nameof(mlx_array));

    /// <summary>The node, or null for an empty handle.</summary>
    public static Node? NodeOrNull(mlx_array array) => array.ctx is null ? null : Node(array);

    /// <summary>The nodes of a vector, in order.</summary>
    public static Node[] Nodes(mlx_vector_array vector) =>
        Target<NodeVector>(vector.ctx, nameof(mlx_vector_array)).Span.ToArray();

    /// <summary>Refuses what is no stream.</summary>
    /// <exception cref="ArgumentException">The handle is empty, was freed, or is of another type.</exception>
    public static void Given(mlx_stream stream) => Target<ExecutionStream>(stream.ctx, nameof(mlx_stream));

    /// <summary>A new handle that holds <paramref name="node"/>.</summary>
    public static mlx_array New(Node node)
    {
        node.Retain();
        return new mlx_array { ctx = NewContext(node) };
    }

    /// <summary>A new handle of a vector that holds <paramref name="nodes"/>.</summary>
    public static mlx_vector_array New(ReadOnlySpan<Node> nodes) => new() { ctx = NewContext(NodeVector.New(nodes)) };

    /// <summary>Puts <paramref name="node"/> into <paramref name="result"/> in place, as mlx-c does.</summary>
    public static void Set(mlx_array* result, Node node)
    {
        node.Retain();
        Replace(&result->ctx, node, nameof(mlx_array))?.Release();
    }

    /// <summary>Puts <paramref name="nodes"/> into <paramref name="result"/> in place.</summary>
    public static void Set(mlx_vector_array* result, ReadOnlySpan<Node> nodes) =>
        Replace(&result->ctx, NodeVector.New(nodes), nameof(mlx_vector_array))?.End();

    /// <summary>Puts a text into <paramref name="result"/> in place.</summary>
    public static void Set(mlx_string* result, string text) =>
        Replace(&result->ctx, new Utf8Text(text), nameof(mlx_string));

    /// <summary>Lets go of the node and the handle.</summary>
    public static void Free(mlx_array array) => Free<Node>(array.ctx, nameof(mlx_array))?.Release();

    /// <summary>The context of a new handle.</summary>
    public static void* NewContext(object target) => HandleTable.Add(target);

    /// <inheritdoc cref="HandleTable.Target{T}(void*, string)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Target<T>(void* context, string type)
        where T : class => HandleTable.Target<T>(context, type);

    /// <summary>Puts an object into a handle in place, new or not; answers the one before.</summary>
    /// <exception cref="ArgumentException">The handle was freed, never was one, or is of another type.</exception>
    public static T? Replace<T>(void** context, T target, string type)
        where T : class
    {
        if (*context is not null)
            return HandleTable.Replace(*context, target, type);
        *context = HandleTable.Add(target);
        return null;
    }

    /// <summary>Ends a handle; answers the object it had, null for an empty one.</summary>
    /// <exception cref="ArgumentException">It was freed, never was one, or is of another type.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T? Free<T>(void* context, string type)
        where T : class => context is null ? null : HandleTable.Remove<T>(context, type);

    /// <summary>Ends a handle of a type of which this provider makes none: only an empty one is right.</summary>
    /// <exception cref="ArgumentException">It is not empty.</exception>
    public static void FreeNone(void* context, string type)
    {
        if (context is not null)
            throw new ArgumentException($"expected an empty {type}: there is none on this provider");
    }

    /// <summary>A C text; null is empty.</summary>
    public static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    /// <summary>C integers; a shared array.</summary>
    public static int[] Ints(int* values, nuint count) =>
        Interned.Of(new ReadOnlySpan<int>(values, checked((int)count)));
}
