using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>A tensor that a source offers.</summary>
/// <param name="Name">CoreNet's name, without any prefix.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The dimensions.</param>
/// <param name="CanReadPieces">Whether any part can be read; otherwise only the whole.</param>
internal sealed record SourceTensor(string Name, TensorType Type, IReadOnlyList<int> Shape, bool CanReadPieces = true)
{
    public long ElementCount
    {
        get
        {
            long count = 1;
            foreach (int dimension in Shape)
                count *= dimension;
            return count;
        }
    }

    public long ByteCount => ElementCount * Type.Size();

    public override string ToString() => $"{Name} [{string.Join(", ", Shape)}]";
}
