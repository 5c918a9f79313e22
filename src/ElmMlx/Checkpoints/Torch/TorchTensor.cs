using ElmMlx.Weights;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>A tensor: a view of a storage. Offset and strides count elements.</summary>
internal sealed record TorchTensor(TorchStorage Storage, TensorType Type, long Offset, long[] Shape, long[] Strides)
{
    public long ElementCount
    {
        get
        {
            long count = 1;
            foreach (long dimension in Shape)
                count *= dimension;
            return count;
        }
    }

    public long ByteCount => ElementCount * Type.Size();

    /// <summary>Whether the elements lie row-major without gaps; dimensions of one element have any stride.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected)
                    return ElementCount == 0;
                expected *= Shape[i];
            }
            return true;
        }
    }
}
