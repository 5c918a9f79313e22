namespace ElmMlx.Text;

/// <summary>Every word is a piece, or unknown.</summary>
internal sealed class WordLevelModel(Dictionary<string, int> vocabulary, string unknownToken) : TokenModel(vocabulary)
{
    public override string? UnknownToken => unknownToken;

    public override void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (!TryGetId(word, out var id) && !TryGetId(unknownToken, out id))
            throw new InvalidDataException($"the unk_token {unknownToken} is not in the vocabulary");
        ids.Add(id);
    }
}
