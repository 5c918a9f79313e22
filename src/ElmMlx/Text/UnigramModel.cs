using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace ElmMlx.Text;

/// <summary>
/// The most probable cut of a word into pieces (Viterbi), in float64 as Hugging Face's library computes it.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    private const double UnknownPenalty = 10;

    private readonly List<double> _scores;
    private readonly int? _unknownId;
    private readonly int[]? _byteIds;
    private readonly double _unknownScore;
    private readonly ByteTrie _trie;
    private readonly WordCache _cache = new();

    private UnigramModel(
        Dictionary<string, int> ids, List<double> scores, int? unknownId, bool byteFallback) : base(ids)
    {
        (_scores, _unknownId) = (scores, unknownId);
        _unknownScore = scores.Min() - UnknownPenalty;
        _trie = new ByteTrie(ids.Select(p => (Encoding.UTF8.GetBytes(p.Key), p.Value)));
        _byteIds = byteFallback ? BpeModel.ByteIds(ids) : null;
    }

    public override string? UnknownToken => _unknownId is int id ? Piece(id) : null;

    public static UnigramModel Read(JsonElement json)
    {
        if (!json.TryGetProperty("vocab", out var vocab) || vocab.ValueKind != JsonValueKind.Array)
            throw new FormatException("has a Unigram model whose vocab is not an array of pieces and scores");
        var ids = new Dictionary<string, int>();
        var scores = new List<double>();
        foreach (var entry in vocab.EnumerateArray())
        {
            var piece = entry[0].GetString() ?? throw new FormatException($"piece {scores.Count} is null");
            var score = entry[1].GetDouble();
            if (!double.IsFinite(score) || entry.GetArrayLength() != 2)
                throw new FormatException($"piece {scores.Count} has the score {entry[1].GetRawText()}");
            ids[piece] = scores.Count;
            scores.Add(score);
        }
        if (scores.Count == 0)
            throw new FormatException("has a Unigram model without pieces");
        int? unknown = json.TryGetProperty("unk_id", out var unk) && unk.ValueKind != JsonValueKind.Null
            ? JsonIds.Read(unk, "unk_id")
            : null;
        if (unknown >= scores.Count)
            throw new FormatException($"has the unk_id {unknown}, but only {scores.Count} pieces");
        return new UnigramModel(ids, scores, unknown, OptionalFlag(json, "byte_fallback"));
    }

    public override void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        var key = MemoryMarshal.AsBytes(word);
        var hash = WordCache.Hash(key);
        if (key.Length <= WordCache.MaxWordBytes && _cache.TryGet(key, hash, out var cached))
        {
            ids.AddRange(cached);
            return;
        }
        var count = ids.Count;
        var utf8 = new byte[Encoding.UTF8.GetByteCount(word)];
        Encoding.UTF8.GetBytes(word, utf8);
        Viterbi(utf8, ids);
        if (key.Length <= WordCache.MaxWordBytes)
            _cache.Set(key, hash, CollectionsMarshal.AsSpan(ids)[count..]);
    }

    private void Viterbi(ReadOnlySpan<byte> text, List<int> ids)
    {
        // For every byte position: the best cut that ends there.
        var best = new Node[text.Length + 1];
        best.AsSpan().Fill(new Node(0, -1, -1));
        for (var start = 0; start < text.Length;)
        {
            Rune.DecodeFromUtf8(text[start..], out _, out var charLength);
            var hasSingle = false;
            var node = _trie.Root(text[start]);
            for (var end = start + 1; node != ByteTrie.None; end++)
            {
                if (_trie.Value(node) is not ByteTrie.None and var id)
                {
                    Offer(ref best[end], _scores[id] + best[start].Score, start, id);
                    hasSingle |= end - start == charLength;
                }
                if (end == text.Length)
                    break;
                node = _trie.Child(node, text[end]);
            }
            if (!hasSingle)
            {
                var unknown = _unknownId ?? throw new InvalidDataException(
                    "the text has a character that no piece has, and the model has no unk_id");
                Offer(ref best[start + charLength], _unknownScore + best[start].Score, start, unknown);
            }
            start += charLength;
        }
        var cuts = new Stack<(int Start, int End)>();
        // Unknown parts that follow each other are one.
        for (var end = text.Length; end > 0;)
        {
            var start = best[end].Start;
            while (best[end].Id == _unknownId && start > 0 && best[start].Id == _unknownId)
                start = best[start].Start;
            cuts.Push((start, end));
            end = start;
        }
        foreach (var (start, end) in cuts)
            Emit(text[start..end], ids);
    }

    private static void Offer(ref Node node, double score, int start, int id)
    {
        if (node.Start == -1 || score > node.Score)
            node = new Node(score, start, id);
    }

    private void Emit(ReadOnlySpan<byte> piece, List<int> ids)
    {
        if (TryGetId(Encoding.UTF8.GetString(piece), out var id))
        {
            ids.Add(id);
        }
        else if (_byteIds is not null && !HasMissing(piece))
        {
            foreach (var b in piece)
                ids.Add(_byteIds[b]);
        }
        else
        {
            ids.Add(_unknownId!.Value);
        }
    }

    private bool HasMissing(ReadOnlySpan<byte> piece)
    {
        foreach (var b in piece)
        {
            if (_byteIds![b] < 0)
                return true;
        }
        return false;
    }

    private readonly record struct Node(double Score, int Start, int Id);
}
