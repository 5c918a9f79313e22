using System.Text;
using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>Answers as Hugging Face's tokenizers library does for a <c>tokenizer.json</c>.</summary>
internal sealed class HuggingFaceTokenizer : Tokenizer
{
    private static readonly HashSet<string> KnownKeys =
    [
        "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
        "model",
    ];

    private readonly TokenModel _model;
    private readonly Func<string, string>? _normalize;
    private readonly PreTokenizers.Splitter? _split;
    private readonly AddedTokens _added;
    private readonly PostProcessor _postProcessor;
    private readonly Func<List<string>, List<string>>? _decode;

    private HuggingFaceTokenizer(string path, JsonElement root, TokenizerSettings settings, TokenizerMode mode)
        : base(path)
    {
        CheckTop(root);
        var normalizer = Part(root, "normalizer");
        var preTokenizer = Part(root, "pre_tokenizer");
        var model = Part(root, "model") ?? throw new FormatException("has no model");
        var rebuilds = mode == TokenizerMode.Transformers5 && IsLlama(model, normalizer, preTokenizer);
        _model = TokenModel.Read(model, ignoresUnknown: rebuilds);
        _normalize = rebuilds ? null : Normalizers.Read(normalizer);
        _split = rebuilds
            ? PreTokenizers.Metaspace('\u2581', "always", splits: false)
            : PreTokenizers.Read(preTokenizer);
        _added = AddedTokens.Read(
            Part(root, "added_tokens"), piece => _model.TryGetId(piece, out var id) ? id : null,
            text => _normalize is null ? text : _normalize(text));
        var keepsLimits = mode == TokenizerMode.File;
        _postProcessor = PostProcessor.Read(
            Part(root, "post_processor"), keepsLimits ? Part(root, "truncation") : null,
            keepsLimits ? Part(root, "padding") : null);
        var decoder = Part(root, "decoder");
        _decode = Decoders.Read(decoder);
        StreamKind = ChooseStream(decoder);
        VocabularySize = Math.Max(_model.MaxId, _added.MaxId) + 1;
        SetNamedTokens(settings, FirstOf("<s>", "<|begin_of_text|>"),
            FirstOf("</s>", "<|end_of_text|>", "<|endoftext|>", "<|im_end|>"), FirstOf("<pad>", "[PAD]"),
            _model.UnknownToken is { } unknown ? TokenId(unknown) : null);
    }

    public override int VocabularySize { get; }

    private protected override TextStreamKind StreamKind { get; }

    public static HuggingFaceTokenizer Read(
        string path, byte[] utf8, TokenizerSettings settings, TokenizerMode mode) =>
        TokenizerFile.Parse(path, utf8, root => new HuggingFaceTokenizer(path, root, settings, mode));

    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var pieces = new List<string>(ids.Length);
        foreach (var id in ids)
        {
            if (id < 0)
                throw new ArgumentOutOfRangeException(nameof(ids), $"Token {id} is negative");
            var piece = _added.Decoded(id) ?? _model.Piece(id);
            if (piece is not null && !(skipSpecialTokens && _added.IsSpecial(piece)))
                pieces.Add(piece);
        }
        return _decode is null ? string.Join(' ', pieces) : string.Concat(_decode(pieces));
    }

    public override string TokenText(int id) => _added.Content(id) ?? _model.Piece(id) ?? "";

    public override int? TokenId(string piece) =>
        _added.Id(piece) ?? (_model.TryGetId(piece, out var id) ? id : null);

    public override bool IsSpecial(int id) => _added.IsSpecial(TokenText(id));

    private protected override void EncodeText(string text, List<int> ids)
    {
        try
        {
            EncodeParts(ReplaceUnpairedSurrogates(text), ids);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{FileName}: {e.Message}", e);
        }
    }

    private void EncodeParts(string text, List<int> ids)
    {
        PreTokenizers.WordSink words = (word, _) =>
        {
            if (!word.IsEmpty)
                _model.Encode(word, ids);
        };
        foreach (var part in _added.Split(text, afterNormalization: false))
        {
            if (part.Id is int id)
            {
                ids.Add(id);
                continue;
            }
            var raw = part.Start == 0 && part.End == text.Length ? text : text[part.Start..part.End];
            var normalized = _normalize is null ? raw : _normalize(raw);
            foreach (var sub in _added.Split(normalized, afterNormalization: true))
            {
                var span = normalized.AsSpan(sub.Start, sub.End - sub.Start);
                var isFirst = part.Start == 0 && sub.Start == 0;
                if (sub.Id is int subId)
                    ids.Add(subId);
                else if (_split is null)
                    words(span, isFirst);
                else
                    _split(span, isFirst, words);
            }
        }
    }

    private protected override List<int> Surround(List<int> ids, bool addSpecialTokens)
    {
        if (addSpecialTokens && _postProcessor.MissingToken is { } missing)
            throw new InvalidDataException($"{FileName}: the template uses {missing}, which it does not define");
        ids = _postProcessor.Apply(ids, addSpecialTokens);
        if (_postProcessor.HasTemplate || !addSpecialTokens)
            return ids;
        // The file is silent: what tokenizer_config.json says counts.
        if (Settings.AddBos == true && BosId is int bos)
            ids.Insert(0, bos);
        if (Settings.AddEos == true && EosId is int eos)
            ids.Add(eos);
        return ids;
    }

    private static string ReplaceUnpairedSurrogates(string text) =>
        text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0
            ? text
            : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static void CheckTop(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new FormatException("is not a tokenizer: it holds no JSON object");
        foreach (var property in root.EnumerateObject())
        {
            if (!KnownKeys.Contains(property.Name))
                throw new FormatException($"is not a tokenizer: it has the unknown key \"{property.Name}\"");
        }
        if (root.TryGetProperty("version", out var version)
            && (version.ValueKind != JsonValueKind.String || version.GetString() != "1.0"))
            throw new FormatException($"has the version {version.GetRawText()}; only \"1.0\" is known");
    }

    private static JsonElement? Part(JsonElement root, string name) =>
        root.TryGetProperty(name, out var part) && part.ValueKind != JsonValueKind.Null ? part : null;

    // transformers 5 rebuilds these from vocabulary and merges alone.
    private static bool IsLlama(JsonElement model, JsonElement? normalizer, JsonElement? preTokenizer) =>
        model.TryGetProperty("byte_fallback", out var fallback) && fallback.ValueKind == JsonValueKind.True
        && model.TryGetProperty("merges", out _)
        && ((normalizer?.GetRawText().Contains("\"Prepend\"", StringComparison.Ordinal) ?? false)
            || (preTokenizer?.GetRawText().Contains("\"Metaspace\"", StringComparison.Ordinal) ?? false));

    // mlx-lm compares the decoder with two that it knows.
    private static TextStreamKind ChooseStream(JsonElement? decoder)
    {
        if (decoder is not { } item)
            return TextStreamKind.Decoding;
        var type = item.GetProperty("type").GetString();
        if (type == "ByteLevel")
            return TextStreamKind.ByteLevel;
        if (type != "Sequence")
            return TextStreamKind.Decoding;
        var steps = item.GetProperty("decoders").EnumerateArray().ToArray();
        var types = string.Join(',', steps.Select(s => s.GetProperty("type").GetString()));
        var replaces = steps.Length > 0 && types.StartsWith("Replace,ByteFallback,Fuse", StringComparison.Ordinal)
            && steps[0].GetProperty("pattern").TryGetProperty("String", out var pattern)
            && pattern.GetString() == "\u2581" && steps[0].GetProperty("content").GetString() == " ";
        return types switch
        {
            "Replace,ByteFallback,Fuse" when replaces => TextStreamKind.SentencePieceNoTrim,
            "Replace,ByteFallback,Fuse,Strip" when replaces && IsOneSpace(steps[3]) => TextStreamKind.SentencePiece,
            _ => TextStreamKind.Decoding,
        };
    }

    private static bool IsOneSpace(JsonElement strip) =>
        strip.GetProperty("content").GetString() == " " && strip.GetProperty("start").GetInt64() == 1
        && strip.GetProperty("stop").GetInt64() == 0;

    private int? FirstOf(params ReadOnlySpan<string> pieces)
    {
        foreach (var piece in pieces)
        {
            if (_added.Id(piece) is int id)
                return id;
        }
        return null;
    }
}
