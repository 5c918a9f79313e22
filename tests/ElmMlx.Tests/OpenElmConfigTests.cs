using System.Text.Json;
using ElmMlx.OpenElm;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Configurations in every form, against what CoreNet's and mlx-lm's own code made of them.</summary>
public sealed class OpenElmConfigTests
{
    public static TheoryData<string> DimensionCases()
    {
        var names = new TheoryData<string>();
        using var document = Parse("corenet/dims.json");
        foreach (JsonElement entry in document.RootElement.EnumerateArray())
            names.Add(entry.GetProperty("name").GetString()!);
        return names;
    }

    public static TheoryData<string> Architectures()
    {
        var files = new TheoryData<string> { "corenet/micro/architecture.json",
            "corenet/containers/architecture.json" };
        foreach (string folder in Directory.EnumerateDirectories(Fixtures.Path("corenet/variants")).Order())
            files.Add($"corenet/variants/{Path.GetFileName(folder)}/architecture.json");
        return files;
    }

    [Theory]
    [MemberData(nameof(DimensionCases))]
    public void Widths_equal_CoreNets(string name)
    {
        using var document = Parse("corenet/dims.json");
        JsonElement entry = document.RootElement.EnumerateArray()
            .Single(e => e.GetProperty("name").GetString() == name);
        OpenElmConfig config = OpenElmConfig.FromArchitecture(entry.GetProperty("config"), name);
        Assert.Equal(Integers(entry, "num_query_heads"), config.Layers.Select(layer => layer.QueryHeads));
        Assert.Equal(Integers(entry, "num_kv_heads"), config.Layers.Select(layer => layer.KeyValueHeads));
        Assert.Equal(Integers(entry, "ffn_intermediate_dims"), config.Layers.Select(layer => layer.FeedForwardSize));
        Assert.Equal(Numbers(entry, "ffn_multipliers"), config.FeedForwardMultipliers);
        Assert.Equal(entry.GetProperty("parameter_count").GetInt64(), config.ParameterCount);
        AssertSurvivesWriting(config);
    }

    [Theory]
    [InlineData("OpenELM-270M", 16, 271_527_168)]
    [InlineData("OpenELM-450M", 20, 457_179_136)]
    [InlineData("OpenELM-1_1B", 28, 1_079_891_456)]
    [InlineData("openelm-1.1B", 28, 1_079_891_456)]
    [InlineData("3B", 36, 3_036_647_424)]
    public void Known_name_has_the_published_size(string name, int layers, long parameters)
    {
        OpenElmConfig config = OpenElmConfig.FromName(name);
        Assert.Equal(layers, config.Layers.Count);
        Assert.Equal(parameters, config.ParameterCount);
        AssertSurvivesWriting(config);
    }

    [Fact]
    public void Unknown_name_is_an_error_that_lists_the_known_ones()
    {
        var error = Assert.Throws<ArgumentException>(() => OpenElmConfig.FromName("OpenELM-7B"));
        Assert.Contains("OpenELM-270M", error.Message);
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Architecture_file_is_read_and_written(string file)
    {
        OpenElmConfig config = OpenElmConfig.FromFile(Fixtures.Path(file));
        using var document = Parse(file);
        JsonElement derived = document.RootElement.GetProperty("derived");
        Assert.Equal(Integers(derived, "num_query_heads"), config.Layers.Select(layer => layer.QueryHeads));
        if (!file.Contains("containers"))
            Assert.Equal(derived.GetProperty("parameter_count").GetInt64(), config.ParameterCount);
        AssertSurvivesWriting(config);
    }

    [Theory]
    [InlineData("mlx-lm/micro/config.json")]
    [InlineData("mlx-lm/micro-kv/config.json")]
    [InlineData("mlx-lm/micro-q4-g64/config.json")]
    [InlineData("mlx-lm/micro-q8-g64/config.json")]
    public void Model_folder_configuration_keeps_its_fields(string file)
    {
        using var document = Parse(file);
        OpenElmConfig config = OpenElmConfig.FromJson(document.RootElement, file);
        using var written = JsonDocument.Parse(config.ToMlxLmJson());
        foreach (JsonProperty field in document.RootElement.EnumerateObject())
            Assert.True(
                written.RootElement.TryGetProperty(field.Name, out JsonElement value)
                    && JsonElement.DeepEquals(field.Value, value),
                field.Name);
        Assert.Equal(file.Contains("-q"), config.Quantization is not null);
    }

    [Fact]
    public void Quantised_configuration_is_written_as_mlx_lm_writes_it()
    {
        string path = Fixtures.Path("mlx-lm/micro-q4-g64/config.json");
        Assert.Equal(File.ReadAllText(path).TrimEnd(), OpenElmConfig.FromFile(path).ToMlxLmJson());
    }

    [Fact]
    public void Quantisation_overrides_are_found_with_and_without_prefix()
    {
        using var document = JsonDocument.Parse("""
            {"model_name":"270M","quantization":{"group_size":64,"bits":4,"transformer.layers.0.ffn.proj_2":{"group_size":64,"bits":6},"transformer.norm":false}}
            """);
        OpenElmQuantization quantization = OpenElmConfig.FromJson(document.RootElement).Quantization!;
        Assert.Equal(6, quantization.For("layers.0.ffn.proj_2").Bits);
        Assert.Equal(6, quantization.For("transformer.layers.0.ffn.proj_2").Bits);
        Assert.Equal(4, quantization.For("layers.1.ffn.proj_2").Bits);
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Sizes_are_inferred_from_shapes(string file)
    {
        OpenElmConfig config = OpenElmConfig.FromFile(Fixtures.Path(file));
        var shapes = config.TensorShapes().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape);
        if (!config.NormalizeQueryKey)
        {
            Assert.Contains(
                "--architecture",
                Assert.Throws<InvalidDataException>(() => OpenElmConfig.InferFromShapes(shapes)).Message);
            return;
        }
        OpenElmConfig inferred = OpenElmConfig.InferFromShapes(shapes);
        Assert.True(config.SameWidths(inferred));
        Assert.Equal(config.TieEmbeddings, inferred.TieEmbeddings);
        AssertSurvivesWriting(inferred);
    }

    [Theory]
    [InlineData("OpenELM-270M")]
    [InlineData("OpenELM-3B")]
    public void Published_size_is_recognised_by_its_shapes(string name)
    {
        var shapes = OpenElmConfig.FromName(name, 32128).TensorShapes()
            .ToDictionary(tensor => tensor.Name, tensor => tensor.Shape);
        Assert.Equal(name, OpenElmConfig.NameThatFits(shapes));
        OpenElmConfig inferred = OpenElmConfig.InferFromShapes(shapes);
        Assert.Equal(32128, inferred.VocabularySize);
        Assert.Equal(32000, inferred.PaddingIndex);
        shapes.Remove("norm.weight");
        shapes["token_embeddings.weight"] = [5];
        Assert.Null(OpenElmConfig.NameThatFits(shapes));
    }

    [Theory]
    [InlineData("""{"num_transformer_layers": 1000000000}""", "num_transformer_layers")]
    [InlineData("""{"num_transformer_layers": -1}""", "num_transformer_layers")]
    [InlineData("""{"num_transformer_layers": 2.5}""", "num_transformer_layers")]
    [InlineData("""{"num_transformer_layers": "2"}""", "num_transformer_layers")]
    [InlineData("""{"model_dim": 100000000}""", "model_dim")]
    [InlineData("""{"head_dim": 0}""", "head_dim")]
    [InlineData("""{"head_dim": 7}""", "head_dim")]
    [InlineData("""{"vocab_size": 4294967296}""", "vocab_size")]
    [InlineData("""{"vocab_size": null}""", "vocab_size")]
    [InlineData("""{"qkv_multipliers": 1e300}""", "qkv_multipliers")]
    [InlineData("""{"qkv_multipliers": [0.5, -1]}""", "qkv_multipliers")]
    [InlineData("""{"qkv_multipliers": []}""", "qkv_multipliers")]
    [InlineData("""{"ffn_multipliers": [1, 2, 3]}""", "ffn_multipliers")]
    [InlineData("""{"ffn_multipliers": null}""", "ffn_multipliers")]
    [InlineData("""{"num_gqa_groups": 60000}""", "attention")]
    [InlineData("""{"ffn_dim_divisor": 0}""", "ffn_dim_divisor")]
    [InlineData("""{"padding_index": 5000}""", "padding_index")]
    [InlineData("""{"rms_norm_eps": "NaN"}""", "rms_norm_eps")]
    [InlineData("""{"rope_freq_constant": -1}""", "rope_freq_constant")]
    [InlineData("""{"activation_fn_name": "tanh"}""", "activation_fn_name")]
    [InlineData("""{"normalization_layer_name": "layer_norm"}""", "normalization_layer_name")]
    [InlineData("""{"quantization": {"bits": 0}}""", "bits")]
    [InlineData("""{"quantization": {"group_size": 1000000}}""", "group_size")]
    [InlineData("""{"quantization": {"mode": "int8"}}""", "mode")]
    [InlineData("""{"num_query_heads": [4, 4], "num_kv_heads": [3, 3]}""", "query heads")]
    [InlineData("""{"derived": {"num_query_heads": [9, 9]}}""", "derived")]
    [InlineData("""{"model_type": "llama"}""", "model_type")]
    public void Bad_number_is_refused_by_name(string change, string field)
    {
        var fields = new Dictionary<string, string>
        {
            ["num_transformer_layers"] = "2",
            ["model_dim"] = "64",
            ["head_dim"] = "16",
            ["num_gqa_groups"] = "2",
            ["vocab_size"] = "384",
            ["qkv_multipliers"] = "[0.5, 1.0]",
            ["ffn_multipliers"] = "[2.0, 4.0]",
        };
        using (var document = JsonDocument.Parse(change))
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
                fields[property.Name] = property.Value.GetRawText();
        using var json = JsonDocument.Parse($"{{{string.Join(',', fields.Select(f => $"\"{f.Key}\":{f.Value}"))}}}");
        var error = Assert.Throws<InvalidDataException>(() => OpenElmConfig.FromJson(json.RootElement, "test.json"));
        Assert.Contains(field, error.Message);
        Assert.Contains("test.json", error.Message);
    }

    private static void AssertSurvivesWriting(OpenElmConfig config)
    {
        foreach (string text in (string[])[config.ToMlxLmJson(), config.ToCoreNetPortJson(),
            config.ToArchitectureJson()])
        {
            using var document = JsonDocument.Parse(text);
            OpenElmConfig read = OpenElmConfig.FromJson(document.RootElement, text);
            Assert.Equal(config.TensorShapes().Select(Describe), read.TensorShapes().Select(Describe));
            Assert.Equal(
                (config.RopeBase, config.RmsNormEpsilon, config.MaxContextLength, config.Activation),
                (read.RopeBase, read.RmsNormEpsilon, read.MaxContextLength, read.Activation));
        }
    }

    private static string Describe((string Name, int[] Shape) tensor) =>
        $"{tensor.Name} [{string.Join(", ", tensor.Shape)}]";

    private static JsonDocument Parse(string file) => JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path(file)));

    private static IEnumerable<int> Integers(JsonElement entry, string field) =>
        entry.GetProperty(field).EnumerateArray().Select(number => number.GetInt32());

    private static IEnumerable<double> Numbers(JsonElement entry, string field) =>
        entry.GetProperty(field).EnumerateArray().Select(number => number.GetDouble());
}
