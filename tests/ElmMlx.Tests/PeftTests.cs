using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using ElmMlx.Checkpoints;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>PEFT's adapter folders in and out, and the scale conventions between the tools.</summary>
public sealed class PeftTests : IDisposable
{
    private const string Layer = "base_model.model.transformer.layers.1.ffn.proj_2";

    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-peft-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Peft => Path.Combine(_folder, "peft");

    [Theory]
    [InlineData("lora")]
    [InlineData("lora-keys")]
    [InlineData("lora-embedding")]
    [InlineData("dora")]
    [InlineData("qlora")]
    public void Way_to_peft_and_back_is_exact(string name)
    {
        string from = Fixtures.Path("mlx-lm/adapters/" + name), back = Path.Combine(_folder, "back");
        AdapterConverter.Convert(from, Peft, AdapterFormat.Peft);
        AdapterConverter.Convert(Peft, back, AdapterFormat.MlxLm);
        AdapterConfig before = AdapterConfig.Read(from), after = AdapterConfig.Read(back);
        Assert.Equal((before.Type, before.Rank, before.Scale, before.Dropout),
            (after.Type, after.Rank, after.Scale, after.Dropout));
        Assert.Equal(before.Text("model"), after.Text("model"));
        using SafetensorsFile want = SafetensorsFile.Open(Path.Combine(from, "adapters.safetensors"));
        using SafetensorsFile got = SafetensorsFile.Open(Path.Combine(back, "adapters.safetensors"));
        Assert.Equal(want.Tensors.Values.Select(t => t.ToString())
            .Order(), got.Tensors.Values.Select(t => t.ToString()).Order());
        foreach (string tensor in want.Tensors.Keys)
            Assert.Equal(want.Doubles(tensor), got.Doubles(tensor));
        // and every adapted module is among those that mlx-lm would adapt with the new configuration
        using OpenElmModel model = MlxLmTests.Load("micro");
        LoraAdapters.AddTo(
            model, new LoraOptions
            {
                Type = after.Type,
                Rank = after.Rank,
                Keys = after.Keys,
                LayerCount = after.LayerCount,
            });
        LoraAdapters.LoadWeights(model, Path.Combine(back, "adapters.safetensors"));
    }

    [Fact]
    public void Folder_has_the_names_and_fields_of_peft()
    {
        AdapterConverter.Convert(Fixtures.Path("mlx-lm/adapters/lora-embedding"), Peft, AdapterFormat.Peft);
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(Peft, "adapter_model.safetensors"));
        Assert.Equal(
            [
                "base_model.model.transformer.layers.3.attn.out_proj.lora_A.weight [4, 64] float32",
                "base_model.model.transformer.layers.3.attn.out_proj.lora_B.weight [64, 4] float32",
                "base_model.model.transformer.token_embeddings.lora_embedding_A [4, 320] float32",
                "base_model.model.transformer.token_embeddings.lora_embedding_B [64, 4] float32",
            ],
            file.Tensors.Values.Select(tensor => tensor.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(
            """
            {
              "alpha_pattern": {},
              "auto_mapping": null,
              "base_model_name_or_path": "micro",
              "bias": "none",
              "fan_in_fan_out": false,
              "inference_mode": true,
              "init_lora_weights": true,
              "layers_pattern": null,
              "layers_to_transform": null,
              "lora_alpha": 8,
              "lora_dropout": 0,
              "modules_to_save": null,
              "peft_type": "LORA",
              "r": 4,
              "rank_pattern": {},
              "revision": null,
              "target_modules": [
                "transformer.layers.3.attn.out_proj",
                "transformer.token_embeddings"
              ],
              "task_type": "CAUSAL_LM",
              "use_dora": false,
              "use_rslora": false
            }
            """.ReplaceLineEndings("\n"),
            File.ReadAllText(Path.Combine(Peft, "adapter_config.json")));
    }

    // CoreNet's adapters are PEFT's with the scale elsewhere: alpha / r or alpha / √r, the tied output layer without
    // the embedding's.
    [Theory]
    [InlineData("lora")]
    [InlineData("rslora")]
    [InlineData("dora")]
    [InlineData("lora_linear_only")]
    public void Adapters_of_corenet_become_peft_s_with_the_same_logits(string name)
    {
        using ArrayScope scope = new();
        string checkpoint = Fixtures.Path($"corenet/lora/{name}.pt");
        (string description, _) = AdapterConverter.Convert(
            checkpoint, Peft, AdapterFormat.Peft, Fixtures.Path($"corenet/lora/{name}.yaml"));
        Assert.Contains("of rank 4", description, StringComparison.Ordinal);
        var tensors = CoreNetModels.Tensors(checkpoint).Where(entry => !CoreNetAdapters.IsAdapterTensor(entry.Key))
            .ToDictionary(entry => CoreNetAdapters.BaseName(entry.Key), entry => entry.Value);
        OpenElmConfig config = OpenElmConfig.FromFile(Fixtures.Path($"corenet/lora/{name}.architecture.json"));
        using OpenElmModel model = OpenElmModel.FromTensors(config, tensors);
        Assert.True(config.TieEmbeddings);
        using SafetensorsFile expected = GoldenArrays.Open($"corenet/lora/{name}.expected.safetensors");
        MlxArray ids = expected.IdArray("input_ids");
        GoldenArrays.Close(expected.Doubles("logits_without_adapter_f64"), model.Forward(ids).Floats(), 1e-4, "base");
        LoraAdapters.ApplyTo(model, Peft);
        GoldenArrays.Close(expected.Doubles("logits_f64"), model.Forward(ids).Floats(), 1e-4, name);
    }

    [Theory]
    [InlineData("lora", true)]
    [InlineData("dora", false)]
    public void Folder_is_merged_into_a_model_and_unties_an_adapted_embedding(string name, bool unties)
    {
        using ArrayScope scope = new();
        string checkpoint = Fixtures.Path($"corenet/lora/{name}.pt"), merged = Path.Combine(_folder, "merged");
        AdapterConverter.Convert(checkpoint, Peft, AdapterFormat.Peft, Fixtures.Path($"corenet/lora/{name}.yaml"));
        string tied = TiedFolder(name);
        ConvertReport report = Converter.Convert(new ConvertOptions { Input = tied, Output = merged, Adapter = Peft });
        Assert.Equal(unties, report.Notes.Any(note => note.Contains("output layer becomes", StringComparison.Ordinal)));
        using OpenElmModel model = OpenElmModel.Load(merged);
        Assert.Equal(!unties, model.Config.TieEmbeddings);
        using SafetensorsFile expected = GoldenArrays.Open($"corenet/lora/{name}.expected.safetensors");
        GoldenArrays.Close(
            expected.Doubles("logits_f64"), model.Forward(expected.IdArray("input_ids")).Floats(), 1e-4, name);
    }

    [Theory]
    [InlineData("""{"r":4,"lora_alpha":6}""", 1.5)]
    [InlineData("""{"r":4,"lora_alpha":6,"use_rslora":true}""", 3)]
    [InlineData("""{"r":8,"lora_alpha":8,"rank_pattern":{"ffn.proj_2":4}}""", 2)]
    [InlineData("""{"r":4,"lora_alpha":8,"alpha_pattern":{"out_proj":2,"layers\\.\\d+\\.ffn.proj_2":5}}""", 1.25)]
    [InlineData("""{"r":4,"lora_alpha":8,"alpha_pattern":{"roj_2":2}}""", 2)]
    [InlineData("""{"r":4,"lora_alpha":8,"fan_in_fan_out":true,"bias":"none","modules_to_save":null,"init_lora_weights":"gaussian"}""", 2)]
    [InlineData("""{"r":4,"lora_alpha":8,"modules_to_save":[],"layer_replication":null,"lora_bias":false}""", 2)]
    public void Scale_follows_peft_s_fields(string config, double scale)
    {
        WriteFolder(config, (Layer + ".lora_A.weight", [4, 512]), (Layer + ".lora_B.weight", [64, 4]));
        Adapter adapter = Assert.Single(AdapterSet.Read(Peft).Adapters.Values);
        Assert.Equal(
            ("layers.1.ffn.proj_2", 64, 512, scale), (adapter.Module, adapter.Rows, adapter.Columns, adapter.Scale));
    }

    [Fact]
    public void Names_with_the_adapter_s_own_name_are_understood()
    {
        WriteFolder(
            """{"r":2,"lora_alpha":2,"use_dora":true}""", (Layer + ".lora_A.default.weight", [2, 512]),
            (Layer + ".lora_B.default.weight", [64, 2]), (Layer + ".lora_magnitude_vector.default.weight", [64]));
        Assert.Equal(64, Assert.Single(AdapterSet.Read(Peft).Adapters.Values).Magnitudes!.Length);
    }

    [Fact]
    public void Ranks_and_scales_that_differ_become_one_for_mlx_lm()
    {
        using ArrayScope scope = new();
        const string other = "base_model.model.transformer.layers.2.attn.qkv_proj";
        WriteFolder(
            """{"r":4,"lora_alpha":8,"rank_pattern":{"qkv_proj":2},"alpha_pattern":{"qkv_proj":3}}""",
            (Layer + ".lora_A.weight", [4, 512]), (Layer + ".lora_B.weight", [64, 4]),
            (other + ".lora_A.weight", [2, 64]), (other + ".lora_B.weight", [128, 2]));
        string adapters = Path.Combine(_folder, "adapters"), again = Path.Combine(_folder, "again");
        (_, IReadOnlyList<string> notes) = AdapterConverter.Convert(Peft, adapters, AdapterFormat.MlxLm);
        Assert.Contains("num_layers is -1", Assert.Single(notes), StringComparison.Ordinal);
        using OpenElmModel theirs = MlxLmTests.Load(
            "micro", DType.Float32), ours = MlxLmTests.Load("micro", DType.Float32);
        MlxArray ids = MlxArray.From<int>([1, 5, 9, 200], 1, 4);
        float[] before = theirs.Forward(ids).Floats();
        LoraAdapters.ApplyTo(theirs, Peft);
        LoraAdapters.ApplyTo(ours, adapters);
        double[] want = [.. theirs.Forward(ids).Floats().Select(value => (double)value)];
        Assert.True(before.Zip(want, (a, b) => Math.Abs(a - b)).Max() > 0.01);
        GoldenArrays.Close(want, ours.Forward(ids).Floats(), 1e-4, "logits");

        // PEFT's own format keeps them apart
        AdapterConverter.Convert(Peft, again, AdapterFormat.Peft);
        Assert.Equal(
            AdapterSet.Read(Peft).Adapters.Values.Select(a => (a.Rank, a.Scale)),
            AdapterSet.Read(again).Adapters.Values.Select(a => (a.Rank, a.Scale)));
    }

    [Fact]
    public void Alpha_divides_back_into_the_scale()
    {
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            int rank = random.Next(1, 200);
            double scale = Math.Round(random.NextDouble() * 64, random.Next(0, 6));
            double back = LoraOptions.ScaleOf(PeftWriter.AlphaOf(scale, rank), rank, rankStabilised: false);
            Assert.Equal((float)scale, (float)back);
            Assert.InRange(Math.Abs(back - scale), 0, 2e-16 * scale);
        }
        Assert.Equal(160, PeftWriter.AlphaOf(20, 8));
    }

    public static TheoryData<string, string> Refusals => new()
    {
        { """{"peft_type":"IA3"}""", "peft_type is IA3" },
        { """{"modules_to_save":["lm_head"]}""", """modules_to_save is ["lm_head"]""" },
        { """{"bias":"all"}""", "bias is all" },
        { """{"lora_bias":true}""", "lora_bias is true" },
        { """{"layer_replication":[[0,2],[1,3]]}""", "layer_replication" },
        { """{"trainable_token_indices":[1]}""", "trainable_token_indices" },
        { """{"target_parameters":["x"]}""", "target_parameters" },
        { """{"use_qalora":true}""", "use_qalora" },
        { """{"init_lora_weights":"pissa_niter_16"}""", "init_lora_weights is pissa_niter_16" },
        { """{"r":8}""", "has rank 4, and adapter_config.json says 8" },
        { """{"use_dora":true}""", "has no magnitude vector" },
        { """{"use_rslora":1}""", "use_rslora must be true or false" },
        { """{"lora_alpha":"8"}""", "lora_alpha must be a number" },
        { """{"alpha_pattern":{"(":1}}""", "alpha_pattern is not understood" },
        { """{"rank_pattern":[4]}""", "rank_pattern must be an object" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Configuration_that_means_something_else_is_refused(string fields, string words)
    {
        JsonObject config = new() { ["r"] = 4, ["lora_alpha"] = 8 };
        foreach ((string name, JsonNode? value) in JsonNode.Parse(fields)!.AsObject())
            config[name] = value?.DeepClone();
        WriteFolder(config.ToJsonString(), (Layer + ".lora_A.weight", [4, 512]), (Layer + ".lora_B.weight", [64, 4]));
        string message = Assert.Throws<InvalidDataException>(() => AdapterSet.Read(Peft)).Message;
        Assert.Contains(words, message, StringComparison.Ordinal);
        Assert.StartsWith(Peft, message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string[]> Names => new()
    {
        { "has no lora_B", [Layer + ".lora_A.weight"] },
        { "is no part of a LoRA adapter", [Layer + ".lora_A.weight", "base_model.model.lm_head.weight"] },
        { "is a bias", [Layer + ".lora_A.weight", Layer + ".lora_B.bias"] },
        { "more than one adapter", [Layer + ".lora_A.one.weight", Layer + ".lora_A.two.weight"] },
        { "no embedding's adapter", ["base_model.model.transformer.token_embeddings.lora_A.weight",
            "base_model.model.transformer.token_embeddings.lora_B.weight"] },
        { "the model has no layer transformer.h.0.mlp", ["base_model.model.transformer.h.0.mlp.lora_A.weight",
            "base_model.model.transformer.h.0.mlp.lora_B.weight"] },
        { "for a matrix of [4, 4], and the model's is [64, 512]",
            [Layer + ".lora_A.weight", Layer + ".lora_B.weight"] },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Tensors_of_something_else_are_refused(string words, string[] names)
    {
        using OpenElmModel model = MlxLmTests.Load("micro");
        WriteFolder("""{"r":4,"lora_alpha":8}""", [.. names.Select(name => (name, new[] { 4, 4 }))]);
        Assert.Contains(
            words, Assert.Throws<InvalidDataException>(() => LoraAdapters.ApplyTo(model, Peft)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Pickles_and_what_the_formats_cannot_say_are_refused()
    {
        Directory.CreateDirectory(Peft);
        File.WriteAllBytes(Path.Combine(Peft, "adapter_model.bin"), [0x80]);
        Assert.Contains("safe_serialization", Assert.Throws<FileNotFoundException>(() => AdapterSet.Read(Peft)).Message,
            StringComparison.Ordinal);
        Assert.Contains("partly DoRA", Assert.Throws<ArgumentException>(() => AdapterConverter.Convert(
            Fixtures.Path("corenet/lora/dora_and_embedding_untied.pt"), Path.Combine(_folder, "out"),
            AdapterFormat.Peft,
            Fixtures.Path("corenet/lora/dora_and_embedding_untied.yaml"))).Message, StringComparison.Ordinal);
        Assert.Contains("whole weights", Assert.Throws<InvalidDataException>(() => AdapterConverter.Convert(
            Fixtures.Path("mlx-lm/adapters/full"), Path.Combine(_folder, "out"),
            AdapterFormat.Peft)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "out")));
    }

    [Fact]
    public void Command_converts_adapters_alone()
    {
        string from = Fixtures.Path("mlx-lm/adapters/lora"), back = Path.Combine(_folder, "back");
        CommandProcess.Result result = CommandProcess.Convert(from, Peft, "--to", "peft");
        Assert.Equal(
            (0, $"LoRA of rank 4 on 8 modules.\nWrote {Peft}.\n", ""), (result.ExitCode, result.Output, result.Errors));
        result = CommandProcess.Convert(Peft, back, "--to", "adapter");
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.True(File.Exists(Path.Combine(back, "adapters.safetensors")));
        Assert.Contains(
            "--overwrite", CommandProcess.Convert(Peft, back, "--to", "adapter").Errors, StringComparison.Ordinal);
        Assert.Equal(0, CommandProcess.Convert(Peft, back, "--to", "adapter", "--overwrite").ExitCode);
        result = CommandProcess.Convert(from, Path.Combine(_folder, "x"), "--to", "peft", "--quantize");
        Assert.Equal(
            (2, "--to peft converts adapters alone; leave --quantize away.\n"), (result.ExitCode, result.Errors));
    }

    // A folder with pseudo-random tensors.
    private void WriteFolder(string config, params (string Name, int[] Shape)[] tensors)
    {
        Directory.CreateDirectory(Peft);
        File.WriteAllText(Path.Combine(Peft, "adapter_config.json"), config);
        using SafetensorsWriter writer = new(
            Path.Combine(Peft, "adapter_model.safetensors"),
            tensors.Select(tensor => new TensorSpec(tensor.Name, TensorType.Float32, tensor.Shape)));
        Random random = new(7);
        foreach ((string name, int[] shape) in tensors)
        {
            float[] values =
                [.. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b)).Select(_ => random.NextSingle() * 0.1f)];
            writer.Write(name, MemoryMarshal.AsBytes(values.AsSpan()));
        }
        writer.Commit();
    }

    // The checkpoint's base model as a folder, its output layer tied.
    private string TiedFolder(string name)
    {
        string folder = Path.Combine(_folder, "tied");
        Directory.CreateDirectory(folder);
        using TorchSource source = TorchSource.Open(Fixtures.Path($"corenet/lora/{name}.pt"));
        SourceTensor[] weights =
            [.. source.Tensors.Values.Where(tensor => !CoreNetAdapters.IsAdapterTensor(tensor.Name))];
        string NameOf(SourceTensor tensor) => OpenElmModel.MlxLmName(CoreNetAdapters.BaseName(tensor.Name));
        using SafetensorsWriter writer = new(
            Path.Combine(folder, "model.safetensors"),
            weights.Select(tensor => new TensorSpec(NameOf(tensor), TensorType.Float32, tensor.Shape)));
        foreach (SourceTensor tensor in weights)
            writer.Write(NameOf(tensor), MemoryMarshal.AsBytes(source.ReadFloats(tensor).AsSpan()));
        writer.Commit();
        OpenElmConfig config = OpenElmConfig.FromFile(Fixtures.Path($"corenet/lora/{name}.architecture.json"));
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToMlxLmJson());
        return folder;
    }
}
