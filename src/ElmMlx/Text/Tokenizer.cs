using System.Text;

namespace ElmMlx.Text;

/// <summary>
/// Text to token ids and back. Instances are immutable and may be used by many threads at once.
/// </summary>
public abstract class Tokenizer
{
    private TokenizerSettings _settings = TokenizerSettings.None;

    private protected Tokenizer(string fileName) => FileName = fileName;

    /// <summary>The file that this tokenizer was read from; error messages name it.</summary>
    public string FileName { get; }

    /// <summary>One more than the highest id that has a piece.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The token that begins a text, where the files name one.</summary>
    public int? BosId { get; private set; }

    /// <summary>The token that ends a text, where the files name one.</summary>
    public int? EosId { get; private set; }

    /// <summary>The token that fills up a batch, where the files name one.</summary>
    public int? PadId { get; private set; }

    /// <summary>The token of text that has no other, where the files name one.</summary>
    public int? UnknownId { get; private set; }

    /// <summary>
    /// Every token that ends a generated text: <see cref="EosId"/> and what the model's settings add.
    /// </summary>
    public IReadOnlyList<int> EosIds { get; private set; } = [];

    /// <summary>
    /// Reads the tokenizer of a model folder, or one <c>tokenizer.json</c> or <c>.model</c> file.
    /// </summary>
    /// <param name="folderOrFile">
    /// A folder is searched for <c>tokenizer.json</c>, then for <c>tokenizer.model</c>.
    /// </param>
    /// <param name="mode">Whose reading of the files to follow.</param>
    /// <exception cref="FileNotFoundException">There is no tokenizer at that place.</exception>
    /// <exception cref="InvalidDataException">The tokenizer's file is broken or of a kind not supported.</exception>
    public static Tokenizer Load(string folderOrFile, TokenizerMode mode = TokenizerMode.File) =>
        TokenizerFolder.Load(folderOrFile, mode);

    /// <summary>The ids of a text; unpaired surrogates count as U+FFFD.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">Adds what the files say belongs around a text, for example BOS.</param>
    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>(text.Length / 3 + 2);
        EncodeText(text, ids);
        return Surround(ids, addSpecialTokens).ToArray();
    }

    /// <summary>The ids of a text in UTF-8; every byte that is not UTF-8 counts as U+FFFD.</summary>
    /// <param name="utf8">The text's bytes.</param>
    /// <param name="addSpecialTokens">Adds what the files say belongs around a text, for example BOS.</param>
    public int[] Encode(ReadOnlySpan<byte> utf8, bool addSpecialTokens = true)
    {
        var ids = new List<int>(utf8.Length / 3 + 2);
        EncodeUtf8(utf8, ids);
        return Surround(ids, addSpecialTokens).ToArray();
    }

    /// <summary>
    /// The ids of a text as CoreNet's wrapper makes them: plain, with NFC, with BOS and EOS.
    /// </summary>
    /// <exception cref="InvalidOperationException">BOS or EOS is asked for, but the files name none.</exception>
    public int[] Encode(string text, EncodeOptions options)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(options);
        var ids = new List<int>(text.Length / 3 + 2);
        if (options.AddBos)
            ids.Add(BosId ?? throw new InvalidOperationException($"{FileName} names no BOS token"));
        EncodeText(options.NormalizeNfc ? UnicodeNormalizer.Nfc(text) : text, ids);
        if (options.AddEos)
            ids.Add(EosId ?? throw new InvalidOperationException($"{FileName} names no EOS token"));
        return ids.ToArray();
    }

    /// <summary>The text of ids.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="skipSpecialTokens">
    /// Leaves out special tokens that would be written, for example <c>&lt;s&gt;</c>.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">An id that the file's own library refuses.</exception>
    public abstract string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false);

    /// <summary>The piece of an id as it stands in the vocabulary; empty where the id has none.</summary>
    public abstract string TokenText(int id);

    /// <summary>The id of a piece as it stands in the vocabulary; null where there is none.</summary>
    public abstract int? TokenId(string piece);

    /// <summary>True for control and special tokens.</summary>
    public abstract bool IsSpecial(int id);

    /// <summary>A decoder that is fed one id at a time and never shows half a character.</summary>
    /// <param name="kind">By default what mlx-lm chooses for the file's decoder.</param>
    public TextStream CreateStream(TextStreamKind kind = TextStreamKind.Automatic) =>
        (kind == TextStreamKind.Automatic ? StreamKind : kind) switch
        {
            TextStreamKind.SentencePiece => new SentencePieceTextStream(this, trimsSpace: true),
            TextStreamKind.SentencePieceNoTrim => new SentencePieceTextStream(this, trimsSpace: false),
            TextStreamKind.ByteLevel => new ByteLevelTextStream(this, _settings.CleansUpSpaces),
            TextStreamKind.ByteLevelCleanSpaces => new ByteLevelTextStream(this, cleansSpaces: true),
            _ => new DecodingTextStream(this, _settings.CleansUpSpaces, holdsBytes: kind == TextStreamKind.Automatic),
        };

    private protected abstract TextStreamKind StreamKind { get; }

    private protected TokenizerSettings Settings => _settings;

    /// <summary>Appends the ids of a text, without special tokens.</summary>
    private protected abstract void EncodeText(string text, List<int> ids);

    private protected virtual void EncodeUtf8(ReadOnlySpan<byte> utf8, List<int> ids) =>
        EncodeText(Encoding.UTF8.GetString(utf8), ids);

    /// <summary>The ids with what the files say belongs around them.</summary>
    private protected abstract List<int> Surround(List<int> ids, bool addSpecialTokens);

    /// <summary>
    /// Sets the named tokens: what <c>tokenizer_config.json</c> says, else what the file itself says.
    /// </summary>
    private protected void SetNamedTokens(
        TokenizerSettings settings, int? bosId, int? eosId, int? padId, int? unknownId)
    {
        _settings = settings;
        BosId = IdOf(settings.BosToken) ?? bosId;
        EosId = IdOf(settings.EosToken) ?? eosId;
        PadId = IdOf(settings.PadToken) ?? padId;
        UnknownId = IdOf(settings.UnknownToken) ?? unknownId;
        EosIds = EosId is int eos ? [eos, .. settings.EosIds.Where(id => id != eos)] : settings.EosIds;
    }

    private int? IdOf(string? piece) => piece is null ? null : TokenId(piece);
}
