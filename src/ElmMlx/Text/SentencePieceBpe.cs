using System.Runtime.InteropServices;

namespace ElmMlx.Text;

/// <summary>
/// Byte-pair encoding by score: of all neighbours whose text is a piece, the best-scored pair merges first.
/// </summary>
internal sealed class SentencePieceBpe : SentencePieceEncoder
{
    private const uint SpaceCharacter = 0xE29681;

    private readonly ByteTrie? _userSymbols;
    private readonly PieceBoundaries? _boundaries;
    private readonly WordCache _cache = new();
    [ThreadStatic]
    private static Merger? s_merger;

    public SentencePieceBpe(SentencePieceModel model, PieceTable ids, ByteTrie? userSymbols) : base(model, ids)
    {
        _userSymbols = userSymbols;
        // How an unused piece falls apart again depends on the text before it, so such models are not cut
        // into words.
        if (model.Pieces.Any(p => p.Type == SentencePieceModel.PieceType.Unused))
            return;
        _boundaries = new PieceBoundaries(SpaceCharacter);
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            if (!IsTextPiece(id))
                continue;
            ReadOnlySpan<byte> rest = model.Pieces[id].Text;
            var previous = Character(rest, out var length);
            for (rest = rest[length..]; !rest.IsEmpty; rest = rest[length..])
            {
                var next = Character(rest, out length);
                _boundaries.Add(previous, next);
                previous = next;
            }
        }
    }

    public override void Encode(ReadOnlySpan<byte> text, List<int> output)
    {
        var wordStart = 0;
        uint previous = 0;
        var at = 0;
        while (at < text.Length)
        {
            if (_userSymbols is not null && _userSymbols.LongestMatch(text[at..], out _) is > 0 and var symbol)
            {
                EncodeWord(text[wordStart..at], output);
                Emit(text.Slice(at, symbol), output);
                at += symbol;
                wordStart = at;
                continue;
            }
            var next = Character(text[at..], out var length);
            if (at > wordStart && _boundaries is not null && !_boundaries.CanJoin(previous, next))
            {
                EncodeWord(text[wordStart..at], output);
                wordStart = at;
            }
            previous = next;
            at += length;
        }
        EncodeWord(text[wordStart..], output);
    }

    private void EncodeWord(ReadOnlySpan<byte> word, List<int> output)
    {
        if (word.IsEmpty)
            return;
        if (word.Length > WordCache.MaxWordBytes)
        {
            Merge(word, output);
            return;
        }
        var hash = WordCache.Hash(word);
        if (!_cache.TryGet(word, hash, out var ids))
        {
            var fresh = new List<int>();
            Merge(word, fresh);
            _cache.Set(word, hash, CollectionsMarshal.AsSpan(fresh));
            ids = CollectionsMarshal.AsSpan(fresh);
        }
        foreach (var id in ids)
            EmitCached(id, output);
    }

    private void EmitCached(int id, List<int> output)
    {
        if (Model.ByteFallback)
            output.Add(id);
        else
            EmitJoined(id, output);
    }

    private void Merge(ReadOnlySpan<byte> word, List<int> output)
    {
        var merger = s_merger ??= new Merger();
        merger.Run(this, word, output);
        if (word.Length > Merger.MaxKeptSymbols)
            s_merger = null;
    }

    // The bytes of one character as a number: unlike a code point it exists for broken text too.
    private static uint Character(ReadOnlySpan<byte> text, out int length)
    {
        length = CharLength(text);
        uint value = 0;
        for (var i = 0; i < length; i++)
            value = (value << 8) | text[i];
        return value;
    }

    /// <summary>The symbols of one word: a linked list over its bytes, a symbol is a range of them.</summary>
    private sealed class Merger
    {
        public const int MaxKeptSymbols = 1 << 16;

        private readonly MergeQueue _queue = new();
        // Indexed by a symbol's first byte: its length (0: merged into another), neighbours' first bytes.
        private int[] _length = [];
        private int[] _previous = [];
        private int[] _next = [];
        private Dictionary<int, (int Start, int Middle)>? _unused;

        public void Run(SentencePieceBpe bpe, ReadOnlySpan<byte> word, List<int> output)
        {
            if (_length.Length < word.Length)
            {
                var size = Math.Max(64, word.Length);
                (_length, _previous, _next) = (new int[size], new int[size], new int[size]);
            }
            _unused = bpe._boundaries is null ? [] : null;
            _queue.Clear();
            var previous = -1;
            for (var at = 0; at < word.Length;)
            {
                var length = CharLength(word[at..]);
                (_length[at], _previous[at], _next[at]) = (length, previous, at + length);
                if (previous >= 0)
                    Propose(bpe, word, previous, at);
                previous = at;
                at += length;
            }
            while (_queue.TryPop(out var left, out var size))
            {
                var right = left + _length[left];
                // Either symbol has grown or gone since the pair was proposed.
                if (_length[left] == 0 || right >= word.Length || _length[left] + _length[right] != size)
                    continue;
                _length[left] = size;
                _length[right] = 0;
                _next[left] = left + size;
                if (_next[left] < word.Length)
                {
                    _previous[_next[left]] = left;
                    Propose(bpe, word, left, _next[left]);
                }
                if (_previous[left] >= 0)
                    Propose(bpe, word, _previous[left], left);
            }
            for (var at = 0; at < word.Length; at = _next[at])
                EmitSymbol(bpe, word, at, _length[at], output);
        }

        private void Propose(SentencePieceBpe bpe, ReadOnlySpan<byte> word, int left, int right)
        {
            var size = _length[left] + _length[right];
            if (!bpe.TryGetId(word.Slice(left, size), out var id) || !bpe.IsTextPiece(id))
                return;
            _queue.Push(MergeQueue.RankOfScore(bpe.Model.Pieces[id].Score), left, size);
            if (_unused is not null && bpe.Model.Pieces[id].Type == SentencePieceModel.PieceType.Unused)
                _unused[id] = (left, right);
        }

        // An unused piece serves only as a step to longer ones: what is left of it falls apart as it was
        // joined last.
        private void EmitSymbol(
            SentencePieceBpe bpe, ReadOnlySpan<byte> word, int start, int length, List<int> output)
        {
            if (_unused is null)
            {
                bpe.Emit(word.Slice(start, length), output);
                return;
            }
            var open = new Stack<(int Start, int Length)>();
            open.Push((start, length));
            while (open.TryPop(out var symbol))
            {
                var piece = word.Slice(symbol.Start, symbol.Length);
                if (bpe.TryGetId(piece, out var id)
                    && bpe.Model.Pieces[id].Type == SentencePieceModel.PieceType.Unused
                    && _unused.TryGetValue(id, out var cut))
                {
                    var leftLength = cut.Middle - cut.Start;
                    open.Push((symbol.Start + leftLength, symbol.Length - leftLength));
                    open.Push((symbol.Start, leftLength));
                    continue;
                }
                bpe.Emit(piece, output);
            }
        }
    }
}
