using System.IO.Compression;
using System.Text;
using ElmMlx.Nn;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>NumPy's archives of arrays: written, read back, and refused when they are broken.</summary>
public sealed class NpzTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-npz-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Arrays_come_back_with_their_names_shapes_and_dtypes(bool compress)
    {
        using var scope = new ArrayScope();
        Dictionary<string, MlxArray> arrays = new()
        {
            ["layers.0.weight"] = MlxArray.Arange(6).AsType(DType.BFloat16).Reshape(2, 3).Transpose(),
            ["größe/b"] = MlxArray.Arange(0.0, 100, 1),
            ["scalar"] = MlxArray.Scalar(true),
        };
        MlxFile.SaveNpz(At("x.npz"), arrays, compress);
        Dictionary<string, MlxArray> read = MlxFile.LoadNpz(At("x.npz"));
        Assert.Equal(arrays.Keys.Order(StringComparer.Ordinal), read.Keys);
        foreach ((string name, MlxArray want) in arrays)
        {
            Assert.Equal((want.DType, Text(want)), (read[name].DType, Text(read[name])));
            Assert.Equal(want.ToBytes(), read[name].ToBytes());
        }
    }

    [Fact]
    public void The_same_arrays_make_the_same_bytes()
    {
        using var scope = new ArrayScope();
        (MlxArray x, MlxArray y) = (MlxArray.Arange(3), MlxArray.Ones([2]));
        using MemoryStream first = new(), second = new();
        MlxFile.SaveNpz(first, new Dictionary<string, MlxArray> { ["x"] = x, ["y"] = y });
        MlxFile.SaveNpz(second, new Dictionary<string, MlxArray> { ["y"] = y, ["x"] = x });
        Assert.Equal(first.ToArray(), second.ToArray());
    }

    // What numpy.savez writes for x = [[1, 2], [3, 4]] in int16: the header is padded to 128 bytes.
    [Fact]
    public void What_NumPy_reads_and_writes_is_what_lies_in_the_archive()
    {
        using var scope = new ArrayScope();
        const string Layout = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2), }";
        byte[] header = Encoding.ASCII.GetBytes(Layout.PadRight(117) + "\n");
        byte[] npy = [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, 1, 0, 2, 0, 3, 0, 4, 0];
        using Stream numpys = Archive(("x.npy", npy));
        MlxArray x = MlxFile.LoadNpz(numpys)["x"];
        Assert.Equal((DType.Int16, "2, 2"), (x.DType, Text(x)));
        Assert.Equal([1, 2, 3, 4], x.ToArray<short>());

        using MemoryStream ours = new();
        MlxFile.SaveNpz(ours, new Dictionary<string, MlxArray> { ["x"] = x });
        using ZipArchive archive = new(ours);
        using Stream entry = Assert.Single(archive.Entries, entry => entry.FullName == "x.npy").Open();
        using MemoryStream bytes = new();
        entry.CopyTo(bytes);
        byte[] written = bytes.ToArray();
        int start = 10 + BitConverter.ToUInt16(written, 8);
        string layout = Encoding.ASCII.GetString(written[10..start]);
        Assert.Equal(npy[..8], written[..8]);
        Assert.Contains("'descr': '<i2'", layout, StringComparison.Ordinal);
        Assert.Contains("'fortran_order': False", layout, StringComparison.Ordinal);
        Assert.Contains("'shape': (2, 2", layout, StringComparison.Ordinal);
        Assert.Equal(npy[128..], written[start..]);
    }

    [Fact]
    public void What_is_no_archive_of_arrays_is_refused()
    {
        byte[] npy = [0x93, .. "NUMPY"u8];
        Refuses("is no .npy file", Archive(("x.txt", npy)));
        Refuses("is twice", Archive(("x.npy", Npy()), ("x.npy", Npy())));
        Assert.Throws<MlxException>(() => MlxFile.LoadNpz(Archive(("x.npy", npy))));
        Assert.Throws<InvalidDataException>(() => MlxFile.LoadNpz(new MemoryStream([1, 2, 3])));
        Assert.Throws<FileNotFoundException>(() => MlxFile.LoadNpz(At("none.npz")));

        // the length that the central directory claims, 24 bytes into its only entry
        byte[] bomb = Archive(("x.npy", Npy())).ToArray();
        int directory = BitConverter.ToInt32(bomb, bomb.Length - 6);
        BitConverter.GetBytes(0x70000000).CopyTo(bomb, directory + 24);
        Refuses("has no 1879048192 bytes", new MemoryStream(bomb));
    }

    [Fact]
    public void Modules_are_saved_and_loaded_by_the_ending_of_the_name()
    {
        using var scope = new ArrayScope();
        using var model = new Sequential(new Linear(3, 4), new BatchNorm(4));
        using var other = new Sequential(new Linear(3, 4), new BatchNorm(4));
        model.SaveWeights(At("model.npz"));
        other.LoadWeights(At("model.npz"));
        MlxArray x = MlxRandom.Normal([2, 3]);
        Assert.Equal(model.Forward(x).ToBytes(), other.Forward(x).ToBytes());
        Assert.Equal(
            model.NamedParameters().Select(entry => entry.Path).Order(StringComparer.Ordinal),
            MlxFile.LoadNpz(At("model.npz")).Keys);
        Assert.Equal([At("model.npz")], Directory.GetFiles(_folder));
    }

    private static byte[] Npy()
    {
        using var scope = new ArrayScope();
        using MemoryStream stream = new();
        MlxFile.Save(stream, MlxArray.Arange(2));
        return stream.ToArray();
    }

    private static MemoryStream Archive(params (string Name, byte[] Bytes)[] files)
    {
        MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in files)
            {
                using Stream entry = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(bytes);
            }
        }

        stream.Position = 0;
        return stream;
    }

    private static void Refuses(string why, Stream archive) => Assert.Contains(
        why, Assert.Throws<InvalidDataException>(() => MlxFile.LoadNpz(archive)).Message, StringComparison.Ordinal);

    private static string Text(MlxArray array) => string.Join(", ", array.Shape);

    private string At(string name) => Path.Combine(_folder, name);
}
