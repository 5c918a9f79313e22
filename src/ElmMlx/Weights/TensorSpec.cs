namespace ElmMlx.Weights;

/// <summary>A tensor that is to be written.</summary>
/// <param name="Name">The key in the file.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">The dimensions, outermost first.</param>
public sealed record TensorSpec(string Name, TensorType Type, IReadOnlyList<int> Shape)
{
    /// <summary>Length of the elements in bytes.</summary>
    public long ByteCount
    {
        get
        {
            long count = Type.Size();
            foreach (int dimension in Shape)
                count = checked(count * dimension);
            return count;
        }
    }
}
