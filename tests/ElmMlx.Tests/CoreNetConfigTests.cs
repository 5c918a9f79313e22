using System.Text.Json;
using ElmMlx.Checkpoints;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>CoreNet's YAML: the model's name and sizes, LoRA's numbers, and what must be refused.</summary>
public sealed class CoreNetConfigTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"elmmlx-{Guid.NewGuid():N}.yaml");

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("corenet/micro/config.yaml", "OpenELM-Micro", 384, 128, 320)]
    [InlineData("corenet/containers/config.yaml", "OpenELM-Nano", 200, 128, 190)]
    public void Anchors_are_followed(string file, string name, int vocabulary, int context, int padding)
    {
        CoreNetYaml yaml = CoreNetYaml.Read(Fixtures.Path(file));
        Assert.Equal(
            (name, vocabulary, context, padding),
            (yaml.ModelName, yaml.VocabularySize, yaml.MaxContextLength, yaml.PaddingIndex));
        Assert.Empty(yaml.LoraRules);
    }

    [Theory]
    [InlineData("lora")]
    [InlineData("rslora")]
    [InlineData("dora")]
    [InlineData("lora_linear_only")]
    [InlineData("dora_and_embedding_untied")]
    public void Lora_rules_have_the_scale_that_CoreNet_uses(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("corenet/lora/loras.json")));
        JsonElement expected = document.RootElement.GetProperty(name);
        IReadOnlyList<CoreNetLoraRule> rules = CoreNetYaml.Read(Fixtures.Path($"corenet/lora/{name}.yaml")).LoraRules;
        foreach (string module in (string[])["layers.0.attn.qkv_proj", "layers.2.attn.out_proj", "layers.1.ffn.proj_1",
            "layers.1.ffn.proj_2"])
        {
            CoreNetLoraRule rule = rules.First(rule => rule.Matches(module));
            Assert.Equal(expected.GetProperty("scaling").GetDouble(), rule.Scale, 12);
            Assert.Equal(expected.GetProperty("rank").GetInt32(), rule.Rank);
            Assert.Equal(expected.GetProperty("use_dora").GetBoolean(), rule.UseDora);
        }
        Assert.Equal(expected.GetProperty("embedding_adapter").GetBoolean(),
            rules.Any(rule => rule.Matches("token_embeddings")));
        Assert.DoesNotContain(rules, rule => rule.Matches("layers.0.attn.q_norm"));
    }

    [Theory]
    [InlineData("model: {language_modeling: {name: clip}}", "clip")]
    [InlineData("model: 5", "general_gpt")]
    [InlineData("[1, 2]", "general_gpt")]
    [InlineData("", "documents")]
    [InlineData("a: [", "YAML")]
    [InlineData("a: 1\na: 2", "YAML")]
    [InlineData("a: *missing", "YAML")]
    [InlineData("a: &a [*a]", "contains itself")]
    [InlineData("&a {? *a : 1}", "key")]
    [InlineData("{[1]: 2}", "key")]
    [InlineData("model: {language_modeling: {general_gpt: {model_name: x, vocab_size: many}}}", "vocab_size")]
    [InlineData("model: {language_modeling: {general_gpt: {vocab_size: 99999999999}}}", "vocab_size")]
    [InlineData("model: {language_modeling: {general_gpt: {}}, lora: {use_lora: true, config: 3}}", "lora")]
    [InlineData(
        "model: {language_modeling: {general_gpt: {}}, lora: {use_lora: true, config: [{regex: a}]}}", "params")]
    [InlineData("model: {language_modeling: {general_gpt: {}}, lora: {use_lora: perhaps}}", "use_lora")]
    public void Bad_configuration_is_refused(string text, string word)
    {
        File.WriteAllText(_file, text);
        var error = Assert.Throws<InvalidDataException>(() => CoreNetYaml.Read(_file));
        Assert.Contains(word, error.Message);
        Assert.Contains(_file, error.Message);
    }

    [Fact]
    public void Deep_nesting_is_refused()
    {
        File.WriteAllText(_file, new string('[', 5000) + new string(']', 5000));
        Assert.Contains("nested", Assert.Throws<InvalidDataException>(() => CoreNetYaml.Read(_file)).Message);
    }

    [Fact]
    public void Alias_bomb_does_not_unfold()
    {
        var text = new System.Text.StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 40; i++)
            text.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        text.Append("model: {language_modeling: {general_gpt: {model_name: OpenELM-270M}}}\n");
        File.WriteAllText(_file, text.ToString());
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("OpenELM-270M", CoreNetYaml.Read(_file).ModelName);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 16 << 20);
    }

    [Fact]
    public void Pattern_that_needs_backtracking_is_refused() => Assert.Throws<InvalidDataException>(
        () => new CoreNetLoraRule(@"(a)\1", 4, 8, false, false, 0).Matches("aa"));
}
