namespace ElmMlx.Weights;

/// <summary>What a file says about one tensor; its elements are row-major and little-endian.</summary>
/// <param name="Name">The key in the file.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The dimensions, outermost first; empty for a scalar.</param>
/// <param name="Offset">Where the elements begin, in bytes from the start of the file.</param>
/// <param name="ByteCount">Length of the elements in bytes.</param>
public sealed record TensorInfo(string Name, TensorType Type, IReadOnlyList<int> Shape, long Offset, long ByteCount)
{
    /// <summary>Number of elements.</summary>
    public long ElementCount => ByteCount / Type.Size();

    /// <summary>For messages: <c>name [2, 3] float32</c>.</summary>
    public override string ToString() => $"{Name} [{string.Join(", ", Shape)}] {Type.Name()}";
}
