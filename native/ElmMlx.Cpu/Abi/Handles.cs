using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>C handles of managed objects: <c>ctx</c> is a <see cref="GCHandle"/>; null is the empty handle.</summary>
internal static unsafe class Handles
{
    /// <summary>The node behind an array handle.</summary>
    /// <exception cref="ArgumentException">The handle is empty.</exception>
    public static Node Node(mlx_array array) => Target<Node>(array.ctx, nameof(mlx_array));

    /// <summary>The node, or null for an empty handle.</summary>
    public static Node? NodeOrNull(mlx_array array) => array.ctx is null ? null : Node(array);

    /// <summary>The nodes of a vector, in order.</summary>
    public static Node[] Nodes(mlx_vector_array vector) =>
        [.. Target<NodeVector>(vector.ctx, nameof(mlx_vector_array)).Nodes];

    /// <summary>A new handle that holds <paramref name="node"/>.</summary>
    public static mlx_array New(Node node)
    {
        node.Retain();
        return new mlx_array { ctx = NewContext(node) };
    }

    /// <summary>A new handle of a vector that holds <paramref name="nodes"/>.</summary>
    public static mlx_vector_array New(ReadOnlySpan<Node> nodes) => new() { ctx = NewContext(new NodeVector(nodes)) };

    /// <summary>Puts <paramref name="node"/> into <paramref name="result"/> in place, as mlx-c does.</summary>
    public static void Set(mlx_array* result, Node node)
    {
        node.Retain();
        (Replace(&result->ctx, node) as Node)?.Release();
    }

    /// <summary>Puts <paramref name="nodes"/> into <paramref name="result"/> in place.</summary>
    public static void Set(mlx_vector_array* result, ReadOnlySpan<Node> nodes) =>
        (Replace(&result->ctx, new NodeVector(nodes)) as NodeVector)?.Clear();

    /// <summary>Puts a text into <paramref name="result"/> in place.</summary>
    public static void Set(mlx_string* result, string text) => Replace(&result->ctx, new Utf8Text(text));

    /// <summary>Lets go of the node and the handle.</summary>
    public static void Free(mlx_array array) => (Free(array.ctx) as Node)?.Release();

    /// <summary>The context of a new handle.</summary>
    public static void* NewContext(object target) => (void*)GCHandle.ToIntPtr(GCHandle.Alloc(target));

    /// <summary>The object behind a handle of the C type <paramref name="type"/>.</summary>
    /// <exception cref="ArgumentException">The handle is empty.</exception>
    public static T Target<T>(void* context, string type)
        where T : class =>
        context is null
            ? throw new ArgumentException($"expected a non-empty {type}")
            : (T)GCHandle.FromIntPtr((nint)context).Target!;

    /// <summary>Puts an object into a handle in place, new or not; answers the one before.</summary>
    public static object? Replace(void** context, object target)
    {
        if (*context is null)
        {
            *context = NewContext(target);
            return null;
        }

        var handle = GCHandle.FromIntPtr((nint)(*context));
        object? old = handle.Target;
        handle.Target = target;
        return old;
    }

    /// <summary>Ends a handle; answers the object it had.</summary>
    public static object? Free(void* context)
    {
        if (context is null)
            return null;
        var handle = GCHandle.FromIntPtr((nint)context);
        object? target = handle.Target;
        handle.Free();
        return target;
    }

    /// <summary>A C text; null is empty.</summary>
    public static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    /// <summary>A copy of C integers.</summary>
    public static int[] Ints(int* values, nuint count) => new ReadOnlySpan<int>(values, checked((int)count)).ToArray();
}
