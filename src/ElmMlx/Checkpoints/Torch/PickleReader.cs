using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>
/// A symbolic reader of pickles: it knows the operations that PyTorch's checkpoints need, the names of the allow-list,
/// and nothing else. Every count is bounded before it is believed.
/// </summary>
internal sealed class PickleReader
{
    private const int MaxOperations = 4_000_000;
    private const int MaxStack = 1_000_000;
    private const int MaxMarks = 256;
    private const int MaxMemo = 1_000_000;
    private const int MaxTextBytes = 1 << 16;
    private const int MaxDepth = 32;
    private const long MaxUnfolded = 4_000_000;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly byte[] _bytes;
    private readonly string _source;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private int _position;

    /// <param name="bytes">A buffer that holds one pickle or several.</param>
    /// <param name="source">The file and record, for errors.</param>
    /// <param name="position">Where the first pickle begins.</param>
    public PickleReader(byte[] bytes, string source, int position = 0)
    {
        _bytes = bytes;
        _source = source;
        _position = position;
    }

    /// <summary>The first byte after the pickle that was read last.</summary>
    public int Position => _position;

    /// <summary>Reads one pickle.</summary>
    /// <exception cref="InvalidDataException">
    /// It is broken, or holds something that no checkpoint of weights needs.
    /// </exception>
    public object? Read()
    {
        _stack.Clear();
        _marks.Clear();
        _memo.Clear();
        if (Byte() != 0x80 || Byte() is not (>= 2 and <= 5))
            throw Bad("it does not begin as a pickle of protocol 2 to 5");
        for (int operations = 0; ; operations++)
        {
            if (operations == MaxOperations)
                throw Bad($"it has more than {MaxOperations} operations");
            if (_stack.Count > MaxStack)
                throw Bad("it piles up too many values");
            byte operation = Byte();
            if (operation == '.')
                break;
            Execute(operation);
        }
        if (_stack.Count != 1 || _marks.Count != 0)
            throw Bad("it does not end with exactly one value");
        Measure(_stack[0], 0, new Dictionary<object, long>(ReferenceEqualityComparer.Instance));
        return _stack[0];
    }

    private void Execute(byte operation)
    {
        switch (operation)
        {
            case (byte)'(': Mark(); break;
            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'K': Push((long)Byte()); break;
            case (byte)'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case (byte)'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case 0x8a: PushInteger(LongInteger(Byte())); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
            case (byte)'X': Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); break;
            case 0x8c: Push(Text(Byte())); break;
            case (byte)'}': Push(new PickleDict { IsOrdered = false }); break;
            case (byte)']': Push(new PickleList()); break;
            case (byte)')': Push(new PickleTuple([])); break;
            case 0x85: Push(new PickleTuple(PopMany(1))); break;
            case 0x86: Push(new PickleTuple(PopMany(2))); break;
            case 0x87: Push(new PickleTuple(PopMany(3))); break;
            case (byte)'t': Push(new PickleTuple(PopToMark())); break;
            case (byte)'a': AppendTo(PopMany(1)); break;
            case (byte)'e': AppendTo(PopToMark()); break;
            case (byte)'s': SetItems(PopMany(2)); break;
            case (byte)'u': SetItems(PopToMark()); break;
            case (byte)'q': Put(Byte()); break;
            case (byte)'r': Put(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;
            case 0x94: Put((uint)_memo.Count); break;
            case (byte)'h': Get(Byte()); break;
            case (byte)'j': Get(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))); break;
            case 0x95: Frame(BinaryPrimitives.ReadUInt64LittleEndian(Take(8))); break;
            case (byte)'c': Push(Global(Line(), Line())); break;
            case 0x93: StackGlobal(); break;
            case (byte)'Q': Push(Storage(Pop())); break;
            case (byte)'R': Reduce(); break;
            case (byte)'b': Build(); break;
            default:
                throw Bad($"it uses the operation 0x{operation:X2}, which no checkpoint of weights needs");
        }
    }

    private void Mark()
    {
        if (_marks.Count == MaxMarks)
            throw Bad("it is nested too deeply");
        _marks.Add(_stack.Count);
    }

    private void Push(object? value) => _stack.Add(value);

    // Values below the topmost mark belong to somebody else.
    private object? Pop()
    {
        if (_stack.Count <= (_marks.Count > 0 ? _marks[^1] : 0))
            throw Bad("it takes a value that is not there");
        object? value = _stack[^1];
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object? Top => _stack.Count > (_marks.Count > 0 ? _marks[^1] : 0)
        ? _stack[^1]
        : throw Bad("it uses a value that is not there");

    private object?[] PopMany(int count)
    {
        var values = new object?[count];
        for (int i = count - 1; i >= 0; i--)
            values[i] = Pop();
        return values;
    }

    private object?[] PopToMark()
    {
        if (_marks.Count == 0)
            throw Bad("it closes a group that was not opened");
        int start = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        object?[] values = [.. _stack.GetRange(start, _stack.Count - start)];
        _stack.RemoveRange(start, values.Length);
        return values;
    }

    private void AppendTo(object?[] values)
    {
        if (Top is not PickleList list)
            throw Bad("it appends to something that is not a list");
        list.Items.AddRange(values);
    }

    private void SetItems(object?[] values)
    {
        if (Top is not PickleDict dictionary)
            throw Bad("it sets entries of something that is not a dictionary");
        if (values.Length % 2 != 0)
            throw Bad("it gives a key without a value");
        for (int i = 0; i < values.Length; i += 2)
        {
            if (values[i] is not (string or long or bool) || values[i] is not { } key)
                throw Bad("a dictionary's key is neither a text nor a number");
            if (!dictionary.TryAdd(key, values[i + 1]))
                throw Bad($"the key '{key}' stands twice");
        }
    }

    private void Put(uint index)
    {
        if (index >= MaxMemo)
            throw Bad("it remembers too many values");
        _memo[index] = Top;
    }

    private void Get(uint index)
    {
        if (!_memo.TryGetValue(index, out object? value))
            throw Bad("it recalls a value that it never remembered");
        Push(value);
    }

    private void Frame(ulong length)
    {
        if (length > (ulong)(_bytes.Length - _position))
            throw Bad("a frame is longer than the file");
    }

    private void StackGlobal()
    {
        object? name = Pop();
        if (Pop() is not string module || name is not string text)
            throw Bad("it names something with a value that is not a text");
        Push(Global(module, text));
    }

    private PickleGlobal Global(string module, string name) =>
        PickleGlobals.TryGet(module, name, out PickleGlobal? value)
            ? value!
            : throw Bad($"it asks for '{Printable(module)}.{Printable(name)}', which is not on the list of names " +
                "that weights need");

    // ('storage', class, key, location, count[, None])
    private TorchStorage Storage(object? id)
    {
        if (id is not PickleTuple { Items: var items } || items.Length is not (5 or 6) || items.Length == 6
            && items[5] is not null)
            throw Bad("a reference to a storage is not what it should be");
        if (items[0] is not "storage" || items[1] is not PickleGlobal { Kind: PickleGlobalKind.Storage } type ||
            items[2] is not string key || items[3] is not string || items[4] is not long count)
            throw Bad("a reference to a storage is not what it should be");
        if (key.Length is 0 or > 20 || key.AsSpan().ContainsAnyExceptInRange('0', '9'))
            throw Bad($"a storage's key is '{Printable(key)}', not a number");
        var storage = new TorchStorage(key, type.Type, count);
        if (count < 0 || count > long.MaxValue / 8)
            throw Bad($"storage {key} claims {count} elements");
        return storage;
    }

    private void Reduce()
    {
        object? argument = Pop();
        if (Pop() is not PickleGlobal function || argument is not PickleTuple { Items: var arguments })
            throw Bad("it calls something that is not a function");
        Push(function.Kind switch
        {
            PickleGlobalKind.OrderedDict when arguments.Length == 0 => new PickleDict { IsOrdered = true },
            PickleGlobalKind.Size when arguments is [PickleTuple sizes] => sizes,
            PickleGlobalKind.Device when arguments is [string] or [string, long] => new PickleOpaque(function.Name),
            PickleGlobalKind.RebuildTensor2 => RebuildTensor(arguments, arguments.Length is 6 or 7, 6, null),
            PickleGlobalKind.RebuildTensor3 => RebuildTensor(
                arguments, arguments.Length is 7 or 8, 7, arguments.Length > 6 ? arguments[6] as PickleGlobal : null),
            PickleGlobalKind.RebuildParameter
                when arguments is [TorchTensor tensor, bool, PickleDict { Entries.Count: 0 }] => tensor,
            _ => throw Bad($"it calls {function.Name} with arguments that do not fit"),
        });
    }

    // (storage, offset, size, stride, requires_grad, hooks[, dtype][, metadata])
    private TorchTensor RebuildTensor(object?[] arguments, bool countFits, int metadata, PickleGlobal? dtype)
    {
        if (!countFits || arguments[0] is not TorchStorage storage || arguments[1] is not long offset ||
            arguments[2] is not PickleTuple size
                || arguments[3] is not PickleTuple stride
                || arguments[4] is not bool ||
            arguments[5] is not (null or PickleDict { Entries.Count: 0 }) ||
            arguments.Length > metadata && arguments[metadata] is not null)
            throw Bad("a tensor is not described as it should be");
        Weights.TensorType? type = metadata == 7
            ? dtype is { Kind: PickleGlobalKind.DType } ? dtype.Type : null
            : storage.Type;
        if (type is null || metadata == 7 && storage.Type is not null && storage.Type != type)
            throw Bad("a tensor's element type does not fit its storage");
        if (TorchTensors.TryCreate(storage, type.Value, offset, size, stride, out string? problem) is not { } tensor)
            throw Bad($"a tensor over storage {storage.Key} {problem}");
        return tensor;
    }

    // PyTorch gives a state dict one attribute, _metadata: versions of modules, which say nothing to us.
    private void Build()
    {
        object? state = Pop();
        if (Top is not PickleDict { IsOrdered: true }
            || state is not PickleDict { Entries: [{ Key: "_metadata", Value: PickleDict }] })
            throw Bad("it sets attributes of an object");
    }

    // How many values the result unfolds to, when everything shared is counted as often as it is used.
    private long Measure(object? value, int depth, Dictionary<object, long> known)
    {
        if (value is not (PickleDict or PickleList or PickleTuple))
            return 1;
        if (known.TryGetValue(value, out long count))
            return count >= 0 ? count : throw Bad("a value contains itself");
        if (depth == MaxDepth)
            throw Bad($"its values are nested more than {MaxDepth} deep");
        known[value] = -1;
        count = 1;
        IEnumerable<object?> children = value switch
        {
            PickleDict dictionary => dictionary.Entries.Select(entry => entry.Value),
            PickleList list => list.Items,
            PickleTuple tuple => tuple.Items,
            _ => [],
        };
        foreach (object? child in children)
        {
            count += Measure(child, depth + 1, known);
            if (count > MaxUnfolded)
                throw Bad($"its values unfold to more than {MaxUnfolded}");
        }
        known[value] = count;
        return count;
    }

    private void PushInteger(Int128 value)
    {
        if (value >= long.MinValue && value <= long.MaxValue)
            Push((long)value);
        else
            Push(value);
    }

    private Int128 LongInteger(int length)
    {
        ReadOnlySpan<byte> bytes = Take(length);
        if (length > 16)
            throw Bad("it holds a number beyond 128 bits");
        Int128 value = 0;
        for (int i = length - 1; i >= 0; i--)
            value = i == length - 1 ? (sbyte)bytes[i] : value << 8 | bytes[i];
        return value;
    }

    private string Text(uint length)
    {
        if (length > MaxTextBytes)
            throw Bad($"it holds a text of {length} bytes");
        ReadOnlySpan<byte> bytes = Take((int)length);
        if (!Utf8.IsValid(bytes))
            throw Bad("it holds a text that is not valid UTF-8");
        return StrictUtf8.GetString(bytes);
    }

    private string Line()
    {
        int length = _bytes.AsSpan(_position, Math.Min(256, _bytes.Length - _position)).IndexOf((byte)'\n');
        if (length < 0)
            throw Bad("it holds a name without an end");
        string text = Encoding.Latin1.GetString(_bytes, _position, length);
        _position += length + 1;
        return text;
    }

    private byte Byte() => Take(1)[0];

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _bytes.Length - _position)
            throw Bad("it ends in the middle");
        _position += count;
        return _bytes.AsSpan(_position - count, count);
    }

    private static string Printable(string text)
    {
        string cut = text.Length > 80 ? text[..80] + "…" : text;
        return string.Concat(cut.Select(c => char.IsControl(c) ? '?' : c));
    }

    private InvalidDataException Bad(string what) => new($"{_source} is refused: {what}.");
}
