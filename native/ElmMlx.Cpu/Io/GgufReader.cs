using System.Buffers.Binary;
using System.Text;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// Reads GGUF files, versions 2 and 3. Counts and lengths are checked against the file's size before anything is made.
/// Tensors of 4- or 8-bit blocks come as words, scales and biases of MLX's affine quantisation, those of K-quants as
/// float16.
/// </summary>
internal sealed class GgufReader
{
    private const int MaxRank = 8;

    private readonly ByteSource _source;
    private readonly long _length;
    private readonly GgufContent _content = new();
    private long _at;

    private GgufReader(ByteSource source) => (_source, _length) = (source, source.Length);

    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public static GgufContent Load(ByteSource source)
    {
        var reader = new GgufReader(source);
        try
        {
            reader.Read();
            return reader._content;
        }
        catch
        {
            reader._content.Clear();
            throw;
        }
    }

    private void Read()
    {
        if (_length < 24 || !Bytes(4).AsSpan().SequenceEqual(GgufFormat.Magic))
            throw Bad("is no GGUF file");
        uint version = UInt32();
        if (version is not (2 or 3))
            throw Bad($"has version {version}; 2 and 3 are read");
        long nTensors = Count(24), nFacts = Count(12);
        for (long i = 0; i < nFacts; i++)
            _content.AddFact(Text(), Fact(UInt32()));
        var tensors = new List<(string Name, int[] Shape, uint Kind, long Offset)>();
        for (long i = 0; i < nTensors; i++)
            tensors.Add((Text(), Shape(), UInt32(), Int64()));
        long alignment = _content.Facts.Get(GgufFormat.AlignmentKey) is Node { Type: MLX_UINT32 } fact
            ? AlignmentOf(fact)
            : GgufFormat.Alignment;
        long data = GgufFormat.Aligned(_at, alignment);
        foreach ((string name, int[] shape, uint kind, long offset) in tensors)
            Tensor(name, shape, kind, checked(data + offset));
    }

    private object Fact(uint kind)
    {
        if (kind == GgufFormat.TextKind)
            return new Utf8Text(Text());
        if (kind != GgufFormat.ListKind)
            return Numbers(kind, 1, []);
        uint inner = UInt32();
        if (inner == GgufFormat.ListKind)
            throw Bad("has lists of lists among its facts");
        if (inner != GgufFormat.TextKind)
            return Numbers(inner, Count(1), null);
        long count = Count(8);
        var texts = new List<Utf8Text>();
        for (long i = 0; i < count; i++)
            texts.Add(new(Text()));
        return texts;
    }

    // As an evaluated array; float64 becomes float32, as in MLX
    private unsafe Node Numbers(uint kind, long count, int[]? shape)
    {
        if (GgufFormat.TypeOfFact(kind) is not { } type)
            throw Bad($"has a fact of kind {kind}");
        byte[] bytes = Bytes(checked(count * type.Size()));
        Node node = Node.New(shape ?? [(int)count], type, Buffer.Allocate(bytes.Length));
        bytes.CopyTo(new Span<byte>(node.Data, bytes.Length));
        if (type != MLX_FLOAT64)
            return node;
        Node narrow = Ops.AsType(node, MLX_FLOAT32);
        Evaluator.Evaluate(narrow);
        return narrow;
    }

    private void Tensor(string name, int[] shape, uint kind, long offset)
    {
        long size = shape.Aggregate(1L, (count, n) => checked(count * n));
        if (GgufFormat.TypeOfTensor(kind) is { } type)
        {
            CheckInside(name, offset, checked(size * type.Size()));
            Add(name, Ops.Make(new Load(_source, offset), shape, type));
            return;
        }

        if (GgufSuperBlocks.BytesOf(kind) is { } nBytesOfBlock)
        {
            byte[] superBlocks = Blocks(name, shape, offset, size, GgufSuperBlocks.Width, nBytesOfBlock);
            Add(name, GgufSuperBlocks.Read(superBlocks, kind, shape));
            return;
        }

        if (kind is not (GgufFormat.Q4 or GgufFormat.Q4WithMinimum or GgufFormat.Q8))
            throw Bad($"has the tensor '{name}' of kind {kind}: "
                + "only numbers, Q4_0, Q4_1, Q8_0, Q2_K, Q4_K and Q6_K are read");
        byte[] blocks = Blocks(name, shape, offset, size, GgufBlocks.Width, GgufBlocks.BytesOf(kind));
        (Node words, Node scales, Node biases) = GgufBlocks.Read(blocks, kind, shape);
        const string Weight = ".weight";
        string stem = name.EndsWith(Weight, StringComparison.Ordinal) ? name[..^Weight.Length] : name;
        Add(name, words);
        Add(stem + ".scales", scales);
        Add(stem + ".biases", biases);
    }

    // Of a tensor whose rows are whole blocks
    private byte[] Blocks(string name, int[] shape, long offset, long size, int width, int nBytesOfBlock)
    {
        if (shape.Length == 0 || shape[^1] % width != 0)
            throw Bad($"has the tensor '{name}' of {shape.LastOrDefault()} columns in blocks of {width}");
        long nBytes = checked(size / width * nBytesOfBlock);
        CheckInside(name, offset, nBytes);
        _at = offset;
        return Bytes(nBytes);
    }

    private void Add(string name, Node array)
    {
        if (!_content.Add(name, array))
            throw Bad($"has two tensors '{name}'");
    }

    private void CheckInside(string name, long offset, long nBytes)
    {
        if (offset < 0 || offset > _length || nBytes > _length - offset)
            throw Bad($"ends before the tensor '{name}'");
    }

    private unsafe long AlignmentOf(Node fact)
    {
        uint alignment = *(uint*)fact.Data;
        return alignment is > 0 and <= 1 << 20 ? alignment : throw Bad($"has the alignment {alignment}");
    }

    // The last axis comes first
    private int[] Shape()
    {
        uint rank = UInt32();
        if (rank > MaxRank)
            throw Bad($"has a tensor of {rank} axes");
        var shape = new int[rank];
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            long n = Int64();
            shape[axis] = n is >= 0 and <= int.MaxValue ? (int)n : throw Bad($"has a tensor of {n} rows");
        }

        return shape;
    }

    private long Count(int bytesEach)
    {
        long count = Int64();
        return count >= 0 && count <= (_length - _at) / bytesEach
            ? count
            : throw Bad($"counts {count} of what it has no room for");
    }

    private string Text() => Encoding.UTF8.GetString(Bytes(Count(1)));

    private uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(sizeof(uint)));

    private long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(sizeof(long)));

    private byte[] Bytes(long count)
    {
        if (count > _length - _at)
            throw Bad("ends too early");
        var bytes = new byte[count];
        _source.Read(_at, bytes);
        _at += count;
        return bytes;
    }

    private InvalidDataException Bad(string what) => new($"[load_gguf] {_source.Label} {what}.");
}
