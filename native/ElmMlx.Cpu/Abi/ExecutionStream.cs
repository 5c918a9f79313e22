namespace ElmMlx.Cpu;

/// <summary>
/// What an <c>mlx_stream</c> names. All streams evaluate on the caller's thread, one evaluation at a time.
/// </summary>
internal sealed record ExecutionStream(Device Device, int Index)
{
    public override string ToString() => $"Stream({Device}, {Index})";
}
