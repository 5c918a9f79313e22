using System.Security.Cryptography;
using System.Text.Json;
using ElmMlx.Checkpoints;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Conversion from end to end, against what CoreNet merged and what mlx-lm wrote.</summary>
public sealed class ConvertTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-convert-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> Containers() => new()
    {
        "legacy", "bf16", "fp16", "protocol2", "protocol4", "protocol5", "parameters", "module_prefix", "archive_root",
        "no_byteorder", "rezipped",
        "cuda_location", "views", "ordered_dict_metadata", "averaged_dict", "checkpoint_ema_last",
    };

    [Theory]
    [MemberData(nameof(Containers))]
    public void Container_becomes_a_folder_with_its_tensors(string name)
    {
        string file = Fixtures.Path($"corenet/containers/{name}.pt");
        ConvertReport report = Convert(file, Architecture("containers"));
        using var document = Parse("corenet/containers/tensors.json");
        string prefix = name == "module_prefix" ? "module." : "";
        using WeightFiles weights = WeightFiles.Open(Output);
        JsonElement expected = document.RootElement.GetProperty(name + ".pt");
        foreach (TensorInfo tensor in weights.Tensors)
        {
            JsonElement entry = expected.GetProperty(prefix + TensorNames.ToCoreNet(tensor.Name));
            Assert.Equal(entry.GetProperty("dtype").GetString(), tensor.Type.Name());
            Assert.Equal(entry.GetProperty("sha256").GetString(), Sha256(weights, tensor.Name));
        }
        Assert.Equal(report.Config.TensorShapes().Count(), weights.Tensors.Count());
        Assert.Single(report.Warnings); // no tokenizer beside it
    }

    [Theory]
    [InlineData(WeightsChoice.Model, "model_state_dict")]
    [InlineData(WeightsChoice.Ema, "ema_state_dict")]
    public void Training_checkpoint_gives_the_weights_that_were_asked_for(WeightsChoice choice, string group)
    {
        string file = Fixtures.Path("corenet/containers/training_checkpoint_last.pt");
        ConvertReport report = Convert(file, Architecture("containers"), options => options with { Weights = choice });
        using var document = Parse("corenet/containers/tensors.json");
        JsonElement expected = document.RootElement.GetProperty("training_checkpoint_last.pt").GetProperty(group);
        using WeightFiles weights = WeightFiles.Open(Output);
        foreach (TensorInfo tensor in weights.Tensors)
            Assert.Equal(expected.GetProperty(TensorNames.ToCoreNet(tensor.Name)).GetProperty("sha256").GetString(),
                Sha256(weights, tensor.Name));
        Assert.Contains(choice == WeightsChoice.Model ? "weights of the model" : "moving average", report.Source);
    }

    [Fact]
    public void Ema_weights_that_are_not_there_are_an_error() => Refused<InvalidDataException>(
        "ema_state_dict", Fixtures.Path("corenet/containers/protocol2.pt"),
        o => o with { Weights = WeightsChoice.Ema });

    [Fact]
    public void Demo_needs_no_architecture_and_takes_its_tokenizer()
    {
        ConvertReport report =
            Convert(Fixtures.Demo("openelm-demo.pt"), o => o with { ConfigYaml = Fixtures.Demo("openelm-demo.yaml") });
        Assert.Equal(2_743_104, report.Config.ParameterCount);
        Assert.Equal(2048, report.Config.PaddingIndex);
        Assert.Equal(["tokenizer.model"], report.Tokenizer);
        Assert.Contains(report.Notes, note => note.Contains("shapes"));
        Assert.Empty(report.Warnings);
        OpenElmConfig described = OpenElmConfig.FromFile(Fixtures.Demo("architecture.json"));
        OpenElmConfig written = OpenElmConfig.FromFile(Path.Combine(Output, "config.json"));
        Assert.Equal(described.Layers, written.Layers);
        Assert.Equal(256, written.MaxContextLength);
    }

    [Theory]
    [InlineData("lora", true)]
    [InlineData("rslora", true)]
    [InlineData("dora", false)]
    [InlineData("lora_linear_only", false)]
    [InlineData("dora_and_embedding_untied", false)]
    public void Adapters_are_merged_as_CoreNet_merges_them(string name, bool unties)
    {
        ConvertReport report = Convert(Fixtures.Path($"corenet/lora/{name}.pt"), Lora(name));
        using SafetensorsFile expected = SafetensorsFile.Open(Fixtures.Path($"corenet/lora/{name}.merged.safetensors"));
        using WeightFiles weights = WeightFiles.Open(Output);
        foreach (TensorInfo tensor in expected.Tensors.Values)
        {
            float[] want = Floats(expected, tensor);
            float[] got = Floats(weights, TensorNames.ToMlxLm(tensor.Name));
            Assert.Equal(want.Length, got.Length);
            for (int i = 0; i < want.Length; i++)
                Assert.True(Math.Abs(want[i] - got[i]) <= 1e-6, $"{tensor.Name}[{i}]: {want[i]:R} and {got[i]:R}");
        }
        Assert.Equal(unties, report.Notes.Any(note => note.Contains("output layer becomes")));
        Assert.DoesNotContain(weights.Tensors, tensor => tensor.Name.Contains("lora"));
        Assert.Equal(report.Config.TensorShapes().Count(), weights.Tensors.Count());
    }

    [Theory]
    [InlineData("lora")]
    [InlineData("rslora")]
    [InlineData("dora")]
    [InlineData("lora_linear_only")]
    public void Kept_adapter_merges_to_the_same_weights(string name)
    {
        string merged = Path.Combine(
            _folder, "merged"), kept = Path.Combine(_folder, "kept"), again = Path.Combine(_folder, "again");
        Convert(Fixtures.Path($"corenet/lora/{name}.pt"), Lora(name), o => o with { Output = merged });
        Convert(Fixtures.Path($"corenet/lora/{name}.pt"), Lora(name), o =>
            o with { Output = kept, KeepAdapter = true });
        Convert(kept, o => o with { Output = again, Adapter = Path.Combine(kept, "adapters") });
        using WeightFiles first = WeightFiles.Open(merged);
        using WeightFiles second = WeightFiles.Open(again);
        Assert.Equal(first.Tensors.Select(t => t.Name).Order(), second.Tensors.Select(t => t.Name).Order());
        foreach (TensorInfo tensor in first.Tensors)
        {
            float[] want = Floats(first, tensor.Name), got = Floats(second, tensor.Name);
            for (int i = 0; i < want.Length; i++)
                Assert.True(Math.Abs(want[i] - got[i]) <= 1e-6, $"{tensor.Name}[{i}]");
        }
        using var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(kept, "adapters", "adapter_config.json")));
        Assert.Equal(name == "dora" ? "dora" : "lora", config.RootElement.GetProperty("fine_tune_type").GetString());
        Assert.Equal(3, config.RootElement.GetProperty("num_layers").GetInt32());
        Assert.Contains(config.RootElement.GetProperty("lora_parameters").GetProperty("keys").EnumerateArray(),
            key => key.GetString() == "attn.qkv_proj");
    }

    [Fact]
    public void Adapter_of_a_checkpoint_is_merged_into_a_folder()
    {
        string file = Fixtures.Path("corenet/lora/lora_linear_only.pt"), kept = Path.Combine(_folder, "kept"),
            merged = Path.Combine(_folder, "merged");
        Convert(file, Lora("lora_linear_only"), o => o with { Output = merged });
        Convert(file, Lora("lora_linear_only"), o => o with { Output = kept, KeepAdapter = true });
        Convert(kept, o => o with { Adapter = file, ConfigYaml = Fixtures.Path("corenet/lora/lora_linear_only.yaml") });
        using WeightFiles first = WeightFiles.Open(merged);
        using WeightFiles second = WeightFiles.Open(Output);
        foreach (TensorInfo tensor in first.Tensors)
            Assert.Equal(Sha256(first, tensor.Name), Sha256(second, tensor.Name));
    }

    [Fact]
    public void Adapter_without_its_configuration_is_an_error() =>
        Refused<InvalidDataException>("--config-yaml", Fixtures.Path("corenet/lora/lora.pt"), o => o);

    [Theory]
    [InlineData("rslora", "dora_and_embedding_untied", "rank")]
    [InlineData("lora_linear_only", "dora", "use_dora")]
    [InlineData("lora", "lora_linear_only", "no entry")]
    public void Adapter_with_another_ones_configuration_is_an_error(string checkpoint, string yaml, string word) =>
        Refused<InvalidDataException>(
        word, Fixtures.Path($"corenet/lora/{checkpoint}.pt"),
        o => Lora(yaml)(o) with { Architecture = Fixtures.Path($"corenet/lora/{checkpoint}.architecture.json") });

    [Fact]
    public void Adapter_that_is_half_DoRA_cannot_be_kept() => Refused<ArgumentException>(
        "partly", Fixtures.Path("corenet/lora/dora_and_embedding_untied.pt"),
        o => Lora("dora_and_embedding_untied")(o) with { KeepAdapter = true });

    [Theory]
    [InlineData("lora")]
    [InlineData("lora-keys")]
    [InlineData("lora-embedding")]
    public void Adapters_of_mlx_lm_are_merged(string name)
    {
        Convert(Fixtures.Path("mlx-lm/micro"), o =>
            o with { Adapter = Fixtures.Path("mlx-lm/adapters/" + name), Type = TensorType.Float32 });
        using WeightFiles before = WeightFiles.Open(Fixtures.Path("mlx-lm/micro"));
        using WeightFiles after = WeightFiles.Open(Output);
        using SafetensorsFile adapter =
            SafetensorsFile.Open(Fixtures.Path($"mlx-lm/adapters/{name}/adapters.safetensors"));
        double scale = OfJson($"mlx-lm/adapters/{name}/adapter_config.json").GetProperty(
            "lora_parameters").GetProperty("scale").GetDouble();
        foreach (TensorInfo tensor in before.Tensors)
        {
            float[] want = Floats(before, tensor.Name), got = Floats(after, tensor.Name);
            string module = tensor.Name[..^".weight".Length];
            if (adapter.Tensors.TryGetValue(module + ".lora_a", out TensorInfo? a))
                AddProduct(want, tensor.Shape[1], Floats(adapter, a), Floats(adapter, adapter[module + ".lora_b"]),
                    a.Shape[1], scale, module.EndsWith("embeddings"));
            for (int i = 0; i < want.Length; i++)
                Assert.True(Math.Abs(want[i] - got[i]) <= 1e-5, $"{tensor.Name}[{i}]");
        }
        Assert.False(after.Contains("lm_head.weight")); // mlx-lm adapts a tied output layer too
    }

    [Theory]
    [InlineData(ConvertTarget.MlxLm)]
    [InlineData(ConvertTarget.CoreNetPort)]
    [InlineData(ConvertTarget.HuggingFace)]
    [InlineData(ConvertTarget.CoreNetCheckpoint)]
    public void Every_target_leads_back_to_the_same_bytes(ConvertTarget target)
    {
        string source = Fixtures.Path("mlx-lm/micro");
        string there = Path.Combine(_folder, target == ConvertTarget.CoreNetCheckpoint ? "there.pt" : "there");
        string back = Path.Combine(_folder, "back");
        Convert(source, o => o with { Output = there, Target = target });
        Convert(there, o => target == ConvertTarget.CoreNetCheckpoint
            ? o with
            {
                Output = back,
                ConfigYaml = Path.ChangeExtension(there, ".yaml"),
                Architecture = Path.ChangeExtension(there, ".architecture.json"),
            }
            : o with { Output = back });
        using WeightFiles first = WeightFiles.Open(source);
        using WeightFiles second = WeightFiles.Open(back);
        Assert.Equal(first.Tensors.Select(t => t.Name).Order(), second.Tensors.Select(t => t.Name).Order());
        foreach (TensorInfo tensor in first.Tensors)
            Assert.Equal(Sha256(first, tensor.Name), Sha256(second, tensor.Name));
        OpenElmConfig config = OpenElmConfig.FromFile(Path.Combine(back, "config.json"));
        Assert.Equal(OpenElmConfig.FromFile(Path.Combine(source, "config.json")).Layers, config.Layers);
        Assert.Equal(256, config.MaxContextLength);
    }

    [Fact]
    public void Every_variant_survives_a_CoreNet_checkpoint()
    {
        foreach (string variant in Directory.EnumerateDirectories(Fixtures.Path("corenet/variants")))
        {
            string name = Path.GetFileName(variant), there = Path.Combine(_folder, name),
                back = Path.Combine(_folder, name + ".pt");
            Convert(Path.Combine(variant, "checkpoint.pt"), o =>
                o with { Output = there, Architecture = Path.Combine(variant, "architecture.json") });
            Convert(there, o => o with { Output = back, Target = ConvertTarget.CoreNetCheckpoint });
            using TorchSource first = TorchSource.Open(Path.Combine(variant, "checkpoint.pt"));
            using TorchSource second = TorchSource.Open(back);
            foreach (SourceTensor tensor in first.Tensors.Values)
                Assert.Equal(first.ReadFloats(tensor), second.ReadFloats(second.Tensors[tensor.Name]));
        }
    }

    [Theory]
    [InlineData(ConvertTarget.MlxLm)]
    [InlineData(ConvertTarget.CoreNetPort)]
    [InlineData(ConvertTarget.CoreNetCheckpoint)]
    public void Identical_input_gives_identical_bytes(ConvertTarget target)
    {
        string suffix = target == ConvertTarget.CoreNetCheckpoint ? "/model.pt" : "";
        string one = Path.Combine(_folder, "one") + suffix, two = Path.Combine(_folder, "two") + suffix;
        foreach (string output in (string[])[one, two])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(output)!);
            Convert(Fixtures.Path("corenet/micro/checkpoint_average.pt"), Architecture("micro"), o =>
                o with { Output = output, Target = target, Type = TensorType.BFloat16 });
        }
        string[] files = Files(Path.Combine(_folder, "one"));
        Assert.Equal(files, Files(Path.Combine(_folder, "two")));
        foreach (string file in files)
            Assert.Equal(File.ReadAllBytes(Path.Combine(_folder, "one", file)),
                File.ReadAllBytes(Path.Combine(_folder, "two", file)));
    }

    [Fact]
    public void Bfloat16_of_the_average_equals_PyTorchs()
    {
        Convert(Fixtures.Path("corenet/micro/checkpoint_average.pt"), Architecture("micro"), o =>
            o with { Type = TensorType.BFloat16 });
        using var document = Parse("corenet/micro/tensors.json");
        using WeightFiles weights = WeightFiles.Open(Output);
        foreach (JsonProperty tensor in document.RootElement.GetProperty("bf16.pt").EnumerateObject())
            Assert.Equal(
                tensor.Value.GetProperty("sha256").GetString(), Sha256(weights, TensorNames.ToMlxLm(tensor.Name)));
    }

    [Fact]
    public void Padding_rows_are_trimmed_and_filled_again()
    {
        string trimmed = Path.Combine(_folder, "trimmed"), padded = Path.Combine(_folder, "padded.pt");
        Convert(Fixtures.Path("corenet/micro/checkpoint_average.pt"), Architecture("micro"), o =>
            o with { Output = trimmed, TrimVocabulary = true });
        OpenElmConfig config = OpenElmConfig.FromFile(Path.Combine(trimmed, "config.json"));
        Assert.Equal((320, (int?)null), (config.VocabularySize, config.PaddingIndex));
        Convert(trimmed, o =>
            o with { Output = padded, Target = ConvertTarget.CoreNetCheckpoint, VocabularySize = 384 });
        using TorchSource first = TorchSource.Open(Fixtures.Path("corenet/micro/checkpoint_average.pt"));
        using TorchSource second = TorchSource.Open(padded);
        float[] want = first.ReadFloats(first.Tensors["token_embeddings.weight"]),
            got = second.ReadFloats(second.Tensors["token_embeddings.weight"]);
        Assert.Equal(want[..(320 * 64)], got[..(320 * 64)]);
        Assert.All(got[(320 * 64)..], value => Assert.Equal(0, value));
    }

    [Fact]
    public void Trimming_without_a_padding_index_asks_for_the_number() => Refused<ArgumentException>(
        "--trim-vocabulary ROWS", Fixtures.Path("mlx-lm/micro"), o => o with { TrimVocabulary = true });

    [Theory]
    [InlineData("OpenELM-450M", "token_embeddings.weight")]
    [InlineData("OpenELM-270M", "token_embeddings.weight")]
    public void Checkpoint_of_another_size_names_the_first_tensor(string model, string tensor)
    {
        string yaml = Path.Combine(_folder, "config.yaml");
        File.WriteAllText(
            yaml, $"model: {{language_modeling: {{name: general_gpt, general_gpt: {{model_name: {model}}}}}}}");
        Refused<InvalidDataException>(
            tensor, Fixtures.Path("corenet/micro/checkpoint_average.pt"), o => o with { ConfigYaml = yaml });
    }

    [Fact]
    public void Checkpoint_of_a_known_size_says_which_one_would_fit()
    {
        string folder = Path.Combine(_folder, "large");
        Directory.CreateDirectory(folder);
        OpenElmConfig config = OpenElmConfig.FromName("OpenELM-270M");
        string checkpoint = Path.Combine(folder, "model.pt");
        using (var writer = new Checkpoints.Torch.TorchWriter(
            checkpoint, [.. config.TensorShapes().Select(t => new TensorSpec(t.Name, TensorType.BFloat16, t.Shape))]))
        {
            var zeros = new byte[1 << 20];
            foreach ((string name, int[] shape) in config.TensorShapes())
                for (long left = shape.Aggregate(2L, (product, size) => product * size); left > 0; left -= zeros.Length)
                    writer.Write(name, zeros.AsSpan(0, (int)Math.Min(left, zeros.Length)));
            writer.Commit();
        }
        string yaml = Path.Combine(_folder, "config.yaml");
        File.WriteAllText(yaml, "model: {language_modeling: {general_gpt: {model_name: OpenELM-1_1B}}}");
        Refused<InvalidDataException>("those of OpenELM-270M", checkpoint, o => o with { ConfigYaml = yaml });
        using OpenedCheckpoint opened =
            OpenedCheckpoint.Open(new ConvertOptions { Input = checkpoint, Output = Output });
        Assert.Equal(("OpenELM-270M", 271_527_168), (opened.Config.ModelName, opened.Config.ParameterCount));
        Assert.Contains(opened.Notes, note => note.Contains("OpenELM-270M"));
    }

    [Theory]
    [InlineData("missing.pt", "missing.pt")]
    [InlineData("hostile/html.pt", "web page")]
    [InlineData("hostile/safetensors.pt", "safetensors")]
    [InlineData("hostile/zip_cut_at_606.pt", "cut short")]
    [InlineData("hostile/control.pt", "token_embeddings.weight")]
    [InlineData("containers/float64_int.pt", "token_embeddings.weight")]
    [InlineData("variants/no_qk_norm/checkpoint.pt", "--architecture")]
    public void Broken_input_is_refused_and_leaves_nothing(string file, string word)
    {
        var error = Assert.ThrowsAny<Exception>(() => Convert(Fixtures.Path("corenet/" + file)));
        Assert.Contains(word, error.Message);
        Assert.True(error is InvalidDataException or FileNotFoundException, error.GetType().Name);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void Number_that_float16_cannot_hold_is_refused_unless_allowed()
    {
        string folder = Path.Combine(_folder, "large"), source = Path.Combine(folder, "model.safetensors");
        Directory.CreateDirectory(folder);
        File.Copy(Fixtures.Path("mlx-lm/micro/config.json"), Path.Combine(folder, "config.json"));
        byte[] bytes = File.ReadAllBytes(Fixtures.Path("mlx-lm/micro/model.safetensors"));
        using (SafetensorsFile file = SafetensorsFile.Open(Fixtures.Path("mlx-lm/micro/model.safetensors")))
            // 65536 in bfloat16
            BitConverter.TryWriteBytes(bytes.AsSpan((int)file["transformer.norm.weight"].Offset), (ushort)0x4780);
        File.WriteAllBytes(source, bytes);
        Refused<InvalidDataException>(
            "norm.weight holds numbers that float16 cannot", folder, o => o with { Type = TensorType.Float16 });
        Convert(folder, o => o with { Type = TensorType.Float16, AllowOverflow = true });
        using WeightFiles weights = WeightFiles.Open(Output);
        Assert.Equal(float.PositiveInfinity, Floats(weights, "transformer.norm.weight")[0]);
    }

    [Fact]
    public void Existing_folder_is_kept_unless_overwrite_is_given()
    {
        Convert(Fixtures.Path("mlx-lm/micro"));
        Refused<IOException>("--overwrite", Fixtures.Path("mlx-lm/micro"), o => o, empty: false);
        Convert(Fixtures.Path("mlx-lm/micro"), o => o with { Overwrite = true, Type = TensorType.Float32 });
        Assert.Equal(["output"], Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName));

        string other = Path.Combine(_folder, "other");
        Directory.CreateDirectory(other);
        File.WriteAllText(Path.Combine(other, "letter.txt"), "keep me");
        Refused<IOException>("no model folder", Fixtures.Path("mlx-lm/micro"), o =>
            o with { Output = other, Overwrite = true }, empty: false);
        Assert.True(File.Exists(Path.Combine(other, "letter.txt")));
    }

    [Fact]
    public void Output_that_is_the_input_is_refused()
    {
        Convert(Fixtures.Path("mlx-lm/micro"));
        Refused<ArgumentException>(
            "its own input", Output, o => o with { Output = Output, Overwrite = true }, empty: false);
    }

    [Fact]
    public void Cancelled_conversion_leaves_nothing()
    {
        using var cancellation = new CancellationTokenSource();
        var progress = new Cancelling(cancellation);
        Assert.ThrowsAny<OperationCanceledException>(() => Converter.Convert(
            new ConvertOptions { Input = Fixtures.Path("mlx-lm/micro"), Output = Output }, progress,
            cancellation.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData("nowhere/at/all", "--tokenizer-path")]
    public void Tokenizer_that_is_not_there_is_an_error(string path, string word) => Refused<FileNotFoundException>(
        word, Fixtures.Path("mlx-lm/micro"), o => o with { TokenizerPath = Path.Combine(_folder, path) });

    [Fact]
    public void Shards_are_written_when_a_limit_is_given()
    {
        Convert(Fixtures.Path("mlx-lm/micro"), o => o with { ShardBytes = 300_000 });
        using WeightFiles written = WeightFiles.Open(Output);
        using WeightFiles source = WeightFiles.Open(Fixtures.Path("mlx-lm/micro"));
        Assert.True(written.Files.Count() > 2);
        foreach (TensorInfo tensor in source.Tensors)
            Assert.Equal(Sha256(source, tensor.Name), Sha256(written, tensor.Name));
    }

    [Fact]
    public void Folder_keeps_the_fields_of_its_configuration()
    {
        Convert(Fixtures.Path("mlx-lm/micro"));
        JsonElement before = OfJson("mlx-lm/micro/config.json");
        using var after = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Output, "config.json")));
        foreach (JsonProperty field in before.EnumerateObject())
            Assert.True(JsonElement.DeepEquals(field.Value, after.RootElement.GetProperty(field.Name)), field.Name);
        Assert.Equal(
            ["config.json", "model.safetensors", "model.safetensors.index.json", "tokenizer.json",
                "tokenizer_config.json"], Files(Output));
        Assert.Equal(
            457_408, JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Output, "model.safetensors.index.json")))
            .RootElement.GetProperty("metadata").GetProperty("total_parameters").GetInt64());
    }

    private sealed class Cancelling(CancellationTokenSource source) : IProgress<ConvertProgress>
    {
        public void Report(ConvertProgress value) => source.Cancel();
    }

    private string Output => Path.Combine(_folder, "output");

    private ConvertReport Convert(string input, params Func<ConvertOptions, ConvertOptions>[] changes) =>
        Converter.Convert(
        changes.Aggregate(new ConvertOptions { Input = input, Output = Output }, (options, change) => change(options)));

    private void Refused<T>(string word, string input, Func<ConvertOptions, ConvertOptions> change, bool empty = true)
        where T : Exception
    {
        var error = Assert.ThrowsAny<T>(() => Convert(input, change));
        Assert.Contains(word, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        if (empty)
            Assert.False(Directory.Exists(Output));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder, "*.partial*"));
    }

    private static Func<ConvertOptions, ConvertOptions> Architecture(string folder) =>
        options => options with { Architecture = Fixtures.Path($"corenet/{folder}/architecture.json") };

    private static Func<ConvertOptions, ConvertOptions> Lora(string name) => options => options with
    {
        ConfigYaml = Fixtures.Path($"corenet/lora/{name}.yaml"),
        Architecture = Fixtures.Path($"corenet/lora/{name}.architecture.json"),
    };

    // want += scale · (A B)ᵀ, or A B for an embedding; A [in, r], B [r, out].
    private static void AddProduct(
        float[] weight, int columns, float[] a, float[] b, int rank, double scale, bool embedding)
    {
        int rows = weight.Length / columns;
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
            {
                double sum = 0;
                for (int k = 0; k < rank; k++)
                    sum += embedding ? (double)a[row * rank + k] * b[k * columns + column] : (double)a[column * rank +
                        k] * b[k * rows + row];
                weight[row * columns + column] += (float)(scale * sum);
            }
    }

    private static float[] Floats(WeightFiles weights, string name) => Floats(weights[name].File, weights[name].Tensor);

    private static float[] Floats(SafetensorsFile file, TensorInfo tensor)
    {
        var bytes = new byte[tensor.ByteCount];
        file.Read(tensor, bytes);
        var floats = new float[tensor.ElementCount];
        TensorCast.ToFloats(tensor.Type, bytes, floats);
        return floats;
    }

    private static string Sha256(WeightFiles weights, string name)
    {
        (SafetensorsFile file, TensorInfo tensor) = weights[name];
        var bytes = new byte[tensor.ByteCount];
        file.Read(tensor, bytes);
        return System.Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    private static string[] Files(string folder) =>
        [.. Directory.EnumerateFiles(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private static JsonDocument Parse(string file) => JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path(file)));

    private static JsonElement OfJson(string file)
    {
        using JsonDocument document = Parse(file);
        return document.RootElement.Clone();
    }
}
