using System.Runtime.InteropServices;
using System.Text;

namespace ElmMlx.Text;

/// <summary>Answers as the sentencepiece library does for a <c>.model</c> file.</summary>
internal sealed class SentencePieceTokenizer : Tokenizer
{
    private const int MaxKeptBytes = 1 << 20;

    private readonly SentencePieceModel _model;
    private readonly SentencePieceNormalizer _normalizer;
    private readonly SentencePieceEncoder _encoder;
    private readonly PieceTable _ids;
    [ThreadStatic]
    private static ByteBuffer? s_normalized;

    private SentencePieceTokenizer(string path, SentencePieceModel model, TokenizerSettings settings) : base(path)
    {
        _model = model;
        var nBytes = model.Pieces.Sum(p => p.Text.Length);
        // Text is matched with ordinary pieces; control, unknown and byte pieces are found by name only.
        _ids = new PieceTable(model.Pieces.Count, nBytes);
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            if (!_ids.TryAdd(model.Pieces[id].Text, id))
                throw new FormatException($"has the piece {TokenText(id)} twice");
        }
        var symbols = model.Pieces.Select((piece, id) => (piece, id))
            .Where(p => p.piece.Type == SentencePieceModel.PieceType.UserDefined)
            .Select(p => (p.piece.Text, p.id)).ToList();
        var userSymbols = symbols.Count == 0 ? null : new ByteTrie(symbols);
        _normalizer = new SentencePieceNormalizer(model, userSymbols);
        _encoder = SentencePieceEncoder.Create(model, _ids, userSymbols);
        SetNamedTokens(settings, ControlId(model.BosPiece), ControlId(model.EosPiece), ControlId(model.PadPiece),
            model.UnknownId);
    }

    public override int VocabularySize => _model.Pieces.Count;

    private protected override TextStreamKind StreamKind => TextStreamKind.SentencePiece;

    public static SentencePieceTokenizer Read(string path, byte[] bytes, TokenizerSettings settings) =>
        TokenizerFile.Guard(path, () =>
            new SentencePieceTokenizer(path, SentencePieceModel.Parse(bytes), settings));

    /// <summary>The text as it is cut into pieces.</summary>
    internal string Normalize(ReadOnlySpan<byte> utf8)
    {
        var buffer = new ByteBuffer();
        _normalizer.Normalize(utf8, buffer);
        return Encoding.UTF8.GetString(buffer.Written);
    }

    // Control pieces always read as nothing, so there is nothing to skip.
    public override string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var text = new ByteBuffer();
        var pending = new List<byte>();
        var atStart = true;
        var sawPrefix = false;
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)_model.Pieces.Count)
                throw new ArgumentOutOfRangeException(
                    nameof(ids), $"Token {id} is not in the vocabulary of {_model.Pieces.Count} pieces of {FileName}");
            var piece = _model.Pieces[id];
            if (piece.Type == SentencePieceModel.PieceType.Byte)
            {
                pending.Add((byte)Array.IndexOf(_model.ByteIds, id));
                continue;
            }
            AppendBytes(pending, text);
            atStart &= !sawPrefix && text.Length == 0;
            sawPrefix = AppendPiece(piece, atStart, text);
        }
        AppendBytes(pending, text);
        return Encoding.UTF8.GetString(text.Written);
    }

    public override string TokenText(int id) =>
        (uint)id < (uint)_model.Pieces.Count ? Encoding.UTF8.GetString(_model.Pieces[id].Text) : "";

    public override int? TokenId(string piece) =>
        _ids.TryGet(Encoding.UTF8.GetBytes(piece), out var id) ? id : null;

    public override bool IsSpecial(int id) =>
        (uint)id < (uint)_model.Pieces.Count
        && _model.Pieces[id].Type is SentencePieceModel.PieceType.Control or SentencePieceModel.PieceType.Unknown;

    private protected override void EncodeText(string text, List<int> ids) =>
        EncodeUtf8(Encoding.UTF8.GetBytes(text), ids);

    private protected override void EncodeUtf8(ReadOnlySpan<byte> utf8, List<int> ids)
    {
        var buffer = s_normalized ??= new ByteBuffer();
        buffer.Length = 0;
        _normalizer.Normalize(utf8, buffer);
        _encoder.Encode(buffer.Written, ids);
        if (buffer.Length > MaxKeptBytes)
            s_normalized = null;
    }

    // A model file says nothing of what belongs around a text. Llama puts BOS first, and so does this.
    private protected override List<int> Surround(List<int> ids, bool addSpecialTokens)
    {
        if (!addSpecialTokens)
            return ids;
        if ((Settings.AddBos ?? true) && BosId is int bos)
            ids.Insert(0, bos);
        if ((Settings.AddEos ?? false) && EosId is int eos)
            ids.Add(eos);
        return ids;
    }

    /// <summary>
    /// Appends what a piece reads as; true where its <c>▁</c> was the dummy prefix and dropped.
    /// </summary>
    private bool AppendPiece(SentencePieceModel.Piece piece, bool atStart, ByteBuffer text)
    {
        if (piece.Type == SentencePieceModel.PieceType.Control)
            return false;
        if (piece.Type == SentencePieceModel.PieceType.Unknown)
        {
            text.Append(Encoding.UTF8.GetBytes(_model.UnknownSurface));
            return false;
        }
        ReadOnlySpan<byte> rest = piece.Text;
        var dropped = false;
        if (atStart && (_model.AddsDummyPrefix || _model.RemovesExtraWhitespaces)
            && rest.StartsWith(SentencePieceNormalizer.SpaceSymbol))
        {
            rest = rest[SentencePieceNormalizer.SpaceSymbol.Length..];
            dropped = !_model.RemovesExtraWhitespaces;
        }
        while (rest.IndexOf(SentencePieceNormalizer.SpaceSymbol) is >= 0 and var space)
        {
            text.Append(rest[..space]);
            text.Append(" "u8);
            rest = rest[(space + SentencePieceNormalizer.SpaceSymbol.Length)..];
        }
        text.Append(rest);
        return dropped;
    }

    // A run of byte pieces is read as far as it is UTF-8; every other byte reads as U+FFFD.
    private static void AppendBytes(List<byte> pending, ByteBuffer text)
    {
        ReadOnlySpan<byte> bytes = CollectionsMarshal.AsSpan(pending);
        while (!bytes.IsEmpty)
        {
            var valid = Rune.DecodeFromUtf8(bytes, out _, out var length) == System.Buffers.OperationStatus.Done;
            text.Append(valid ? bytes[..length] : "\uFFFD"u8);
            bytes = bytes[(valid ? length : 1)..];
        }
        pending.Clear();
    }

    private int? ControlId(string name) =>
        TokenId(name) is int id && _model.Pieces[id].Type == SentencePieceModel.PieceType.Control ? id : null;
}
