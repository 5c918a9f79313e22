using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using ElmMlx.Text;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Broken and odd tokenizer files: each ends in the reference's answer or in one sentence that names the
/// file.
/// </summary>
public sealed class TokenizerHostileTests
{
    /// <summary>Files that the reference takes and we refuse; docs/tokenizers.md says why.</summary>
    private static readonly HashSet<string> Stricter =
    [
        "hf_vocab_id_max.json",
        "hf_added_id_max.json",
        "hf_charsmap_ones.json",
        "hf_padding_huge.json",
        "hf_truncation_stride.json",
    ];

    /// <summary>Texts that the reference gives up on and we answer.</summary>
    private static readonly HashSet<string> Answered = ["hf_regex_bomb.json", "hf_regex_bomb_2.json"];

    public static TheoryData<string> Files
    {
        get
        {
            var files = new TheoryData<string>();
            foreach (var entry in Manifest().GetProperty("files").EnumerateArray())
                files.Add(entry.GetProperty("file").GetString()!);
            return files;
        }
    }

    [Fact]
    public void Manifest_names_every_file_of_the_folder()
    {
        var onDisk = Directory.GetFiles(Fixtures.Path("tokenizer/hostile")).Select(System.IO.Path.GetFileName)
            .Where(f => f != "manifest.json").Order(StringComparer.Ordinal);
        var listed = Manifest().GetProperty("files").EnumerateArray().Select(f => f.GetProperty("file").GetString());
        Assert.Equal(onDisk, listed.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Hostile_file_ends_in_the_reference_answer_or_one_sentence(string file)
    {
        var entry = Manifest().GetProperty("files").EnumerateArray()
            .Single(f => f.GetProperty("file").GetString() == file);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        Tokenizer tokenizer;
        try
        {
            tokenizer = Tokenizer.Load(Fixtures.Path($"tokenizer/hostile/{file}"));
        }
        catch (InvalidDataException e)
        {
            Assert.Contains(file, e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', e.Message);
            Assert.True(entry.GetProperty("reference").GetString() == "refuses" || Stricter.Contains(file), e.Message);
            return;
        }
        Assert.True(entry.GetProperty("reference").GetString() == "accepts", "the reference refuses this file");
        Assert.DoesNotContain(file, Stricter);
        foreach (var probe in entry.GetProperty("probes").EnumerateArray())
            Check(tokenizer, file, probe);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < 64 << 20, $"{allocated} bytes were allocated");
        Assert.True(clock.Elapsed < TimeSpan.FromMinutes(1), "it took longer than a minute");
    }

    [Fact]
    public void Cut_or_flipped_model_files_end_in_one_sentence_or_a_tokenizer()
    {
        var whole = File.ReadAllBytes(Fixtures.Path("tokenizer/kinds/spm_unigram_nfkc/tokenizer.model"));
        var path = System.IO.Path.GetTempFileName();
        try
        {
            var random = new Random(1);
            for (var i = 0; i < 200; i++)
            {
                var bytes = whole.ToArray();
                if (i % 2 == 0)
                    bytes = bytes[..random.Next(bytes.Length)];
                else
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(path, bytes);
                try
                {
                    var tokenizer = SentencePieceTokenizer.Read(path, bytes, TokenizerSettings.None);
                    tokenizer.Decode(tokenizer.Encode("Hello, ﬁne ① world", addSpecialTokens: false));
                }
                catch (InvalidDataException e)
                {
                    Assert.Contains(path, e.Message, StringComparison.Ordinal);
                }
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("kinds/bytelevel_qwen/tokenizer.json")]
    [InlineData("kinds/bytelevel_llama3/tokenizer.json")]
    [InlineData("kinds/spm_unigram_nfkc/tokenizer.json")]
    [InlineData("kinds/wordpiece/tokenizer.json")]
    [InlineData("hostile/hf_padding_8.json")]
    [InlineData("hostile/hf_truncation.json")]
    [InlineData("hostile/hf_strip_huge.json")]
    [InlineData("hostile/hf_template_lengths.json")]
    public void Tokenizer_json_with_a_value_of_another_kind_ends_in_one_sentence_or_a_tokenizer(string file)
    {
        var whole = JsonNode.Parse(File.ReadAllBytes(Fixtures.Path($"tokenizer/{file}")))!;
        string[] others = ["null", "-1", "1e9", "\"x\"", "[]", "{}", "true", "[[]]"];
        foreach (var path in Paths(whole).ToList())
        {
            foreach (var other in others)
            {
                var changed = whole.DeepClone();
                Replace(changed, path, JsonNode.Parse(other));
                var bytes = System.Text.Encoding.UTF8.GetBytes(changed.ToJsonString());
                try
                {
                    var tokenizer = HuggingFaceTokenizer.Read(
                        file, bytes, TokenizerSettings.None, TokenizerMode.File);
                    tokenizer.Decode(tokenizer.Encode("Hello, world <s> 日"));
                }
                catch (InvalidDataException e)
                {
                    Assert.Contains(file, e.Message, StringComparison.Ordinal);
                }
            }
        }
    }

    // Every place of a document; of long arrays and objects the first three.
    private static IEnumerable<object[]> Paths(JsonNode? node)
    {
        var children = node switch
        {
            JsonObject o => o.Take(40 < o.Count ? 3 : 40).Select(p => ((object)p.Key, p.Value)),
            JsonArray a => a.Take(3).Select((v, i) => ((object)i, v)),
            _ => [],
        };
        foreach (var (key, child) in children)
        {
            yield return [key];
            foreach (var rest in Paths(child))
                yield return [key, .. rest];
        }
    }

    private static void Replace(JsonNode node, object[] path, JsonNode? value)
    {
        foreach (var key in path[..^1])
            node = (key is int i ? node[i] : node[(string)key])!;
        if (path[^1] is int last)
            node[last] = value;
        else
            node[(string)path[^1]] = value;
    }

    private static void Check(Tokenizer tokenizer, string file, JsonElement probe)
    {
        var text = probe.GetProperty("text").GetString()!;
        if (probe.TryGetProperty("encode_error", out _))
        {
            if (Answered.Contains(file))
                Assert.NotEmpty(tokenizer.Encode(text));
            else
                Assert.Contains(
                    file, Assert.Throws<InvalidDataException>(() => tokenizer.Encode(text)).Message,
                    StringComparison.Ordinal);
            return;
        }
        int[] expected = [.. probe.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];
        // The manifest was made without BOS for model files, and with what the file says for the others.
        var ids = tokenizer.Encode(text, addSpecialTokens: file.EndsWith(".json", StringComparison.Ordinal));
        // The manifest records the first 64 ids.
        Assert.Equal(expected, expected.Length == 64 && ids.Length > 64 ? ids[..64] : ids);
        var decoded = tokenizer.Decode(ids, skipSpecialTokens: true);
        // Where the reference fails to decode, any answer does; it records the first 200 characters.
        if (ids.Length == expected.Length && probe.TryGetProperty("decoded", out var text200))
            Assert.Equal(text200.GetString(), decoded.Length > 200 ? decoded[..200] : decoded);
    }

    private static JsonElement Manifest()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("tokenizer/hostile/manifest.json")));
        return document.RootElement.Clone();
    }
}
