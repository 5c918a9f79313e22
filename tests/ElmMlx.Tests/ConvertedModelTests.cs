using System.Runtime.InteropServices;
using ElmMlx.Checkpoints;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Checkpoint to folder to logits: what CoreNet computed comes out at the other end.</summary>
public sealed class ConvertedModelTests : IDisposable
{
    // Float32 against CoreNet's float64; logits have a standard deviation of about 2.
    private const double Tolerance = 1e-4;

    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-converted-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Output => Path.Combine(_folder, "output");

    public static TheoryData<string, ConvertTarget> Variants()
    {
        var data = new TheoryData<string, ConvertTarget>();
        foreach (string folder in Directory.EnumerateDirectories(Fixtures.Path("corenet/variants")).Order())
            foreach (ConvertTarget target in (ConvertTarget[])[ConvertTarget.MlxLm, ConvertTarget.CoreNetPort])
                data.Add(Path.GetFileName(folder), target);
        return data;
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Variant_gives_CoreNets_logits(string name, ConvertTarget target)
    {
        string folder = Fixtures.Path("corenet/variants/" + name);
        Converter.Convert(new ConvertOptions
        {
            Input = Path.Combine(folder, "checkpoint.pt"),
            Output = Output,
            Target = target,
            Architecture = Path.Combine(folder, "architecture.json"),
        });
        AssertLogits(Path.Combine(folder, "expected.safetensors"), "logits_f64");
    }

    [Theory]
    [InlineData("lora")]
    [InlineData("rslora")]
    [InlineData("dora")]
    [InlineData("lora_linear_only")]
    [InlineData("dora_and_embedding_untied")]
    public void Merged_adapter_gives_the_logits_of_the_unmerged_model(string name)
    {
        ConvertLora(name, keep: false);
        AssertLogits(Fixtures.Path($"corenet/lora/{name}.expected.safetensors"), "logits_f64");
    }

    [Theory]
    [InlineData("lora")]
    [InlineData("rslora")]
    [InlineData("dora")]
    [InlineData("lora_linear_only")]
    public void Kept_adapter_gives_the_same_logits_when_it_is_loaded(string name)
    {
        ConvertLora(name, keep: true);
        string expected = Fixtures.Path($"corenet/lora/{name}.expected.safetensors");
        AssertLogits(expected, "logits_without_adapter_f64");
        AssertLogits(expected, "logits_f64", Path.Combine(Output, "adapters"));
    }

    [Fact]
    public void Demo_gives_CoreNets_logits()
    {
        Converter.Convert(new ConvertOptions
        {
            Input = Fixtures.Demo("openelm-demo.pt"),
            Output = Output,
            ConfigYaml = Fixtures.Demo("openelm-demo.yaml"),
            Type = TensorType.Float32,
        });
        AssertLogits(Fixtures.Demo("expected.safetensors"), "logits");
    }

    private void ConvertLora(string name, bool keep) => Converter.Convert(new ConvertOptions
    {
        Input = Fixtures.Path($"corenet/lora/{name}.pt"),
        Output = Output,
        ConfigYaml = Fixtures.Path($"corenet/lora/{name}.yaml"),
        Architecture = Fixtures.Path($"corenet/lora/{name}.architecture.json"),
        KeepAdapter = keep,
    });

    private void AssertLogits(string expected, string key, string? adapter = null)
    {
        using SafetensorsFile file = SafetensorsFile.Open(expected);
        TensorInfo ids = file["input_ids"];
        int[] tokens = [.. MemoryMarshal.Cast<byte, long>(Bytes(file, ids)).ToArray().Select(id => (int)id)];
        var want = new float[file[key].ElementCount];
        TensorCast.ToFloats(file[key].Type, Bytes(file, file[key]), want);
        using OpenElmModel model = OpenElmModel.Load(Output);
        if (adapter is not null)
            LoraAdapters.ApplyTo(model, adapter);
        using var scope = new ArrayScope();
        float[] got = model.Forward(MlxArray.From<int>(tokens, [.. ids.Shape])).ToArray<float>();
        Assert.Equal(want.Length, got.Length);
        double largest = want.Zip(got, (a, b) => Math.Abs((double)a - b)).Max();
        Assert.True(largest <= Tolerance, $"the largest difference is {largest:G3}");
    }

    private static byte[] Bytes(SafetensorsFile file, TensorInfo tensor)
    {
        var bytes = new byte[tensor.ByteCount];
        file.Read(tensor, bytes);
        return bytes;
    }
}
