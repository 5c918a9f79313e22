using System.Security.Cryptography;
using System.Text.Json;
using ElmMlx.Checkpoints;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Quantised folders, word by word as mlx-lm wrote them, and the way back.</summary>
public sealed class ConvertQuantizedTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-quantized-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Output => Path.Combine(_folder, "output");

    public static TheoryData<string, string, int, int, TensorType> Variants() => new()
    {
        { "q4-g64", "affine", 4, 64, TensorType.BFloat16 }, { "q8-g64", "affine", 8, 64, TensorType.BFloat16 },
        { "q4-g32", "affine", 4, 32, TensorType.BFloat16 },
        { "q4-g128", "affine", 4, 128, TensorType.BFloat16 }, { "q2-g64", "affine", 2, 64, TensorType.BFloat16 },
        { "q3-g64", "affine", 3, 64, TensorType.BFloat16 },
        { "q5-g64", "affine", 5, 64, TensorType.BFloat16 }, { "q6-g64", "affine", 6, 64, TensorType.BFloat16 },
        { "q4-g64-f16", "affine", 4, 64, TensorType.Float16 },
        { "q4-g64-f32", "affine", 4, 64, TensorType.Float32 },
        { "mxfp4", "mxfp4", 4, 32, TensorType.BFloat16 }, { "mxfp8", "mxfp8", 8, 32, TensorType.BFloat16 },
        { "nvfp4", "nvfp4", 4, 16, TensorType.BFloat16 },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public void Words_scales_and_biases_are_mlx_lms(string name, string mode, int bits, int groupSize, TensorType type)
    {
        ConvertReport report = Converter.Convert(new ConvertOptions
        {
            Input = Fixtures.Path("mlx-lm/micro"),
            Output = Output,
            Quantize = true,
            QuantizationBits = bits,
            QuantizationGroupSize = groupSize,
            QuantizationMode = mode,
            Type = type,
        });
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("mlx-lm/quantized.json")));
        JsonElement expected = document.RootElement.GetProperty(name);
        Compare(expected.GetProperty("tensors"));
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Output, "config.json")));
        foreach (string field in (string[])["quantization", "quantization_config"])
            Assert.True(
                JsonElement.DeepEquals(expected.GetProperty("quantization"), config.RootElement.GetProperty(field)),
                field);
        Assert.InRange(report.BitsPerWeight, bits, 8 * type.Size());
    }

    [Theory]
    [InlineData("micro-q4-g64", 4)]
    [InlineData("micro-q8-g64", 8)]
    public void Configuration_is_mlx_lms_to_the_letter(string folder, int bits)
    {
        Converter.Convert(
            new ConvertOptions
            {
                Input = Fixtures.Path("mlx-lm/micro"),
                Output = Output,
                Quantize = true,
                QuantizationBits = bits,
            });
        Assert.Equal(File.ReadAllText(Fixtures.Path($"mlx-lm/{folder}/config.json")),
            File.ReadAllText(Path.Combine(Output, "config.json")));
        Assert.Equal(
            File.ReadAllText(Fixtures.Path($"mlx-lm/{folder}/model.safetensors.index.json")),
            File.ReadAllText(Path.Combine(Output, "model.safetensors.index.json")));
    }

    [Fact]
    public void Dequantised_folder_is_mlx_lms()
    {
        Converter.Convert(
            new ConvertOptions { Input = Fixtures.Path("mlx-lm/micro-q4-g64"), Output = Output, Dequantize = true });
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("mlx-lm/quantized.json")));
        Compare(document.RootElement.GetProperty("q4-g64 dequantised").GetProperty("tensors"));
        Assert.Null(OpenElmConfig.FromFile(Path.Combine(Output, "config.json")).Quantization);
    }

    [Theory]
    [InlineData("micro-q4-g64")]
    [InlineData("micro-q8-g64")]
    public void Quantised_folder_changes_its_layout_without_a_bit(string folder)
    {
        string port = Path.Combine(_folder, "port");
        Converter.Convert(
            new ConvertOptions
            {
                Input = Fixtures.Path("mlx-lm/" + folder),
                Output = port,
                Target = ConvertTarget.CoreNetPort,
            });
        Converter.Convert(new ConvertOptions { Input = port, Output = Output });
        using WeightFiles first = WeightFiles.Open(Fixtures.Path("mlx-lm/" + folder));
        using WeightFiles second = WeightFiles.Open(Output);
        Assert.Equal(first.Tensors.Select(t => t.Name).Order(), second.Tensors.Select(t => t.Name).Order());
        foreach (TensorInfo tensor in first.Tensors)
            Assert.Equal(Sha256(first, tensor.Name), Sha256(second, tensor.Name));
    }

    [Theory]
    [InlineData("mixed_2_6", 2, 6)]
    [InlineData("mixed_3_4", 3, 4)]
    [InlineData("mixed_3_6", 3, 6)]
    [InlineData("mixed_4_6", 4, 6)]
    public void Mixed_recipe_gives_more_bits_to_some(string recipe, int low, int high)
    {
        Converter.Convert(
            new ConvertOptions
            {
                Input = Fixtures.Path("mlx-lm/micro"),
                Output = Output,
                Quantize = true,
                QuantizationRecipe = recipe,
            });
        OpenElmConfig config = OpenElmConfig.FromFile(Path.Combine(Output, "config.json"));
        using WeightFiles weights = WeightFiles.Open(Output);
        // 4 layers: 4 / 8 = 0, 7 · 4 / 8 = 3, so layer 3, and layer 2 because 2 mod 3 is 2.
        foreach ((string module, int bits) in ((string, int)[])[
            ("token_embeddings", high), ("layers.0.ffn.proj_2", low), ("layers.1.attn.qkv_proj", low),
            ("layers.2.attn.qkv_proj", high),
            ("layers.2.ffn.proj_1", low), ("layers.3.ffn.proj_2", high), ("layers.3.attn.out_proj", low)])
        {
            Assert.Equal(bits, config.Quantization!.For(module).Bits);
            int columns = config.TensorShapes().First(t => t.Name == module + ".weight").Shape[1];
            Assert.Equal(columns * bits / 32, weights["transformer." + module + ".weight"].Tensor.Shape[1]);
        }
    }

    [Theory]
    [InlineData(ConvertTarget.MlxLm, TensorType.BFloat16, null, 0)]
    [InlineData(ConvertTarget.CoreNetPort, TensorType.Float32, null, 0)]
    [InlineData(ConvertTarget.CoreNetCheckpoint, TensorType.Float16, null, 0.05)]
    [InlineData(ConvertTarget.MlxLm, TensorType.BFloat16, 8, 1)]
    public void Verification_reports_the_difference(ConvertTarget target, TensorType type, int? bits, double limit)
    {
        ConvertReport report = Converter.Convert(new ConvertOptions
        {
            Input = Fixtures.Path("mlx-lm/micro"),
            Output = target == ConvertTarget.CoreNetCheckpoint ? Output + ".pt" : Output,
            Target = target,
            Type = type,
            Quantize = bits is not null,
            QuantizationBits = bits,
            Verify = true,
        });
        Assert.InRange(report.Check!.LargestDifference, 0, limit);
        Assert.True(report.Check.LogitDeviation > 0.1);
        Assert.Equal(bits is not null, report.Check.LargestDifference > 0.001);
    }

    [Theory]
    [InlineData("lora")]
    [InlineData("dora_and_embedding_untied")]
    public void Verification_of_a_merge_finds_no_difference(string name)
    {
        ConvertReport report = Converter.Convert(new ConvertOptions
        {
            Input = Fixtures.Path($"corenet/lora/{name}.pt"),
            Output = Output,
            ConfigYaml = Fixtures.Path($"corenet/lora/{name}.yaml"),
            Architecture = Fixtures.Path($"corenet/lora/{name}.architecture.json"),
            Verify = true,
        });
        Assert.Equal(0, report.Check!.LargestDifference);
    }

    public static TheoryData<string, string> Mistakes() => new()
    {
        { "quantised already", "again" }, { "leave --dequantize", "not" }, { "add it", "bits" }, { "64", "group" },
        { "2, 3, 4, 5, 6 and 8", "width" },
        { "recipe", "recipe" }, { "Only MLX", "hf" }, { "add --dequantize", "back" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Options_that_do_not_fit_are_refused(string word, string mistake)
    {
        var options = new ConvertOptions { Input = Fixtures.Path("mlx-lm/micro"), Output = Output };
        ConvertOptions wrong = mistake switch
        {
            "again" => options with { Input = Fixtures.Path("mlx-lm/micro-q4-g64"), Quantize = true },
            "not" => options with { Dequantize = true },
            "bits" => options with { QuantizationBits = 4 },
            "group" => options with { Quantize = true, QuantizationGroupSize = 48 },
            "width" => options with { Quantize = true, QuantizationBits = 7 },
            "recipe" => options with { Quantize = true, QuantizationRecipe = "mixed_1_2" },
            "hf" => options with { Quantize = true, Target = ConvertTarget.HuggingFace },
            _ => options with
            {
                Input = Fixtures.Path("mlx-lm/micro-q4-g64"),
                Target = ConvertTarget.CoreNetCheckpoint,
                Output = Output + ".pt",
            },
        };
        Assert.Contains(word, Assert.Throws<ArgumentException>(() => Converter.Convert(wrong)).Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    private void Compare(JsonElement expected)
    {
        using WeightFiles weights = WeightFiles.Open(Output);
        Assert.Equal(
            expected.EnumerateObject().Select(t => t.Name).Order(), weights.Tensors.Select(t => t.Name).Order());
        foreach (JsonProperty tensor in expected.EnumerateObject())
        {
            TensorInfo actual = weights[tensor.Name].Tensor;
            Assert.Equal(tensor.Value.GetProperty("dtype").GetString(), actual.Type.Name());
            Assert.Equal(tensor.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32()), actual.Shape);
            Assert.True(tensor.Value.GetProperty("sha256").GetString() == Sha256(weights, tensor.Name), tensor.Name);
        }
    }

    private static string Sha256(WeightFiles weights, string name)
    {
        (SafetensorsFile file, TensorInfo tensor) = weights[name];
        var bytes = new byte[tensor.ByteCount];
        file.Read(tensor, bytes);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }
}
