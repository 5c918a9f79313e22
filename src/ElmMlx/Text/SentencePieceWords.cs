namespace ElmMlx.Text;

/// <summary>The two simple model types: every word, or every character, is a piece or unknown.</summary>
internal sealed class SentencePieceWords(SentencePieceModel model, PieceTable ids, ByteTrie? userSymbols)
    : SentencePieceEncoder(model, ids)
{
    public override void Encode(ReadOnlySpan<byte> text, List<int> output)
    {
        while (!text.IsEmpty)
        {
            var length = Model.Type == SentencePieceModel.ModelType.Word ? WordLength(text) : SymbolLength(text);
            Emit(text[..length], output);
            text = text[length..];
        }
    }

    private int SymbolLength(ReadOnlySpan<byte> text) =>
        userSymbols?.LongestMatch(text, out _) is > 0 and var length ? length : CharLength(text);

    // A word begins with white space, or ends with it in suffix mode.
    private int WordLength(ReadOnlySpan<byte> text)
    {
        var space = SentencePieceNormalizer.SpaceSymbol;
        if (Model.TreatsWhitespaceAsSuffix)
        {
            var end = text.IndexOf(space);
            return end < 0 ? text.Length : end + space.Length;
        }
        var next = text[1..].IndexOf(space);
        return next < 0 ? text.Length : next + 1;
    }
}
