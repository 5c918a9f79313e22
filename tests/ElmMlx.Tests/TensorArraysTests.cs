using System.Diagnostics;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Arrays read from a file are its bytes, whatever becomes of the file.</summary>
public sealed class TensorArraysTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-tensors-").FullName;

    // Two blocks of aligned tensors (of several pages), then tensors that begin at odd bytes of the file.
    private readonly TensorSpec[] _specs =
    [
        new("a", TensorType.Float32, [5, 1 << 20]), new("b", TensorType.Float32, [4, 1 << 20]),
        new("c", TensorType.BFloat16, [96]),
        new("d", TensorType.UInt8, [3]), new("e", TensorType.UInt8, [5, 7]), new("empty", TensorType.Float32, [0, 3]),
        new("f", TensorType.UInt8, [(4 << 20) + 1]), new("g", TensorType.UInt8, [1]),
    ];

    private string FilePath => Path.Combine(_folder, "model.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Arrays_are_the_bytes_of_the_file_and_outlive_it()
    {
        byte[] bytes = Write();
        var offsets = new Dictionary<string, (long Offset, long Count)>();
        Dictionary<string, MlxArray> arrays;
        using var scope = new ArrayScope();
        using (SafetensorsFile file = SafetensorsFile.Open(FilePath))
        {
            arrays = TensorArrays.ReadAll(file);
            foreach (TensorInfo tensor in file.Tensors.Values)
                offsets[tensor.Name] = (tensor.Offset, tensor.ByteCount);
        }
        File.WriteAllBytes(FilePath, []);

        Assert.Equal(_specs.Select(spec => spec.Name).Order(), arrays.Keys.Order());
        foreach (TensorSpec spec in _specs)
        {
            MlxArray array = arrays[spec.Name];
            Assert.Equal(spec.Shape, array.Shape);
            long at = offsets[spec.Name].Offset, count = 0;
            array.ReadBytes((part, _) =>
            {
                Assert.True(part.SequenceEqual(bytes.AsSpan((int)(at + count), part.Length)), spec.Name);
                count += part.Length;
            });
            Assert.Equal(offsets[spec.Name].Count, count);
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("g")]
    public void File_that_shrinks_after_it_was_opened_is_an_error(string name)
    {
        if (OperatingSystem.IsWindows())
            return; // an open file cannot be cut there
        Write();
        using SafetensorsFile file = SafetensorsFile.Open(FilePath);
        TensorInfo tensor = file[name];
        using (var cut = new FileStream(FilePath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            cut.SetLength(tensor.Offset + tensor.ByteCount - 1);

        var error = Assert.Throws<InvalidDataException>(() => TensorArrays.Read(file, tensor));

        Assert.Equal($"{FilePath} became shorter while it was read.", error.Message);
        Assert.Throws<InvalidDataException>(() => TensorArrays.ReadAll(file));
    }

    [Fact]
    public void Memory_is_given_back_with_the_last_array()
    {
        Write();
        Load();
        long before = WorkingSet();
        for (int i = 0; i < 20; i++)    // 40 MB each
            Load();

        Assert.InRange(WorkingSet() - before, long.MinValue, 400_000_000);

        void Load()
        {
            using var scope = new ArrayScope();
            using SafetensorsFile file = SafetensorsFile.Open(FilePath);
            Assert.Equal(_specs.Length, TensorArrays.ReadAll(file).Count);
        }
    }

    private static long WorkingSet()
    {
        using Process own = Process.GetCurrentProcess();
        return own.WorkingSet64;
    }

    private byte[] Write()
    {
        var random = new Random(3);
        using (var writer = new SafetensorsWriter(FilePath, _specs))
        {
            foreach (TensorSpec spec in _specs)
            {
                var data = new byte[spec.ByteCount];
                random.NextBytes(data);
                writer.Write(spec.Name, data);
            }
            writer.Commit();
        }
        return File.ReadAllBytes(FilePath);
    }
}
