using System.Text.Json;
using ElmMlx.OpenElm;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Prompt cache files: mlx-lm's are read, ours have the same content.</summary>
public sealed class PromptCacheTests
{
    private static readonly SafetensorsFile Expected = GoldenArrays.Open("mlx-lm/expected.safetensors");
    private static readonly JsonElement Numbers =
        GoldenArrays.Json("mlx-lm/expected.json").GetProperty("prompt_caches");

    [Theory]
    [InlineData("kv-f32", "micro", DType.Float32)]
    [InlineData("kv-bf16", "micro", DType.BFloat16)]
    [InlineData("rotating16-f32", "micro", DType.Float32)]
    [InlineData("quantised4-f32", "micro-kv", DType.Float32)]
    public void File_of_mlx_lm_goes_on_as_in_mlx_lm(string name, string folder, DType type)
    {
        using OpenElmModel model = MlxLmTests.Load(folder, type);
        (PromptCache cache, IReadOnlyDictionary<string, string> metadata) =
            PromptCacheFile.Load(File(name), model.Config);
        using (cache)
        {
            Assert.Equal(Numbers.GetProperty(name).GetProperty("prompt").GetArrayLength(), cache.Offset);
            Assert.Equal(Numbers.GetProperty(name).GetProperty("metadata").TryGetProperty("1.model", out _),
                metadata.ContainsKey("model"));
            float[] logits =
                MlxLmTests.Feed(model, cache, [Numbers.GetProperty(name).GetProperty("next_token").GetInt32()]);
            GoldenArrays.Close(
                Expected.Doubles($"prompt_cache.{name}.next_logits"), logits, type == DType.BFloat16 ? 0.15 : 1e-4,
                name);
        }
    }

    // Read and written again, the file has the same tensors and texts; and so has one that is made from the prompt.
    // (Its numbers too, but for layers above a rotating cache's first, whose mask keeps the first tokens, and for the
    // last bits of quantised ones.)
    [Theory]
    [InlineData("kv-f32", "micro", DType.Float32, true)]
    [InlineData("kv-bf16", "micro", DType.BFloat16, true)]
    [InlineData("rotating16-f32", "micro", DType.Float32, true)]
    [InlineData("quantised4-f32", "micro-kv", DType.Float32, true)]
    [InlineData("kv-f32", "micro", DType.Float32, false)]
    [InlineData("rotating16-f32", "micro", DType.Float32, false)]
    [InlineData("quantised4-f32", "micro-kv", DType.Float32, false)]
    public void File_written_has_what_mlx_lm_writes(string name, string folder, DType type, bool fromFile)
    {
        using OpenElmModel model = MlxLmTests.Load(folder, type);
        using SafetensorsFile expected = SafetensorsFile.Open(File(name));
        string path = Path.Combine(Path.GetTempPath(), $"elmmlx-{Guid.NewGuid():n}.safetensors");
        try
        {
            if (fromFile)
            {
                (PromptCache cache, IReadOnlyDictionary<string, string> metadata) =
                    PromptCacheFile.Load(File(name), model.Config);
                using (cache)
                    PromptCacheFile.Save(path, cache, metadata);
            }
            else
            {
                using PromptCache cache = Fresh(name, model.Config);
                int[] prompt = Numbers.GetProperty(name).GetProperty("prompt").Ints();
                MlxLmTests.Feed(model, cache, prompt.AsSpan(0, prompt.Length - 1));
                MlxLmTests.Feed(model, cache, prompt.AsSpan(prompt.Length - 1));
                PromptCacheFile.Save(
                    path, cache, expected.Metadata.Where(entry => entry.Key.StartsWith("1.", StringComparison.Ordinal))
                    .ToDictionary(entry => entry.Key[2..], entry => entry.Value));
            }
            using SafetensorsFile actual = SafetensorsFile.Open(path);
            Assert.Equal(expected.Metadata.OrderBy(entry => entry.Key), actual.Metadata.OrderBy(entry => entry.Key));
            Assert.Equal(expected.Tensors.Keys.Order(), actual.Tensors.Keys.Order());
            foreach (TensorInfo tensor in expected.Tensors.Values)
            {
                Assert.Equal(tensor.Type, actual[tensor.Name].Type);
                Assert.Equal(tensor.Shape, actual[tensor.Name].Shape);
                if (fromFile)
                    Assert.Equal(Bytes(expected, tensor), Bytes(actual, actual[tensor.Name]));
                else if (name == "kv-f32" || name == "rotating16-f32" && tensor.Name[0] == '0')
                    GoldenArrays.Close(
                        expected.Doubles(tensor.Name), [.. actual.Doubles(tensor.Name).Select(value => (float)value)],
                        1e-4, tensor.Name);
            }
        }
        finally
        {
            System.IO.File.Delete(path);
        }
    }

    [Fact]
    public void Cache_of_another_model_is_refused()
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        Assert.Contains("layers", Assert.Throws<InvalidDataException>(
            () => PromptCacheFile.Load(File("quantised4-f32"), model.Config)).Message, StringComparison.Ordinal);
        OpenElmConfig wider = model.Config with { HeadSize = 32 };
        Assert.Contains("key heads", Assert.Throws<InvalidDataException>(
            () => PromptCacheFile.Load(File("kv-f32"), wider)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(
            () => PromptCacheFile.Load(Fixtures.Path("mlx-lm/micro/model.safetensors"), model.Config));
        using PromptCache empty = PromptCache.For(model.Config);
        Assert.Throws<InvalidOperationException>(() => PromptCacheFile.Save("never-written.safetensors", empty));
    }

    [Theory]
    [InlineData("rotating16-f32", "0.1.3", "17")]
    [InlineData("rotating16-f32", "0.1.2", "12")]
    [InlineData("rotating16-f32", "0.1.1", "4")]
    [InlineData("rotating16-f32", "0.1.0", "-1")]
    [InlineData("rotating16-f32", "2.1", "ArraysCache")]
    [InlineData("rotating16-f32", "2.1", "KVCache")]
    [InlineData("kv-f32", "2.1", "RotatingKVCache")]
    [InlineData("kv-f32", "2.1", "QuantizedKVCache")]
    [InlineData("kv-f32", "2.3", null)]
    public void File_that_contradicts_itself_is_refused(string name, string key, string? value)
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        string path = Path.Combine(Path.GetTempPath(), $"elmmlx-{Guid.NewGuid():n}.safetensors");
        try
        {
            using (SafetensorsFile file = SafetensorsFile.Open(File(name)))
            {
                var metadata = new Dictionary<string, string>(file.Metadata);
                metadata.Remove(key);
                if (value is not null)
                    metadata[key] = value;
                using var writer = new SafetensorsWriter(
                    path, file.Tensors.Values.Select(tensor => new TensorSpec(tensor.Name, tensor.Type, tensor.Shape)),
                    metadata);
                foreach (TensorInfo tensor in file.Tensors.Values)
                    writer.Write(tensor.Name, Bytes(file, tensor));
                writer.Commit();
            }
            Assert.Contains(path, Assert.Throws<InvalidDataException>(
                () => PromptCacheFile.Load(path, model.Config)).Message, StringComparison.Ordinal);
        }
        finally
        {
            System.IO.File.Delete(path);
        }
    }

    private static PromptCache Fresh(string name, OpenElmConfig config) => new(config.Layers.Select(_ => name switch
    {
        "rotating16-f32" => new RotatingKvCache(16, 4),
        "quantised4-f32" => new QuantizedKvCache(32, 4),
        _ => (LayerCache)new KvCache(),
    }));

    private static string File(string name) => Fixtures.Path($"mlx-lm/prompt-cache/{name}.safetensors");

    private static byte[] Bytes(SafetensorsFile file, TensorInfo tensor)
    {
        var bytes = new byte[tensor.ByteCount];
        file.Read(tensor, bytes);
        return bytes;
    }
}
