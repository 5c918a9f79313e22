using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// The safetensors reader refuses what the format forbids, and the writer gives the same bytes for the same tensors.
/// </summary>
public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-safetensors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Header, bytes of data, a word of the error; null: it must load. Named after the attack.
    public static TheoryData<string, string, int, string?> Headers() => new()
    {
        { "one tensor", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, null },
        { "padding after the object", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   """, 8, null },
        { "nothing at all", "{}", 0, null },
        { "a scalar and an empty tensor", """{"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[3,0],"data_offsets":[4,4]}}""", 4, null },
        { "metadata null, as MLX writes it",
            """{"__metadata__":null,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, null },
        { "metadata", """{"__metadata__":{"format":"pt"}}""", 0, null },
        { "metadata not an object", """{"__metadata__":[1]}""", 0, "__metadata__" },
        { "metadata value a number", """{"__metadata__":{"a":1}}""", 0, "__metadata__" },
        { "metadata twice", """{"__metadata__":{},"__metadata__":{}}""", 0, "twice" },
        { "metadata key twice", """{"__metadata__":{"a":"1","\u0061":"2"}}""", 0, "twice" },
        { "duplicate name", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "twice" },
        { "duplicate name, escaped", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "twice" },
        { "overlap", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""", 3, "overlaps" },
        { "the same bytes ten times", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 2, "overlaps" },
        { "hole", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}""", 5, "hole" },
        { "hole at the start", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""", 3, "hole" },
        { "bytes behind the last tensor", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 3,
            "belong to no tensor" },
        { "data cut short", """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 1, "cut short" },
        { "shape and offsets disagree", """{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "12 bytes" },
        { "offsets reversed", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "reversed" },
        { "shape overflows to 0",
            """{"a":{"dtype":"F64","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,0]}}""", 0,
            "overflows" },
        { "negative dimensions whose product fits", """{"a":{"dtype":"F32","shape":[-1,-4],"data_offsets":[0,16]}}""",
            16, "whole number" },
        { "minus zero", """{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}""", 0, "whole number" },
        { "fraction", """{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""", 8, "whole number" },
        { "exponent", """{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}""", 4, "whole number" },
        { "dimension beyond 31 bits", """{"a":{"dtype":"U8","shape":[2147483648,0],"data_offsets":[0,0]}}""", 0,
            "whole number" },
        { "offset beyond 63 bits", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551615,0]}}""", 0,
            "whole number" },
        { "nine dimensions", """{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}""", 1,
            "dimensions" },
        { "three offsets", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""", 1, "two numbers" },
        { "one offset", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}""", 1, "whole number" },
        { "unknown dtype", """{"a":{"dtype":"%s%n","shape":[1],"data_offsets":[0,1]}}""", 1, "dtype" },
        { "dtype narrower than a byte", """{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}""", 1, "dtype" },
        { "dtype missing", """{"a":{"shape":[1],"data_offsets":[0,1]}}""", 1, "lacks" },
        { "shape missing", """{"a":{"dtype":"U8","data_offsets":[0,1]}}""", 1, "lacks" },
        { "dtype twice", """{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "twice" },
        { "unknown field", """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":0}}""", 1, "unknown" },
        { "entry not an object", """{"a":5}""", 0, "object" },
        { "deep nesting", """{"a":{"dtype":"U8","shape":[[[[[1]]]]],"data_offsets":[0,1]}}""", 1, "" },
        { "empty name", """{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "name" },
        { "control character in a name", """{"a\u0000b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1,
            "control" },
        { "lone surrogate in a name", """{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "Unicode" },
        { "a list", "[]", 0, "begin" },
        { "not JSON", "{abc}", 0, "JSON" },
        { "cut JSON", """{"a":{"dtype":"U8","shape":[1],"data_off""", 0, "JSON" },
        { "two objects", "{}{}", 0, "" },
        { "a comment", "{/*x*/}", 0, "JSON" },
        { "leading blank", " {}", 0, "begin" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void Header_loads_or_is_refused(string attack, string header, int dataBytes, string? error)
    {
        string path = Write(Encoding.UTF8.GetBytes(header), new byte[dataBytes]);
        if (error is null)
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            foreach (TensorInfo tensor in file.Tensors.Values)
                file.Read(tensor, new byte[tensor.ByteCount]);
            return;
        }
        var refusal = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.True(refusal.Message.Contains(error, StringComparison.Ordinal), $"{attack}: {refusal.Message}");
        Assert.Contains(path, refusal.Message);
    }

    [Theory]
    [InlineData(0, "short")]
    [InlineData(7, "short")]
    [InlineData(8, "length")]
    [InlineData(20, "length")]
    public void Cut_file_is_refused(int length, string word)
    {
        byte[] whole = File.ReadAllBytes(Write("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"""u8, [1]));
        string path = Path.Combine(_folder, "cut.safetensors");
        File.WriteAllBytes(path, whole[..length]);
        Assert.Contains(word, Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path)).Message);
    }

    [Theory]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    public void Lying_header_length_allocates_nothing(ulong claimed)
    {
        string path = Path.Combine(_folder, "lie.safetensors");
        var bytes = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, claimed);
        File.WriteAllBytes(path, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void Header_that_is_not_utf8_is_refused() =>
        Assert.Contains("UTF-8", Assert.Throws<InvalidDataException>(
            () => SafetensorsFile.Open(Write([(byte)'{', (byte)'"', 0xFF, (byte)'"', (byte)'}'], []))).Message);

    [Fact]
    public void Changed_bytes_never_escape_as_another_error()
    {
        byte[] original = File.ReadAllBytes(Write(
            """{"__metadata__":{"format":"mlx"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[2,2],"data_offsets":[8,16]}}"""u8,
            new byte[16]));
        var random = new Random(5);
        string path = Path.Combine(_folder, "mutated.safetensors");
        for (int i = 0; i < 3000; i++)
        {
            byte[] changed = [.. original];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(path, changed);
            try
            {
                using SafetensorsFile file = SafetensorsFile.Open(path);
                foreach (TensorInfo tensor in file.Tensors.Values)
                    file.Read(tensor, new byte[tensor.ByteCount]);
            }
            catch (InvalidDataException)
            {
                // refused, as most changes should be
            }
        }
    }

    [Fact]
    public void Writer_and_reader_agree_whatever_the_order()
    {
        TensorSpec[] specs =
        [
            new("z", TensorType.UInt8, [3]), new("b", TensorType.BFloat16, [2, 3]), new("a", TensorType.Float32, [5]),
            new("scalar", TensorType.Int64, []), new("empty", TensorType.Float16, [0, 7]),
            new("größe \"quoted\"", TensorType.UInt32, [2]),
        ];
        var data = specs.ToDictionary(spec => spec.Name, spec => RandomNumberGenerator.GetBytes((int)spec.ByteCount));
        string first = Path.Combine(_folder, "first.safetensors");
        string second = Path.Combine(_folder, "second.safetensors");
        var metadata = new Dictionary<string, string> { ["format"] = "mlx", ["a"] = "%s" };
        WriteAll(first, specs, 1000);
        WriteAll(second, [.. specs.Reverse()], 3);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
        Assert.Empty(Directory.EnumerateFiles(_folder, "*.partial*"));

        using SafetensorsFile file = SafetensorsFile.Open(first);
        Assert.Equal(specs.Length, file.Tensors.Count);
        Assert.Equal("%s", file.Metadata["a"]);
        foreach (TensorSpec spec in specs)
        {
            TensorInfo info = file[spec.Name];
            Assert.Equal((spec.Type, spec.ByteCount), (info.Type, info.ByteCount));
            Assert.Equal(spec.Shape, info.Shape);
            var bytes = new byte[info.ByteCount];
            file.Read(info, bytes);
            Assert.Equal(data[spec.Name], bytes);
            Assert.Equal(0, info.ByteCount == 0 ? 0 : info.Offset % spec.Type.Size());
        }

        void WriteAll(string path, TensorSpec[] order, int piece)
        {
            using var writer = new SafetensorsWriter(path, order, metadata);
            foreach (TensorSpec spec in order)
                foreach (byte[] part in data[spec.Name].Chunk(piece))
                    writer.Write(spec.Name, part);
            writer.Commit();
        }
    }

    [Fact]
    public void Writer_left_without_commit_leaves_nothing()
    {
        string path = Path.Combine(_folder, "never.safetensors");
        using (var writer = new SafetensorsWriter(path, [new("a", TensorType.UInt8, [2])]))
        {
            writer.Write("a", [1]);
            Assert.Contains("1 of the 2", Assert.Throws<InvalidOperationException>(writer.Commit).Message);
        }
        Assert.Empty(Directory.EnumerateFiles(_folder));
    }

    [Fact]
    public void Writer_refuses_a_name_twice() =>
        Assert.Throws<ArgumentException>(() => new SafetensorsWriter(
            Path.Combine(_folder, "twice.safetensors"),
            [new("a", TensorType.UInt8, [2]), new("a", TensorType.UInt8, [2])]));

    [Fact]
    public void Shards_and_index_give_the_same_tensors_as_one_file()
    {
        using var whole = WeightFiles.Open(Fixtures.Path("mlx-lm/micro"));
        using var shards = WeightFiles.Open(Fixtures.Path("mlx-lm/micro-sharded"));
        Assert.Equal(3, shards.Files.Count());
        AssertSame(whole, shards);

        string folder = Path.Combine(_folder, "split");
        Directory.CreateDirectory(folder);
        using (var writer = new WeightFilesWriter(
            folder, "model", whole.Tensors.Select(t => new TensorSpec(t.Name, t.Type, t.Shape)), parameters: 5,
            shardBytes: 200_000))
        {
            foreach (TensorInfo tensor in whole.Tensors)
                writer.Write(tensor.Name, Bytes(whole, tensor.Name));
            writer.Commit();
        }
        using var written = WeightFiles.Open(folder);
        Assert.InRange(written.Files.Count(), 4, 12);
        AssertSame(whole, written);
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"../w.safetensors"}}""", "folder")]
    [InlineData("""{"weight_map":{"a":"/etc/passwd"}}""", "folder")]
    [InlineData("""{"weight_map":{"a":"w.safetensors","b":"w.safetensors"}}""", "does not")]
    [InlineData("""{"weight_map":{}}""", null)]
    [InlineData("""{"weight_map":{"a":"x.safetensors"}}""", "missing")]
    [InlineData("""{"weight_map":{"a":1}}""", "name")]
    [InlineData("""{"weight_map":{"a":"w.safetensors","a":"w.safetensors"}}""", "twice")]
    [InlineData("""{"weight_map":{"a":"w.safetensors","c":"other.safetensors"}}""", "too")]
    [InlineData("""{"map":{}}""", "weight_map")]
    [InlineData("""{"weight_map":""", "JSON")]
    public void Index_that_disagrees_is_refused(string index, string? word)
    {
        File.Move(Write("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"""u8, [1]),
            Path.Combine(_folder, "w.safetensors"));
        File.Move(
            Write("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"""u8, [1, 2]),
            Path.Combine(_folder, "other.safetensors"));
        File.WriteAllText(Path.Combine(_folder, WeightFiles.IndexName), index);
        if (word is null)
        {
            using WeightFiles files = WeightFiles.Open(_folder);
            Assert.Empty(files.Tensors);
            return;
        }
        Assert.Contains(word, Assert.Throws<InvalidDataException>(() => WeightFiles.Open(_folder)).Message);
    }

    [Fact]
    public void Tensor_that_the_index_does_not_list_is_refused()
    {
        File.Move(
            Write("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"""u8, [1, 2]),
            Path.Combine(_folder, "w.safetensors"));
        File.WriteAllText(Path.Combine(_folder, WeightFiles.IndexName), """{"weight_map":{"a":"w.safetensors"}}""");
        Assert.Contains("does not list", Assert.Throws<InvalidDataException>(() => WeightFiles.Open(_folder)).Message);
    }

    [Fact]
    public void Folder_without_weights_is_an_error() =>
        Assert.Contains("no weights", Assert.Throws<FileNotFoundException>(() => WeightFiles.Open(_folder)).Message);

    private static void AssertSame(WeightFiles expected, WeightFiles actual)
    {
        Assert.Equal(expected.Tensors.Select(t => t.Name).Order(), actual.Tensors.Select(t => t.Name).Order());
        foreach (TensorInfo tensor in expected.Tensors)
            Assert.Equal(Bytes(expected, tensor.Name), Bytes(actual, tensor.Name));
    }

    private static byte[] Bytes(WeightFiles files, string name)
    {
        (SafetensorsFile file, TensorInfo tensor) = files[name];
        var bytes = new byte[tensor.ByteCount];
        file.Read(tensor, bytes);
        return bytes;
    }

    private string Write(ReadOnlySpan<byte> header, byte[] data)
    {
        string path = Path.Combine(_folder, $"{Guid.NewGuid():N}.safetensors");
        var bytes = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        header.CopyTo(bytes.AsSpan(8));
        data.CopyTo(bytes.AsSpan(8 + header.Length));
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
