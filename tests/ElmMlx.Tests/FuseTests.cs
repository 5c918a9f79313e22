using System.Security.Cryptography;
using System.Text.Json;
using ElmMlx.Checkpoints;
using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Adapters merged into models, packed ones too, against mlx-lm's and against the unmerged model.</summary>
public sealed class FuseTests : IDisposable
{
    private static readonly SafetensorsFile Expected = GoldenArrays.Open("mlx-lm/adapters/expected.safetensors");
    private static readonly JsonElement Numbers = GoldenArrays.Json("mlx-lm/adapters/expected.json");

    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-fuse-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Output => Path.Combine(_folder, "fused");

    [Fact]
    public void Fused_folder_is_mlx_lm_s()
    {
        ConvertReport report = Fuse("micro", Adapters("lora"));
        Assert.Equal(8, report.Merged.Count);
        Assert.Equal(
            Fields(Fixtures.Path("mlx-lm/micro-fused-lora/config.json")), Fields(Path.Combine(Output, "config.json")));
        Assert.True(File.Exists(Path.Combine(Output, "tokenizer.json")));
        using WeightFiles theirs = WeightFiles.Open(
            Fixtures.Path("mlx-lm/micro-fused-lora")), ours = WeightFiles.Open(Output);
        using WeightFiles plain = WeightFiles.Open(Fixtures.Path("mlx-lm/micro"));
        Assert.Equal(theirs.Tensors.Select(t => t.ToString()).Order(), ours.Tensors.Select(t => t.ToString()).Order());
        HashSet<string> merged = [.. report.Merged.Select(matrix => matrix.Name + ".weight")];
        foreach (TensorInfo tensor in theirs.Tensors)
        {
            byte[] want = Bytes(theirs, tensor.Name), got = Bytes(ours, tensor.Name);
            if (!merged.Contains(tensor.Name))
                Assert.Equal(want, got);
            // mlx-lm rounds the adapter's part to bfloat16 before it adds it, and the sum once more
            byte[] before = Bytes(plain, tensor.Name);
            for (int i = 0; i < want.Length; i += 2)
                Assert.InRange(Math.Abs(Value(want, i) - Value(got, i)), 0,
                    (Math.Abs(Value(before, i)) + Math.Abs(Value(got, i))) / 128);
        }

        static float Value(byte[] bytes, int at) =>
            BitConverter.Int32BitsToSingle(BitConverter.ToUInt16(bytes, at) << 16);
    }

    [Theory]
    [InlineData("lora", "micro")]
    [InlineData("lora-keys", "micro")]
    [InlineData("lora-embedding", "micro")]
    [InlineData("dora", "micro")]
    [InlineData("full", "micro")]
    public void Fused_model_answers_as_the_adapted_one(string adapter, string folder)
    {
        using ArrayScope scope = new();
        Fuse(folder, Adapters(adapter));
        using OpenElmModel model = OpenElmModel.Load(Output);
        Assert.All(model.NamedParameters(), entry => Assert.Equal(DType.BFloat16, entry.Parameter.Value.DType));
        Assert.True(model.Config.TieEmbeddings);
        model.Cast(DType.Float32);
        // rounding to bfloat16 is what is left, and mlx-lm does it less well
        GoldenArrays.RoundedAsWell(
            Expected.Doubles($"{adapter}.adapted.logits_f32"), Expected.Doubles($"{adapter}.fused.logits_f32"),
            model.Forward(Expected.IdArray("input_ids")).Floats(), adapter);
    }

    [Theory]
    [InlineData("lora")]
    [InlineData("lora-embedding")]
    [InlineData("dora")]
    public void Float32_loses_nothing(string adapter)
    {
        using ArrayScope scope = new();
        ConvertReport report = Fuse("micro", Adapters(adapter), options => options with { Type = TensorType.Float32 });
        Assert.All(report.Merged, matrix => Assert.Equal(0, matrix.RelativeError));
        using OpenElmModel model = OpenElmModel.Load(Output);
        GoldenArrays.Close(
            Expected.Doubles($"{adapter}.adapted.logits_f32"), model.Forward(Expected.IdArray("input_ids")).Floats(),
            1e-4, adapter);
    }

    [Fact]
    public void Whole_weights_take_the_place_of_the_model_s()
    {
        Fuse("micro", Adapters("full"));
        using WeightFiles weights = WeightFiles.Open(Output);
        JsonElement changed = Numbers.GetProperty("full").GetProperty("fused").GetProperty("changed");
        foreach (JsonProperty tensor in changed.EnumerateObject())
            Assert.Equal(
                tensor.Value.GetProperty("sha256").GetString(),
                Convert.ToHexStringLower(SHA256.HashData(Bytes(weights, tensor.Name))));
    }

    [Fact]
    public void Packed_matrices_that_are_touched_become_floating_and_the_others_stay()
    {
        using ArrayScope scope = new();
        ConvertReport report = Fuse("micro-q4-g64", Adapters("qlora"));
        Assert.Equal(16, report.Merged.Count);
        Assert.All(report.Merged, matrix => Assert.Equal("bfloat16", matrix.After));
        Assert.All(report.Merged, matrix => Assert.InRange(matrix.RelativeError, 1e-4, 0.1));
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Output, "config.json")));
        JsonElement quantization = config.RootElement.GetProperty("quantization");
        Assert.Equal(4, quantization.GetProperty("bits").GetInt32());
        Assert.False(quantization.GetProperty("transformer.layers.2.ffn.proj_2").GetBoolean());
        Assert.False(quantization.TryGetProperty("transformer.token_embeddings", out _));

        using WeightFiles before = WeightFiles.Open(
            Fixtures.Path("mlx-lm/micro-q4-g64")), after = WeightFiles.Open(Output);
        foreach (string part in (string[])["weight", "scales", "biases"])
            Assert.Equal(Bytes(before, "transformer.token_embeddings." + part),
                Bytes(after, "transformer.token_embeddings." + part));
        Assert.False(after.Contains("transformer.layers.2.ffn.proj_2.scales"));

        using OpenElmModel model = OpenElmModel.Load(Output);
        model.Cast(DType.Float32);
        GoldenArrays.RoundedAsWell(
            Expected.Doubles("qlora.adapted.logits_f32"), Expected.Doubles("qlora.fused-dequantized.logits_f32"),
            model.Forward(Expected.IdArray("input_ids")).Floats(), "qlora");
    }

    [Fact]
    public void Requantised_matrices_say_what_they_lost()
    {
        using ArrayScope scope = new();
        string adapters = WeakAdapters();
        ConvertReport report =
            Fuse("micro-q4-g64", adapters, options => options with { PackedMerge = PackedMerge.Requantize });
        using OpenElmModel plain = MlxLmTests.Load(
            "micro-q4-g64", DType.Float32), adapted = MlxLmTests.Load("micro-q4-g64", DType.Float32);
        LoraAdapters.ApplyTo(adapted, adapters);
        using OpenElmModel written = OpenElmModel.Load(Output, DType.Float32);
        Assert.Equal(plain.Config.Quantization!.Default, written.Config.Quantization!.Default);
        foreach (MergedMatrix matrix in report.Merged)
        {
            string path = OpenElmModel.CanonicalName(matrix.Name);
            MlxArray without = Dense(plain, path), with = Dense(adapted, path), kept = Dense(written, path);
            double lost = Norm(kept - with) / Norm(with - without);
            Assert.InRange(matrix.RelativeError, 0.98 * lost, 1.02 * lost);
            bool isPacked = path != "layers.0.attn.out_proj";     // 32 columns are no whole group
            Assert.Equal(isPacked ? "4-bit" : "bfloat16", matrix.After);
            Assert.Equal(isPacked, matrix.RelativeError > 0.1);
        }
        Assert.Contains(report.Merged, matrix => matrix.RelativeError > 0.5);

        static double Norm(MlxArray x) => Math.Sqrt(x.Square().Sum().Item<float>());
    }

    [Fact]
    public void Dequantised_model_is_floating_throughout()
    {
        using ArrayScope scope = new();
        Fuse("micro-q4-g64", Adapters("qlora"), options => options with { Dequantize = true });
        using OpenElmModel model = OpenElmModel.Load(Output, DType.Float32);
        Assert.Null(model.Config.Quantization);
        GoldenArrays.RoundedAsWell(
            Expected.Doubles("qlora.adapted.logits_f32"), Expected.Doubles("qlora.fused-dequantized.logits_f32"),
            model.Forward(Expected.IdArray("input_ids")).Floats(), "qlora");
    }

    [Theory]
    [InlineData(FineTuneType.Lora, "micro")]
    [InlineData(FineTuneType.Dora, "micro")]
    [InlineData(FineTuneType.Lora, "micro-q4-g64")]
    [InlineData(FineTuneType.Dora, "micro-q4-g64")]
    public void Embedding_with_an_adapter_stays_tied(FineTuneType type, string folder)
    {
        using ArrayScope scope = new();
        using OpenElmModel adapted = MlxLmTests.Load(folder, DType.Float32);
        AdapterConfig config = LoraAdapters.AddTo(
            adapted, new LoraOptions
            {
                Type = type,
                Rank = 2,
                LayerCount = 1,
                Keys = ["transformer.token_embeddings"],
            });
        foreach ((_, Parameter parameter) in adapted.TrainableParameters())
        {
            MlxArray value = parameter.Value + 0.05f;
            value.Eval();
            parameter.Replace(value);
        }
        string adapters = Path.Combine(_folder, "adapters");
        config.Write(adapters);
        LoraAdapters.Save(adapted, Path.Combine(adapters, "adapters.safetensors"));
        Fuse(folder, adapters, options => options with { Type = TensorType.Float32 });
        using OpenElmModel fused = OpenElmModel.Load(Output, DType.Float32);
        Assert.True(fused.Config.TieEmbeddings);
        MlxArray ids = Expected.IdArray("input_ids");
        double[] want = [.. adapted.Forward(ids).Floats().Select(value => (double)value)];
        GoldenArrays.Close(want, fused.Forward(ids).Floats(), 2e-4, "logits");
    }

    [Fact]
    public void Adapters_of_another_model_leave_no_output()
    {
        string message = Assert.Throws<InvalidDataException>(() => Fuse("micro-kv", Adapters("lora-keys"))).Message;
        Assert.Contains("transformer.layers.0.attn.qkv_proj.lora_a is [64, 8]", message, StringComparison.Ordinal);
        Assert.Contains("the model's is [", message, StringComparison.Ordinal);
        Assert.Contains("transformer.layers.3", Assert.Throws<InvalidDataException>(
            () => Fuse("micro-kv", Adapters("full"))).Message, StringComparison.Ordinal);
        Assert.Contains("not there", Assert.Throws<FileNotFoundException>(
            () => Fuse("micro", Path.Combine(_folder, "none"))).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Command_fuses_and_warns_of_what_is_lost()
    {
        CommandProcess.Result result = CommandProcess.Elm(
            "", "fuse", "--model", Fixtures.Path("mlx-lm/micro"), "--adapter-path", Adapters("lora"), "--save-path",
            Output);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains(
            "Fused LoRA of rank 4 on 8 modules: bfloat16 became bfloat16.", result.Output, StringComparison.Ordinal);
        Assert.Matches(@"Lost in rounding: at most \d\.\d % of what an adapter changes", result.Output);
        Assert.Equal("", result.Errors);

        string[] packed =
            ["fuse", "--model", Fixtures.Path("mlx-lm/micro-q4-g64"), "--adapter-path", Adapters("qlora"),
                "--save-path", Output];
        Assert.Contains("--overwrite", CommandProcess.Elm("", packed).Errors, StringComparison.Ordinal);
        packed[4] = WeakAdapters();
        result = CommandProcess.Elm("", [.. packed, "--overwrite", "--quantized", "requantize"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("transformer.layers.3.ffn.proj_1", result.Output, StringComparison.Ordinal);
        Assert.Contains("matrices more than half of what the adapter changes is lost; --quantized float keeps it.",
            result.Errors, StringComparison.Ordinal);

        result = CommandProcess.Elm("", [.. packed, "--dequantize", "--quantized", "float"]);
        Assert.True(result.ExitCode == 2, result.ToString());
        Assert.Contains("leave out either --dequantize or --quantized.", result.Errors, StringComparison.Ordinal);
    }

    private ConvertReport Fuse(string folder, string adapters, Func<ConvertOptions, ConvertOptions>? change = null)
    {
        var options = new ConvertOptions
        {
            Input = Fixtures.Path("mlx-lm/" + folder),
            Output = Output,
            Adapter = adapters,
            PackedMerge = PackedMerge.Float,
        };
        return Converter.Convert(change?.Invoke(options) ?? options);
    }

    // The packed model's adapters with a tenth of their strength: smaller than a step of four bits.
    private string WeakAdapters()
    {
        string folder = Path.Combine(_folder, "weak");
        (AdapterConfig.Read(Adapters("qlora")) with { Scale = 2 }).Write(folder);
        File.Copy(Path.Combine(Adapters("qlora"), "adapters.safetensors"),
            Path.Combine(folder, "adapters.safetensors"));
        return folder;
    }

    private static string Adapters(string name) => Fixtures.Path("mlx-lm/adapters/" + name);

    private static SortedDictionary<string, string> Fields(string path)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path));
        return new(json.RootElement.EnumerateObject()
            .ToDictionary(field => field.Name, field => JsonSerializer.Serialize(field.Value)), StringComparer.Ordinal);
    }

    private static byte[] Bytes(WeightFiles weights, string name)
    {
        (SafetensorsFile file, TensorInfo tensor) = weights[name];
        var bytes = new byte[tensor.ByteCount];
        file.Read(tensor, bytes);
        return bytes;
    }

    private static MlxArray Dense(OpenElmModel model, string path) =>
        AdapterLayers.DenseWeight(model.NamedModules().Single(entry => entry.Path == path).Module);
}
