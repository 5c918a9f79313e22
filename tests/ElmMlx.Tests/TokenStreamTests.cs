using System.Text.Json;
using System.Text.Json.Nodes;
using ElmMlx.Text;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Streaming decoding, segment by segment, against mlx-lm's three detokenizers.</summary>
public sealed class TokenStreamTests
{
    [Theory]
    [InlineData("SPMStreamingDetokenizer", TextStreamKind.SentencePiece, 81)]
    [InlineData("SPMStreamingDetokenizer_no_trim", TextStreamKind.SentencePieceNoTrim, 60)]
    [InlineData("BPEStreamingDetokenizer", TextStreamKind.ByteLevel, 74)]
    [InlineData("BPEStreamingDetokenizer_clean_spaces", TextStreamKind.ByteLevelCleanSpaces, 2)]
    [InlineData("NaiveStreamingDetokenizer", TextStreamKind.Decoding, 155)]
    public void Segments_equal_those_of_mlx_lm(string reference, TextStreamKind kind, int nCases)
    {
        var tokenizers = new Dictionary<string, Tokenizer>();
        var mismatches = new List<string>();
        var count = 0;
        foreach (var c in Cases())
        {
            if (!c.TryGetProperty(reference, out var expected))
                continue;
            count++;
            var name = c.GetProperty("kind").GetString()!;
            if (!tokenizers.TryGetValue(name, out var tokenizer))
                tokenizers[name] = tokenizer = Load(name);
            var stream = tokenizer.CreateStream(kind);
            string[] actual = [.. Ids(c).Select(stream.Add), stream.Finish()];
            var wanted = expected.GetProperty("segments").EnumerateArray().Select(s => s.GetString()!).ToArray();
            if (!actual.SequenceEqual(wanted) || stream.Text != expected.GetProperty("text").GetString())
                mismatches.Add(
                    $"{name} {c.GetProperty("ids").GetRawText()}: expected {Show(wanted)}, got {Show(actual)}");
        }
        Assert.Equal(nCases, count);
        Assert.True(mismatches.Count == 0, $"{mismatches.Count} of {count}:\n{string.Join('\n', mismatches.Take(20))}");
    }

    [Theory]
    [InlineData("tokenizer.model")]
    [InlineData("tokenizer.json")]
    [InlineData("kinds/bytelevel_gpt2/tokenizer.json")]
    [InlineData("kinds/spm_unigram_nfkc/tokenizer.json")]
    public void No_segment_of_a_text_ends_in_half_a_character(string file)
    {
        var tokenizer = Tokenizer.Load(Fixtures.Path($"tokenizer/{file}"));
        const string Text = "A robin 🐦 sang: \u00E9t\u00E9, 日本語, 👩‍🚀!";
        var stream = tokenizer.CreateStream();
        foreach (var id in tokenizer.Encode(Text, addSpecialTokens: false))
        {
            var segment = stream.Add(id);
            Assert.DoesNotContain('\uFFFD', segment);
            Assert.False(segment.Length > 0 && char.IsHighSurrogate(segment[^1]), "half a character was shown");
        }
        stream.Finish();
        if (tokenizer.TokenId("<0x00>") is not null || file.Contains("bytelevel", StringComparison.Ordinal))
            Assert.Equal(Text, stream.Text);
    }

    [Fact]
    public void Byte_pieces_of_any_other_decoder_wait_for_their_character_too()
    {
        var json = JsonNode.Parse(File.ReadAllBytes(Fixtures.Path("tokenizer/tokenizer.json")))!;
        json["decoder"] = JsonNode.Parse("""
            {"type": "Sequence", "decoders": [{"type": "ByteFallback"},
             {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": true}]}
            """);
        var tokenizer = HuggingFaceTokenizer.Read(
            "tokenizer.json", System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), TokenizerSettings.None,
            TokenizerMode.File);
        const string Text = "A 🐦 sang 日本.";
        var stream = tokenizer.CreateStream();
        Assert.IsType<DecodingTextStream>(stream);
        var segments = tokenizer.Encode(Text, addSpecialTokens: false).Select(stream.Add).ToList();
        Assert.All(segments, s => Assert.DoesNotContain('\uFFFD', s));
        Assert.Equal(Text, string.Concat(segments) + stream.Finish());
    }

    [Fact]
    public void Ids_without_a_piece_add_nothing()
    {
        foreach (var file in new[] { "tokenizer.model", "tokenizer.json", "kinds/bytelevel_gpt2/tokenizer.json" })
        {
            foreach (var kind in Enum.GetValues<TextStreamKind>())
            {
                var stream = Tokenizer.Load(Fixtures.Path($"tokenizer/{file}")).CreateStream(kind);
                Assert.Equal("", stream.Add(1_000_000) + stream.Add(-1) + stream.Finish());
            }
        }
    }

    [Theory]
    [InlineData("tokenizer.json", "SPMStreamingDetokenizer")]
    [InlineData("kinds/bytelevel_qwen/tokenizer.json", "BPEStreamingDetokenizer")]
    [InlineData("kinds/wordpiece/tokenizer.json", "NaiveStreamingDetokenizer")]
    public void The_stream_is_the_one_that_mlx_lm_chooses(string file, string expected)
    {
        var stream = Tokenizer.Load(Fixtures.Path($"tokenizer/{file}")).CreateStream();
        var names = new Dictionary<Type, string>
        {
            [typeof(SentencePieceTextStream)] = "SPMStreamingDetokenizer",
            [typeof(ByteLevelTextStream)] = "BPEStreamingDetokenizer",
            [typeof(DecodingTextStream)] = "NaiveStreamingDetokenizer",
        };
        Assert.Equal(expected, names[stream.GetType()]);
    }

    private static Tokenizer Load(string kind) => Tokenizer.Load(
        Fixtures.Path(kind == "spm" ? "tokenizer/tokenizer.json" : $"tokenizer/kinds/{kind}/tokenizer.json"));

    private static List<JsonElement> Cases()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("tokenizer/stream_cases.json")));
        return [.. document.RootElement.EnumerateArray().Select(c => c.Clone())];
    }

    private static int[] Ids(JsonElement c) => [.. c.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];

    private static string Show(string[] segments) => JsonSerializer.Serialize(segments);
}
