using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>mlx-lm's adapters applied at load.</summary>
public sealed class AdapterTests
{
    private static readonly SafetensorsFile Expected = GoldenArrays.Open("mlx-lm/adapters/expected.safetensors");

    [Theory]
    [InlineData("lora", "micro")]
    [InlineData("lora-keys", "micro")]
    [InlineData("lora-embedding", "micro")]
    [InlineData("dora", "micro")]
    [InlineData("full", "micro")]
    [InlineData("qlora", "micro-q4-g64")]
    public void Adapter_gives_mlx_lm_logits(string adapter, string folder)
    {
        using var scope = new ArrayScope();
        MlxArray ids = Expected.IdArray("input_ids");
        using (OpenElmModel native = MlxLmTests.Load(folder))
        {
            LoraAdapters.ApplyTo(native, Folder(adapter));
            GoldenArrays.RoundedAsWell(
                Expected.Doubles($"{adapter}.adapted.logits_f32"), Expected.Doubles($"{adapter}.adapted.logits_native"),
                native.Forward(ids).Floats(), "native");
        }
        // The base is cast first: adapters are float32 whatever the model's type.
        using OpenElmModel model = MlxLmTests.Load(folder);
        model.Cast(DType.Float32);
        LoraAdapters.ApplyTo(model, Folder(adapter));
        model.Cast(DType.Float32);
        GoldenArrays.Close(
            Expected.Doubles($"{adapter}.adapted.logits_f32"), model.Forward(ids).Floats(), 1e-4, "float32");
    }

    [Fact]
    public void Fused_folder_gives_mlx_lm_logits()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = MlxLmTests.Load("micro-fused-lora", DType.Float32);
        GoldenArrays.Close(
            Expected.Doubles("lora.fused.logits_f32"), model.Forward(Expected.IdArray("input_ids")).Floats(), 1e-4,
            "fused");
    }

    [Fact]
    public void Adapter_of_another_model_is_refused_by_name()
    {
        using OpenElmModel model = MlxLmTests.Load("micro-kv", DType.Float32);
        Assert.Contains("lora_", Assert.Throws<InvalidDataException>(
            () => LoraAdapters.ApplyTo(model, Folder("lora-keys"))).Message, StringComparison.Ordinal);
        Assert.Contains("layers.2", Assert.Throws<InvalidDataException>(
            () => LoraAdapters.ApplyTo(model, Folder("lora"))).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => LoraAdapters.ApplyTo(model, Fixtures.Path("mlx-lm/micro")));
    }

    private static string Folder(string adapter) => Fixtures.Path("mlx-lm/adapters/" + adapter);
}
