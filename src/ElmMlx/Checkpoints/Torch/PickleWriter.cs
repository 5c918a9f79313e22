using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>
/// Writes dictionaries, lists and tuples of numbers, texts and tensors as a pickle of protocol 2, as <c>torch.save</c>
/// does. A <see cref="TensorSpec"/> stands for a tensor, whose elements are stored apart under its number.
/// </summary>
internal sealed class PickleWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly List<TensorSpec> _tensors = [];

    private PickleWriter()
    {
    }

    /// <summary>The pickle, and the tensors in the order of their numbers.</summary>
    public static (byte[] Pickle, IReadOnlyList<TensorSpec> Tensors) Write(PickleDict root)
    {
        PickleWriter writer = new();
        writer._bytes.Write<byte>([0x80, 2]);
        writer.Value(root);
        writer._bytes.Write("."u8);
        return (writer._bytes.WrittenSpan.ToArray(), writer._tensors);
    }

    /// <summary>Tensors by name, in an OrderedDict as a state dict is one.</summary>
    public static PickleDict StateDict(IEnumerable<(string Name, TensorSpec Tensor)> tensors)
    {
        PickleDict state = new() { IsOrdered = true };
        foreach ((string name, TensorSpec tensor) in tensors)
            if (!state.TryAdd(name, tensor))
                throw new ArgumentException($"The tensor {name} is to be written twice.", nameof(tensors));
        return state;
    }

    /// <summary>A plain dictionary.</summary>
    public static PickleDict Dict(params IEnumerable<(object Key, object? Value)> entries)
    {
        PickleDict dict = new() { IsOrdered = false };
        foreach ((object key, object? value) in entries)
            dict.TryAdd(key, value);
        return dict;
    }

    private void Value(object? value)
    {
        switch (value)
        {
            case null:
                _bytes.Write<byte>([(byte)'N']);
                break;
            case bool flag:
                _bytes.Write<byte>([flag ? (byte)0x88 : (byte)0x89]);
                break;
            case long number:
                Integer(number);
                break;
            case double number:
                Span<byte> bytes = stackalloc byte[8];
                BinaryPrimitives.WriteDoubleBigEndian(bytes, number);
                _bytes.Write<byte>([(byte)'G']);
                _bytes.Write(bytes);
                break;
            case string text:
                Text(text);
                break;
            case TensorSpec tensor:
                Tensor(tensor);
                break;
            case PickleTuple tuple:
                Items("("u8, tuple.Items, "t"u8);
                break;
            case PickleList list:
                Items("]("u8, list.Items, "e"u8);
                break;
            case PickleDict dict:
                Items(
                    dict.IsOrdered ? "ccollections\nOrderedDict\n)R("u8 : "}("u8,
                    dict.Entries.SelectMany(entry => new[] { entry.Key, entry.Value }), "u"u8);
                break;
            default:
                throw new NotSupportedException($"Checkpoints hold no {value.GetType().Name}.");
        }
    }

    private void Items(ReadOnlySpan<byte> open, IEnumerable<object?> items, ReadOnlySpan<byte> close)
    {
        _bytes.Write(open);
        foreach (object? item in items)
            Value(item);
        _bytes.Write(close);
    }

    // _rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict())
    private void Tensor(TensorSpec tensor)
    {
        _bytes.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
        Text("storage");
        _bytes.Write(Encoding.ASCII.GetBytes($"ctorch\n{StorageName(tensor.Type)}\n"));
        Text(_tensors.Count.ToString(CultureInfo.InvariantCulture));
        Text("cpu");
        Integer(tensor.ByteCount / tensor.Type.Size());
        _bytes.Write("tQ"u8);
        Integer(0);
        Items("("u8, tensor.Shape.Select(dimension => (object?)(long)dimension), "t"u8);
        Items("("u8, tensor.Shape.Select((_, axis) => (object?)tensor.Shape.Skip(axis + 1).Aggregate(
            1L, (product, dimension) => product * dimension)), "t"u8);
        _bytes.Write<byte>([0x89]);
        _bytes.Write("ccollections\nOrderedDict\n)RtR"u8);
        _tensors.Add(tensor);
    }

    private void Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        _bytes.Write<byte>([(byte)'X']);
        _bytes.Write(length);
        _bytes.Write(bytes);
    }

    private void Integer(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        if (value is >= int.MinValue and <= int.MaxValue)
        {
            _bytes.Write<byte>([(byte)'J']);
            _bytes.Write(bytes[..4]);
        }
        else
        {
            _bytes.Write<byte>([0x8a, 8]);
            _bytes.Write(bytes);
        }
    }

    private static string StorageName(TensorType type) => type switch
    {
        TensorType.Float32 => "FloatStorage",
        TensorType.Float16 => "HalfStorage",
        TensorType.BFloat16 => "BFloat16Storage",
        TensorType.Float64 => "DoubleStorage",
        TensorType.Int64 => "LongStorage",
        _ => throw new NotSupportedException($"Checkpoints are not written in {type.Name()}."),
    };
}
