using ElmMlx.Weights;

namespace ElmMlx.Checkpoints.Torch;

// What a pickle may say here. Everything else in it is refused: nothing is ever constructed from a name.
// Plain values are .NET's own: null, bool, long, Int128 (beyond 64 bits), double, string.

/// <summary>An ordered dictionary, or a plain one: here both keep their order.</summary>
internal sealed class PickleDict
{
    private readonly Dictionary<object, object?> _values = [];

    public List<KeyValuePair<object, object?>> Entries { get; } = [];

    /// <summary>An OrderedDict may carry attributes (PyTorch's <c>_metadata</c>); a plain dictionary may not.</summary>
    public required bool IsOrdered { get; init; }

    public bool TryAdd(object key, object? value)
    {
        if (!_values.TryAdd(key, value))
            return false;
        Entries.Add(new(key, value));
        return true;
    }

    public object? this[string key] => _values.GetValueOrDefault(key);

    public bool Contains(string key) => _values.ContainsKey(key);
}

/// <summary>A list.</summary>
internal sealed class PickleList
{
    public List<object?> Items { get; } = [];
}

/// <summary>A tuple, or a <c>torch.Size</c>.</summary>
internal sealed record PickleTuple(object?[] Items);

/// <summary>A name from the allow-list.</summary>
/// <param name="Kind">What it stands for.</param>
/// <param name="Type">The element type of a storage class or a dtype; null is raw bytes.</param>
/// <param name="Name">The name in the file, for messages.</param>
internal sealed record PickleGlobal(PickleGlobalKind Kind, TensorType? Type, string Name);

internal enum PickleGlobalKind
{
    OrderedDict,
    RebuildTensor2,
    RebuildTensor3,
    RebuildParameter,
    Size,
    Device,
    Storage,
    DType,
}

/// <summary>A value that says nothing to us, such as <c>torch.device('cpu')</c>.</summary>
internal sealed record PickleOpaque(string Name);

/// <summary>A reference to a run of bytes that lies elsewhere in the checkpoint.</summary>
/// <param name="Key">The record's name: decimal digits.</param>
/// <param name="Type">The element type; null for an untyped storage, which counts bytes.</param>
/// <param name="ElementCount">Number of elements.</param>
internal sealed record TorchStorage(string Key, TensorType? Type, long ElementCount)
{
    public int ElementSize => Type?.Size() ?? 1;

    public long ByteCount => ElementCount * ElementSize;
}

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
