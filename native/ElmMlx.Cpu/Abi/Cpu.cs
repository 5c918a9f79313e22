using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>The C interface on this processor, by topic: arrays, operations, streams, … A function that has no method
/// here answers "not implemented".</summary>
internal readonly unsafe partial struct Cpu : ICpuInterface
{
    /// <summary>Stores <paramref name="node"/> in an in/out handle: what the handle held before is let go.</summary>
    private static int Return(mlx_array* result, Node node)
    {
        Handles.Set(result, node);
        return 0;
    }
}
