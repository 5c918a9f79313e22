using System.Buffers.Binary;

namespace ElmMlx.Text;

/// <summary>
/// Reads protobuf's wire format: strict about structure, silent about fields that nobody asks for.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> data)
{
    private const int MaxGroupDepth = 100;

    private ReadOnlySpan<byte> _rest = data;

    public int Field { get; private set; }

    public WireType Wire { get; private set; }

    public enum WireType
    {
        Varint = 0,
        Fixed64 = 1,
        Bytes = 2,
        StartGroup = 3,
        EndGroup = 4,
        Fixed32 = 5,
    }

    /// <summary>Goes to the next field; false at the end.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty)
            return false;
        var tag = ReadVarint();
        Field = (int)(tag >> 3);
        Wire = (WireType)(tag & 7);
        if (tag > uint.MaxValue || Field == 0 || (int)Wire > 5)
            throw Broken($"a field has the impossible tag {tag}");
        return true;
    }

    public ulong ReadVarint()
    {
        ulong value = 0;
        for (var i = 0; i < 10; i++)
        {
            var b = Take(1)[0];
            value |= (ulong)(b & 0x7F) << (7 * i);
            if (b < 0x80)
                return value;
        }
        throw Broken("a number has more than ten bytes");
    }

    public ReadOnlySpan<byte> ReadBytes()
    {
        var length = ReadVarint();
        if (length > (ulong)_rest.Length)
            throw Broken($"a field of {length} bytes goes past the end");
        return Take((int)length);
    }

    public float ReadFloat() => BinaryPrimitives.ReadSingleLittleEndian(Take(4));

    /// <summary>Passes over the field just met; groups are walked without recursion.</summary>
    public void Skip()
    {
        var open = new Stack<int>();
        do
        {
            switch (Wire)
            {
                case WireType.Varint:
                    ReadVarint();
                    break;
                case WireType.Fixed64:
                    Take(8);
                    break;
                case WireType.Bytes:
                    ReadBytes();
                    break;
                case WireType.Fixed32:
                    Take(4);
                    break;
                case WireType.StartGroup:
                    if (open.Count == MaxGroupDepth)
                        throw Broken($"groups are nested more than {MaxGroupDepth} deep");
                    open.Push(Field);
                    break;
                default:
                    if (open.Count == 0 || open.Pop() != Field)
                        throw Broken("a group ends that never started");
                    break;
            }
        }
        while (open.Count > 0 && NextInGroup());
    }

    private bool NextInGroup() => Next() ? true : throw Broken("a group has no end");

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _rest.Length)
            throw Broken("it ends in the middle of a field");
        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    private static FormatException Broken(string how) =>
        new($"is not a SentencePiece model, {how}; fetch the file again");
}
