using System.Text;
using System.Text.Json;
using CsCheck;
using ElmMlx.Text;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// The golden data of <c>fixtures/tokenizer</c>: one row a file and reference; a failure lists every case.
/// </summary>
public sealed class TokenizerTests
{
    private const string Root = "tokenizer";

    public static TheoryData<string> SentencePieceKinds =>
        ["spm_unigram_nfkc", "spm_unigram_bytes", "spm_bpe_nmt_nfkc", "spm_bpe_no_prefix", "spm_bpe_suffix"];

    public static TheoryData<string> HuggingFaceKinds =>
        ["bytelevel_gpt2", "bytelevel_llama3", "bytelevel_qwen", "llama_normalized_added", "wordpiece"];

    public static TheoryData<string> AllTokenizers =>
    [
        "tokenizer.model", "tokenizer.json", "tokenizer_metaspace.json", "kinds/bytelevel_gpt2/tokenizer.json",
        "kinds/bytelevel_llama3/tokenizer.json", "kinds/bytelevel_qwen/tokenizer.json",
        "kinds/spm_bpe_suffix/tokenizer.model", "kinds/spm_unigram_bytes/tokenizer.model",
    ];

    [Fact]
    public void SentencePiece_gives_the_ids_pieces_and_text_of_the_reference()
    {
        var tokenizer = Load("tokenizer.model");
        CheckAll(Cases("cases.json"), 470, (c, mismatches) =>
        {
            var ids = tokenizer.Encode(Text(c), addSpecialTokens: false);
            mismatches.Ids("ids", Ids(c, "ids"), ids);
            if (c.TryGetProperty("pieces", out var pieces))
                mismatches.Texts(
                    "pieces", pieces.EnumerateArray().Select(p => p.GetString()!), ids.Select(tokenizer.TokenText));
            mismatches.Text("decoded", Decoded(c), tokenizer.Decode(ids));
            mismatches.Ids("with BOS", [1, .. Ids(c, "ids")], tokenizer.Encode(Text(c)));
        });
    }

    [Theory]
    [InlineData("tokenizer.json", "hf_legacy", TokenizerMode.File)]
    [InlineData("tokenizer_metaspace.json", "hf_metaspace", TokenizerMode.File)]
    [InlineData("tokenizer_transformers5.json", "hf_transformers5", TokenizerMode.File)]
    [InlineData("tokenizer.json", "hf_transformers5", TokenizerMode.Transformers5)]
    public void Tokenizer_json_gives_the_ids_and_text_of_the_reference(
        string file, string reference, TokenizerMode mode)
    {
        var tokenizer = Tokenizer.Load(Fixtures.Path($"{Root}/{file}"), mode);
        CheckAll(Cases("cases.json"), 470, (c, mismatches) =>
        {
            var expected = c.GetProperty(reference);
            int[] ids = expected.TryGetProperty("ids", out _) ? Ids(expected, "ids") : [1, .. Ids(c, "ids")];
            mismatches.Ids("ids", ids, tokenizer.Encode(Text(c)));
            mismatches.Ids("ids without special tokens", ids[1..], tokenizer.Encode(Text(c), addSpecialTokens: false));
            var decoded = expected.GetProperty("decoded").GetString()!;
            mismatches.Text("decoded", decoded, tokenizer.Decode(ids));
            var skipped = expected.TryGetProperty("decoded_skip_special", out var s) ? s.GetString()! : decoded;
            mismatches.Text("skipping special", skipped, tokenizer.Decode(ids, skipSpecialTokens: true));
        });
    }

    [Fact]
    public void SentencePiece_takes_every_byte_that_is_not_utf8_as_a_replacement_character()
    {
        var tokenizer = Load("tokenizer.model");
        CheckAll(Cases("bytes_cases.json"), 40, (c, mismatches) => mismatches.Ids(
            c.GetProperty("hex").GetString()!, Ids(c, "ids"),
            tokenizer.Encode(Convert.FromHexString(c.GetProperty("hex").GetString()!), addSpecialTokens: false)));
    }

    [Fact]
    public void Decoding_gives_the_text_of_both_references()
    {
        var model = Load("tokenizer.model");
        var json = Load("tokenizer.json");
        CheckAll(Cases("decode_cases.json"), 170, (c, mismatches) =>
        {
            CheckDecode(model, c, c.GetProperty("sentencepiece"), skipSpecialTokens: false, mismatches);
            CheckDecode(json, c, c.GetProperty("tokenizers"), skipSpecialTokens: false, mismatches);
            CheckDecode(
                json, c, Either(c, "tokenizers_skip_special", "tokenizers"), skipSpecialTokens: true, mismatches);
        });
    }

    [Fact]
    public void CoreNet_options_give_its_ids()
    {
        var tokenizer = Load("tokenizer.model");
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path($"{Root}/corenet_cases.json")));
        CheckAll(document.RootElement.GetProperty("cases").EnumerateArray(), 22, (c, mismatches) =>
        {
            mismatches.Ids("plain", Ids(c, "ids"), tokenizer.Encode(Text(c), new EncodeOptions()));
            mismatches.Ids("NFC", Ids(c, "ids_nfc_only"),
                tokenizer.Encode(Text(c), new EncodeOptions { NormalizeNfc = true }));
            mismatches.Text("nfc text", c.GetProperty("nfc").GetString()!, UnicodeNormalizer.Nfc(Text(c)));
            // Where ftfy does nothing but NFC, the whole of CoreNet's wrapper is matched.
            if (c.GetProperty("ftfy").GetString() == c.GetProperty("nfc").GetString())
                mismatches.Ids("sot and eot", Ids(c, "ids_ftfy_sot_eot"), tokenizer.Encode(
                    Text(c), new EncodeOptions { NormalizeNfc = true, AddBos = true, AddEos = true }));
        });
    }

    [Theory]
    [MemberData(nameof(SentencePieceKinds))]
    public void SentencePiece_kind_gives_what_the_reference_gives(string kind)
    {
        var tokenizer = Load($"kinds/{kind}/tokenizer.model");
        CheckAll(Cases($"kinds/{kind}/cases.json"), 90, (c, mismatches) =>
        {
            var ids = tokenizer.Encode(Text(c), addSpecialTokens: false);
            mismatches.Ids("ids", Ids(c, "ids"), ids);
            var normalized = c.TryGetProperty("normalized", out var n) ? n.GetString()! : Text(c);
            mismatches.Text("normalized", normalized,
                ((SentencePieceTokenizer)tokenizer).Normalize(Encoding.UTF8.GetBytes(Text(c))));
            mismatches.Text("decoded", Decoded(c), tokenizer.Decode(ids));
            if (c.TryGetProperty("pieces", out var pieces))
            {
                // The reference shows the text that it does not know; the vocabulary has one piece for all
                // of it.
                var shown = pieces.EnumerateArray().Select((p, i) =>
                    i < ids.Length && ids[i] == tokenizer.UnknownId ? tokenizer.TokenText(ids[i]) : p.GetString()!);
                mismatches.Texts("pieces", shown, ids.Select(tokenizer.TokenText));
            }
        });
        CheckAll(Cases($"kinds/{kind}/decode_cases.json"), 30, (c, mismatches) =>
            CheckDecode(tokenizer, c, c.GetProperty("decoded"), skipSpecialTokens: false, mismatches));
    }

    [Theory]
    [MemberData(nameof(HuggingFaceKinds))]
    public void Tokenizer_json_kind_gives_what_the_reference_gives(string kind)
    {
        var tokenizer = Load($"kinds/{kind}/tokenizer.json");
        CheckAll(Cases($"kinds/{kind}/cases.json"), 90, (c, mismatches) =>
            CheckHuggingFace(tokenizer, c, mismatches));
        CheckAll(Cases($"kinds/{kind}/decode_cases.json"), 24, (c, mismatches) =>
        {
            CheckDecode(tokenizer, c, c.GetProperty("decoded"), skipSpecialTokens: false, mismatches);
            CheckDecode(
                tokenizer, c, Either(c, "decoded_skip_special", "decoded"), skipSpecialTokens: true, mismatches);
        });
    }

    [Fact]
    public void Ignore_merges_makes_the_difference_that_the_reference_shows()
    {
        var tokenizer = Load("kinds/bytelevel_llama3/tokenizer_no_ignore.json");
        CheckAll(Cases("kinds/bytelevel_llama3/cases.json"), 90, (c, mismatches) =>
        {
            var expected = c.TryGetProperty("tokenizer_no_ignore.json", out var other) ? other : c;
            mismatches.Ids("ids", Ids(expected, "ids"), tokenizer.Encode(Text(c), addSpecialTokens: false));
        });
    }

    [Fact]
    public void Unigram_in_tokenizer_json_gives_what_the_reference_gives()
    {
        var tokenizer = Load("kinds/spm_unigram_nfkc/tokenizer.json");
        CheckAll(Cases("kinds/spm_unigram_nfkc/cases.json"), 90, (c, mismatches) =>
        {
            var expected = c.GetProperty("hf");
            var ids = Ids(expected.TryGetProperty("ids_are_ids", out _) ? c : expected, "ids");
            mismatches.Ids("ids", ids, tokenizer.Encode(Text(c), addSpecialTokens: false));
            mismatches.Text("decoded", expected.GetProperty("decoded").GetString()!, tokenizer.Decode(ids));
        });
    }

    [Fact]
    public void Ids_outside_the_vocabulary_are_refused_or_left_out_as_each_reference_does()
    {
        var model = Load("tokenizer.model");
        var json = Load("tokenizer.json");
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Decode([262, 2048]));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Decode([-1]));
        Assert.Equal(json.Decode([262]), json.Decode([262, 2048, int.MaxValue]));
        Assert.Throws<ArgumentOutOfRangeException>(() => json.Decode([-1]));
        Assert.Equal("", model.TokenText(2048));
        Assert.Equal("", json.TokenText(-1));
    }

    [Fact]
    public void Named_tokens_come_from_the_settings_beside_the_tokenizer()
    {
        foreach (var tokenizer in new[] { Load("tokenizer.model"), Load("tokenizer.json") })
        {
            Assert.Equal((2048, 1, 2, null, 0), (tokenizer.VocabularySize, tokenizer.BosId, tokenizer.EosId,
                tokenizer.PadId, tokenizer.UnknownId));
            Assert.Equal([2], tokenizer.EosIds);
            Assert.True(tokenizer.IsSpecial(1));
            Assert.False(tokenizer.IsSpecial(262));
            Assert.Equal(262, tokenizer.TokenId(tokenizer.TokenText(262)));
        }
    }

    [Theory]
    [MemberData(nameof(AllTokenizers))]
    public void Decoding_an_encoded_text_gives_the_text_again(string file)
    {
        var tokenizer = Load(file);
        // NFC, the suffix and added tokens that take spaces along change text on purpose: letters alone
        // are kept by all.
        var letters = Gen.Char["abcdefghijklmnopqrstuvwxyz "].Array[0, 60].Select(c =>
            string.Join(' ', new string(c).Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        letters.Sample(text =>
        {
            var ids = tokenizer.Encode(text, addSpecialTokens: false);
            return tokenizer.Decode(ids).TrimEnd() == text && ids.All(id => id >= 0 && id < tokenizer.VocabularySize);
        }, iter: 300, threads: 1);
    }

    [Theory]
    [InlineData("tokenizer.model")]
    [InlineData("tokenizer.json")]
    [InlineData("kinds/bytelevel_gpt2/tokenizer.json")]
    public void Any_text_survives_and_streams_as_it_decodes(string file)
    {
        var tokenizer = Load(file);
        // No angle brackets: written special tokens are found by tokenizer.json. U+2581 reads as a space.
        var rune = Gen.Int[0x20, 0x2FFF].Where(r => r is not ('<' or 0x2581)).Select(r => new Rune(r).ToString());
        var wide = Gen.Int[0x1F300, 0x1FAFF].Select(r => new Rune(r).ToString());
        Gen.OneOf(rune, wide).Array[1, 40].Sample(parts =>
        {
            var text = "x" + string.Concat(parts);
            var ids = tokenizer.Encode(text, addSpecialTokens: false);
            var stream = tokenizer.CreateStream();
            // all tokens before the end
            string[] segments = [.. ids.Select(stream.Add).ToArray(), stream.Finish()];
            return tokenizer.Decode(ids) == text && string.Concat(segments) == text && stream.Text == text;
        }, iter: 300, threads: 1);
    }

    [Theory]
    [InlineData("tokenizer.model")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_transformers5.json")]
    [InlineData("kinds/bytelevel_llama3/tokenizer.json")]
    [InlineData("kinds/spm_unigram_bytes/tokenizer.model")]
    public void A_text_encodes_as_its_repeated_parts_do(string file)
    {
        // One call of a megabyte of one letter: quadratic code would not come back, wrong merging would show.
        var tokenizer = Load(file);
        var ids = tokenizer.Encode(new string('a', 1 << 20), addSpecialTokens: false);
        Assert.Equal(1 << 20, tokenizer.Decode(ids).Length);
        var shorter = tokenizer.Encode(new string('a', 1 << 10), addSpecialTokens: false);
        Assert.Equal(shorter[..200], ids[..200]);
    }

    [Fact]
    public void Merging_word_by_word_equals_merging_the_whole_text_naively()
    {
        // Texts are cut where no piece reaches across and words are cached; the twin below does neither.
        var tokenizer = Load("tokenizer.model");
        var pieces = Enumerable.Range(259, 2048 - 259).ToDictionary(tokenizer.TokenText);
        string[] parts = [" ", "  ", "the", "robin", "ing", "\n", "1", "ab", "ß", "日本", "s", "\u2581", "."];
        Gen.Int[0, parts.Length - 1].Array[1, 30].Sample(indices =>
        {
            var text = string.Concat(indices.Select(i => parts[i]));
            return NaiveBpe(text, pieces).SequenceEqual(tokenizer.Encode(text, addSpecialTokens: false));
        }, iter: 300, threads: 1);
    }

    // Quadratic: of all neighbours that make a piece, the one with the least id (the pieces stand in score
    // order).
    private static List<int> NaiveBpe(string text, Dictionary<string, int> pieces)
    {
        var symbols = ("\u2581" + text.Replace(' ', '\u2581')).EnumerateRunes().Select(r => r.ToString()).ToList();
        while (true)
        {
            var best = Enumerable.Range(0, symbols.Count - 1)
                .Where(i => pieces.ContainsKey(symbols[i] + symbols[i + 1]))
                .OrderBy(i => pieces[symbols[i] + symbols[i + 1]]).ThenBy(i => i).Select(i => (int?)i).FirstOrDefault();
            if (best is not int at)
                break;
            symbols[at] += symbols[at + 1];
            symbols.RemoveAt(at + 1);
        }
        return [.. symbols.SelectMany(s => pieces.TryGetValue(s, out var id)
            ? [id]
            : Encoding.UTF8.GetBytes(s).Select(b => 3 + b))];
    }

    [Fact]
    public void A_folder_answers_by_its_tokenizer_json_first()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<FileNotFoundException>(() => Tokenizer.Load(folder.Path));
        File.Copy(Fixtures.Path($"{Root}/tokenizer.model"), System.IO.Path.Combine(folder.Path, "tokenizer.model"));
        Assert.Equal([537], Tokenizer.Load(folder.Path).Encode(" ", addSpecialTokens: false));
        File.Copy(Fixtures.Path($"{Root}/tokenizer_metaspace.json"),
            System.IO.Path.Combine(folder.Path, "tokenizer.json"));
        Assert.Equal([1868], Tokenizer.Load(folder.Path).Encode(" ", addSpecialTokens: false));
    }

    [Fact]
    public void Ids_that_end_a_text_come_from_the_settings_of_the_model_too()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Fixtures.Path($"{Root}/tokenizer.model"), System.IO.Path.Combine(folder.Path, "tokenizer.model"));
        Assert.Equal([2], Tokenizer.Load(folder.Path).EosIds);
        File.WriteAllText(System.IO.Path.Combine(folder.Path, "config.json"), """{"eos_token_id": 7}""");
        Assert.Equal([2, 7], Tokenizer.Load(folder.Path).EosIds);
        File.WriteAllText(
            System.IO.Path.Combine(folder.Path, "generation_config.json"), """{"eos_token_id": [2, 9]}""");
        Assert.Equal([2, 9], Tokenizer.Load(folder.Path).EosIds);
        var settings = System.IO.Path.Combine(folder.Path, "tokenizer_config.json");
        File.WriteAllText(settings, """{"add_bos_token": false, "eos_token": {"content": "<s>"}}""");
        var tokenizer = Tokenizer.Load(folder.Path);
        Assert.Equal([1, 2, 9], tokenizer.EosIds);
        Assert.Equal(tokenizer.Encode("a", addSpecialTokens: false), tokenizer.Encode("a"));
        File.WriteAllText(settings, "[]");
        var error = Assert.Throws<InvalidDataException>(() => Tokenizer.Load(folder.Path));
        Assert.Contains("tokenizer_config.json", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(@"[^\r\n\p{L}\p{N}]?+\p{L}++", @"(?>[^\r\n\p{L}\p{N}]?)(?>\p{L}+)")]
    [InlineData(@"(a|b)*+c", @"(?>(a|b)*)c")]
    [InlineData(@"\++(?m:.)\h{2}", @"\++(?s:.)[0-9a-fA-F]{2}")]
    [InlineData(@"[+*]+\p{^Letter}", @"[+*]+\P{L}")]
    public void A_pattern_is_written_in_the_other_dialect(string oniguruma, string dotnet) =>
        Assert.Equal(dotnet, OnigurumaSyntax.Translate(oniguruma, 1000, 10));

    [Theory]
    [InlineData("A\u030Angstro\u0308m", "\u00C5ngstr\u00F6m")]
    [InlineData("\u1112\u1161\u11AB", "\uD55C")]
    [InlineData("a\u0315\u0300\u05AE\u0300b", "\u00E0\u05AE\u0300\u0315b")]
    [InlineData("\u0344", "\u0308\u0301")]
    [InlineData("\uD834\uDD5E", "\uD834\uDD57\uD834\uDD65")]
    public void Nfc_composes_as_unicode_says(string text, string expected) =>
        Assert.Equal(expected, UnicodeNormalizer.Nfc(text));

    private static void CheckHuggingFace(Tokenizer tokenizer, JsonElement c, Mismatches mismatches)
    {
        var ids = Ids(c, "ids");
        var special = c.TryGetProperty("ids_special", out _) ? Ids(c, "ids_special") : ids;
        mismatches.Ids("ids", ids, tokenizer.Encode(Text(c), addSpecialTokens: false));
        mismatches.Ids("ids_special", special, tokenizer.Encode(Text(c)));
        var decoded = c.GetProperty("decoded").GetString()!;
        var skipped = c.TryGetProperty("decoded_skip_special", out var s) ? s.GetString()! : null;
        mismatches.Text("decoded", decoded, tokenizer.Decode(special));
        if (skipped is not null)
            mismatches.Text("skipping special", skipped, tokenizer.Decode(special, skipSpecialTokens: true));
    }

    private static void CheckDecode(
        Tokenizer tokenizer, JsonElement c, JsonElement expected, bool skipSpecialTokens, Mismatches mismatches)
    {
        // An id above 2^31-1 cannot even be passed here.
        if (c.GetProperty("ids").EnumerateArray().Any(i => !i.TryGetInt32(out _)))
            return;
        string actual;
        try
        {
            actual = tokenizer.Decode(Ids(c, "ids"), skipSpecialTokens);
        }
        catch (ArgumentOutOfRangeException)
        {
            actual = "an error";
        }
        var wanted = expected.ValueKind == JsonValueKind.Object ? "an error" : expected.GetString()!;
        mismatches.Text($"{c.GetProperty("ids").GetRawText()} skipping {skipSpecialTokens}", wanted, actual);
    }

    private static JsonElement Either(JsonElement c, string first, string second) =>
        c.TryGetProperty(first, out var value) ? value : c.GetProperty(second);

    private static Tokenizer Load(string file) => Tokenizer.Load(Fixtures.Path($"{Root}/{file}"));

    private static List<JsonElement> Cases(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path($"{Root}/{file}")));
        return [.. document.RootElement.EnumerateArray().Select(c => c.Clone())];
    }

    // Unpaired surrogates are legal in JSON escapes but not in JsonElement.GetString.
    private static string Text(JsonElement c) => c.TryGetProperty("refused", out _)
        ? Unescape(c.GetProperty("text").GetRawText())
        : c.GetProperty("text").GetString()!;

    private static string Unescape(string json)
    {
        var text = new StringBuilder();
        for (var i = 1; i < json.Length - 1; i++)
        {
            if (json[i] != '\\')
            {
                text.Append(json[i]);
                continue;
            }
            var isCode = json[i + 1] == 'u';
            text.Append(isCode
                ? (char)Convert.ToInt32(json.Substring(i + 2, 4), 16)
                : json[i + 1] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', var c => c });
            i += isCode ? 5 : 1;
        }
        return text.ToString();
    }

    private static int[] Ids(JsonElement c, string name) =>
        [.. c.GetProperty(name).EnumerateArray().Select(i => i.GetInt32())];

    private static string Decoded(JsonElement c) =>
        c.TryGetProperty("decoded", out var decoded) ? decoded.GetString()!
        : c.TryGetProperty("replaced", out var replaced) ? replaced.GetString()!
        : c.GetProperty("text").GetString()!;

    private static void CheckAll(IEnumerable<JsonElement> cases, int atLeast, Action<JsonElement, Mismatches> check)
    {
        var mismatches = new Mismatches();
        var count = 0;
        foreach (var c in cases)
        {
            mismatches.Case = $"case {count++} {(c.TryGetProperty("text", out var text) ? text.GetRawText() : "")}";
            check(c, mismatches);
        }
        Assert.True(count >= atLeast, $"{count} cases, expected {atLeast} or more");
        mismatches.AssertNone();
    }

    private sealed class Mismatches
    {
        private readonly List<string> _lines = [];

        public string Case { get; set; } = "";

        public void Ids(string what, int[] expected, int[] actual)
        {
            if (!expected.AsSpan().SequenceEqual(actual))
                Add(what, string.Join(',', expected), string.Join(',', actual));
        }

        public void Texts(string what, IEnumerable<string> expected, IEnumerable<string> actual) =>
            Text(what, string.Join('|', expected), string.Join('|', actual));

        public void Text(string what, string expected, string actual)
        {
            if (expected != actual)
                Add(what, JsonSerializer.Serialize(expected), JsonSerializer.Serialize(actual));
        }

        public void AssertNone() => Assert.True(
            _lines.Count == 0, $"{_lines.Count} mismatches:\n{string.Join('\n', _lines.Take(40))}");

        private void Add(string what, string expected, string actual) =>
            _lines.Add($"{Shorten(Case)}: {what}: expected {Shorten(expected)}, got {Shorten(actual)}");

        private static string Shorten(string text) => text.Length <= 300 ? text : text[..300] + "…";
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("elmmlx-text-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
