using System.Text.Json;
using ElmMlx.Checkpoints;
using ElmMlx.Pretraining;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Means of checkpoints, bit for bit those of CoreNet.</summary>
public sealed class AveragingTests : IDisposable
{
    private static readonly JsonElement Golden =
        GoldenArrays.Json("pretrain/averaging_ema.json").GetProperty("averages");

    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-").FullName;

    public static TheoryData<string> Names() => [.. Golden.EnumerateObject().Select(entry => entry.Name)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Names))]
    public void Mean_equals_corenet_bit_for_bit(string name)
    {
        using SafetensorsFile file = GoldenArrays.Open("pretrain/averaging.safetensors");
        CheckpointSource[] sources =
            [.. Enumerable.Range(0, Golden.GetProperty(name).GetProperty("checkpoints").GetInt32())
            .Select(number => new PartOfFile(file, $"{name}.in{number}."))];
        string path = Path.Combine(_folder, "mean.pt");
        CheckpointAverage.Write(sources, path);

        using TorchSource mean = TorchSource.Open(path);
        Assert.Equal(
            Golden.GetProperty(name).GetProperty("keys").EnumerateArray().Select(key => key.GetString()),
            mean.Tensors.Keys);
        foreach (SourceTensor tensor in mean.Tensors.Values)
        {
            TensorInfo wanted = file[$"{name}.average.{tensor.Name}"];
            Assert.Equal(wanted.Type, tensor.Type);
            Assert.Equal(wanted.Shape, tensor.Shape);
            byte[] expected = new byte[wanted.ByteCount], actual = new byte[wanted.ByteCount];
            file.Read(wanted, expected);
            mean.Read(tensor, 0, actual);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Checkpoints_of_different_models_are_refused()
    {
        using SafetensorsFile file = GoldenArrays.Open("pretrain/averaging.safetensors");
        using TorchSource other = TorchSource.Open(Fixtures.Path("corenet/micro/checkpoint_average.pt"));
        using TorchSource same = TorchSource.Open(Fixtures.Path("corenet/containers/fp16.pt"));
        var problem = Assert.Throws<InvalidDataException>(
            () => CheckpointAverage.Write([other, same], Path.Combine(_folder, "mean.pt")));
        Assert.Contains("is another shape than", problem.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    /// <summary>The tensors of a file whose names begin alike, in the order of their names without that.</summary>
    private sealed class PartOfFile : CheckpointSource
    {
        private readonly SafetensorsFile _file;
        private readonly string _prefix;

        public PartOfFile(SafetensorsFile file, string prefix)
        {
            _file = file;
            _prefix = prefix;
            string[] order = ["a.weight", "b.weight", "steps", "only_here"];
            foreach (TensorInfo tensor in order
                .Where(name => file.Tensors.ContainsKey(prefix + name)).Select(name => file[prefix + name]))
                Add(new SourceTensor(tensor.Name[prefix.Length..], tensor.Type, tensor.Shape));
        }

        public override string Path => _prefix;

        public override string Description => "part of a file";

        public override void Read(SourceTensor tensor, long offset, Span<byte> destination) =>
            _file.Read(_file[_prefix + tensor.Name], offset, destination);

        public override void Dispose()
        {
        }
    }
}
