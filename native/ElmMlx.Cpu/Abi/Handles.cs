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
        if (result->ctx is null)
            result->ctx = HandleTable.Add(node);
        else
            (Replace(&result->ctx, node) as Node)?.Release();
    }

    /// <summary>Puts <paramref name="nodes"/> into <paramref name="result"/> in place.</summary>
    public static void Set(mlx_vector_array* result, ReadOnlySpan<Node> nodes) =>
        (Replace(&result->ctx, NodeVector.New(nodes)) as NodeVector)?.End();

    /// <summary>Puts a text into <paramref name="result"/> in place.</summary>
    public static void Set(mlx_string* result, string text) => Replace(&result->ctx, new Utf8Text(text));

    /// <summary>Lets go of the node and the handle.</summary>
    public static void Free(mlx_array array) => (Free(array.ctx) as Node)?.Release();

    /// <summary>The context of a new handle.</summary>
    public static void* NewContext(object target) => HandleTable.Add(target);

    /// <summary>The object behind a handle of the C type <paramref name="type"/>.</summary>
    /// <exception cref="ArgumentException">The handle is empty, freed or of another type.</exception>
    public static T Target<T>(void* context, string type)
        where T : class
    {
        if (context is null)
            throw new ArgumentException($"expected a non-empty {type}");
        return HandleTable.Target(context, type) as T
            ?? throw new ArgumentException($"expected a valid {type}: this is a handle of another type");
    }

    /// <summary>Puts an object into a handle in place, new or not; answers the one before.</summary>
    public static object? Replace(void** context, object target)
    {
        if (*context is null)
        {
            *context = NewContext(target);
            return null;
        }

        ref object? place = ref HandleTable.Target(*context, "handle");
        object? old = place;
        place = target;
        return old;
    }

    /// <summary>Ends a handle; answers the object it had.</summary>
    public static object? Free(void* context) => context is null ? null : HandleTable.Remove(context, "handle");

    /// <summary>A C text; null is empty.</summary>
    public static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    /// <summary>C integers; a shared array.</summary>
    public static int[] Ints(int* values, nuint count) =>
        Interned.Of(new ReadOnlySpan<int>(values, checked((int)count)));
}
