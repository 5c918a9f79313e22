using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>C handles of managed objects: <c>ctx</c> is a <see cref="GCHandle"/>; null is the empty handle.</summary>
internal static unsafe class Handles
{
    /// <summary>The node behind an array handle.</summary>
    /// <exception cref="ArgumentException">The handle is empty.</exception>
    public static Node Node(mlx_array array) =>
        array.ctx is null
            ? throw new ArgumentException("expected a non-empty mlx_array")
            : (Node)GCHandle.FromIntPtr((nint)array.ctx).Target!;

    /// <summary>The node, or null for an empty handle.</summary>
    public static Node? NodeOrNull(mlx_array array) => array.ctx is null ? null : Node(array);

    /// <summary>A new handle that holds <paramref name="node"/>.</summary>
    public static mlx_array New(Node node)
    {
        node.Retain();
        return new mlx_array { ctx = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(node)) };
    }

    /// <summary>Puts <paramref name="node"/> into <paramref name="result"/> in place, as mlx-c does.</summary>
    public static void Set(mlx_array* result, Node node)
    {
        if (result->ctx is null)
        {
            *result = New(node);
            return;
        }

        node.Retain();
        var handle = GCHandle.FromIntPtr((nint)result->ctx);
        var old = (Node)handle.Target!;
        handle.Target = node;
        old.Release();
    }

    /// <summary>Lets go of the node and the handle.</summary>
    public static void Free(mlx_array array)
    {
        if (array.ctx is null)
            return;
        var handle = GCHandle.FromIntPtr((nint)array.ctx);
        ((Node)handle.Target!).Release();
        handle.Free();
    }
}
