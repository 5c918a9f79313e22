using ElmMlx.Weights;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>A reference to a run of bytes that lies elsewhere in the checkpoint.</summary>
/// <param name="Key">The record's name: decimal digits.</param>
/// <param name="Type">The element type; null for an untyped storage, which counts bytes.</param>
/// <param name="ElementCount">Number of elements.</param>
internal sealed record TorchStorage(string Key, TensorType? Type, long ElementCount)
{
    public int ElementSize => Type?.Size() ?? 1;

    public long ByteCount => ElementCount * ElementSize;
}
