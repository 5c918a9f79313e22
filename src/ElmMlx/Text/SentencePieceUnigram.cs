namespace ElmMlx.Text;

/// <summary>
/// The most probable cut of a text into pieces (Viterbi), computed in float32 as sentencepiece does.
/// </summary>
internal sealed class SentencePieceUnigram : SentencePieceEncoder
{
    private const float UnknownPenalty = 10f;

    private readonly ByteTrie _trie;
    private readonly float _unknownScore;
    private readonly float _maxScore;

    public SentencePieceUnigram(SentencePieceModel model, PieceTable ids) : base(model, ids)
    {
        _trie = new ByteTrie(model.Pieces.Select((piece, id) => (piece.Text, id)).Where(p => IsTextPiece(p.id)));
        var minScore = float.MaxValue;
        // Not the least float: sentencepiece starts from the least positive one.
        _maxScore = 1.17549435e-38f;
        foreach (var piece in model.Pieces)
        {
            if (piece.Type != SentencePieceModel.PieceType.Normal)
                continue;
            minScore = piece.Score < minScore ? piece.Score : minScore;
            _maxScore = _maxScore < piece.Score ? piece.Score : _maxScore;
        }
        _unknownScore = minScore - UnknownPenalty;
    }

    public override void Encode(ReadOnlySpan<byte> text, List<int> output)
    {
        if (text.IsEmpty)
            return;
        // For every byte position: the best cut that ends there.
        var best = new Node[text.Length + 1];
        best.AsSpan().Fill(new Node(0, -1, 0));
        for (var start = 0; start < text.Length;)
        {
            var scoreHere = best[start].Score;
            var charLength = CharLength(text[start..]);
            var hasSingle = false;
            var trieNode = _trie.Root(text[start]);
            for (var end = start + 1; trieNode != ByteTrie.None; end++)
            {
                var id = _trie.Value(trieNode);
                if (id != ByteTrie.None && Model.Pieces[id].Type != SentencePieceModel.PieceType.Unused)
                {
                    var isUser = Model.Pieces[id].Type == SentencePieceModel.PieceType.UserDefined;
                    var score = isUser ? (float)((end - start) * _maxScore - 0.1) : Model.Pieces[id].Score;
                    Offer(ref best[end], score + scoreHere, start, id);
                    hasSingle |= end - start == charLength;
                }
                if (end == text.Length)
                    break;
                trieNode = _trie.Child(trieNode, text[end]);
            }
            if (!hasSingle)
                Offer(ref best[start + charLength], _unknownScore + scoreHere, start, Model.UnknownId);
            start += charLength;
        }
        EmitBackwards(text, best, output);
    }

    private static void Offer(ref Node node, float score, int start, int id)
    {
        if (node.Start == -1 || score > node.Score)
            node = new Node(score, start, id);
    }

    private void EmitBackwards(ReadOnlySpan<byte> text, Node[] best, List<int> output)
    {
        var cuts = new Stack<int>();
        for (var end = text.Length; end > 0; end = best[end].Start)
            cuts.Push(end);
        foreach (var end in cuts)
        {
            var node = best[end];
            if (node.Id == Model.UnknownId)
                EmitUnknown(text[node.Start..end], output);
            else
                output.Add(node.Id);
        }
    }

    private readonly record struct Node(float Score, int Start, int Id);
}
