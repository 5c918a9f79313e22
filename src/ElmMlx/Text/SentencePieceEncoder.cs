namespace ElmMlx.Text;

/// <summary>Cuts normalised text into pieces; one subclass a model type.</summary>
internal abstract class SentencePieceEncoder(SentencePieceModel model, PieceTable ids)
{
    protected SentencePieceModel Model { get; } = model;

    public static SentencePieceEncoder Create(SentencePieceModel model, PieceTable ids, ByteTrie? userSymbols) =>
        model.Type switch
        {
            SentencePieceModel.ModelType.Bpe => new SentencePieceBpe(model, ids, userSymbols),
            SentencePieceModel.ModelType.Unigram => new SentencePieceUnigram(model, ids),
            _ => new SentencePieceWords(model, ids, userSymbols),
        };

    public abstract void Encode(ReadOnlySpan<byte> text, List<int> output);

    /// <summary>The bytes that a lead byte announces; bytes that lead nothing count as one.</summary>
    protected static int CharLength(byte lead) => lead switch
    {
        < 0xC0 => 1,
        < 0xE0 => 2,
        < 0xF0 => 3,
        _ => 4,
    };

    protected static int CharLength(ReadOnlySpan<byte> text) => Math.Min(CharLength(text[0]), text.Length);

    /// <summary>True for pieces that text can be made of.</summary>
    protected bool IsTextPiece(int id) => Model.Pieces[id].Type
        is SentencePieceModel.PieceType.Normal
        or SentencePieceModel.PieceType.UserDefined
        or SentencePieceModel.PieceType.Unused;

    protected bool TryGetId(ReadOnlySpan<byte> piece, out int id) => ids.TryGet(piece, out id);

    /// <summary>
    /// Appends the id of a piece: bytes where it is unknown and can be spelled, else one unknown a run.
    /// </summary>
    protected void Emit(ReadOnlySpan<byte> piece, List<int> output)
    {
        if (TryGetId(piece, out var id) && id != Model.UnknownId)
            output.Add(id);
        else
            EmitUnknown(piece, output);
    }

    protected void EmitUnknown(ReadOnlySpan<byte> piece, List<int> output)
    {
        if (Model.ByteFallback)
        {
            foreach (var b in piece)
                output.Add(Model.ByteIds[b]);
            return;
        }
        EmitJoined(Model.UnknownId, output);
    }

    /// <summary>Appends an id; unknown pieces that follow each other are one.</summary>
    protected void EmitJoined(int id, List<int> output)
    {
        if (id != Model.UnknownId || output.Count == 0 || output[^1] != id)
            output.Add(id);
    }
}
