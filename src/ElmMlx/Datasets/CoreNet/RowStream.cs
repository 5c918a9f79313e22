using ElmMlx.Text;

namespace ElmMlx.Datasets;

/// <summary>The rows of one shard's documents, for ever: after the last file comes the next epoch.</summary>
internal sealed class RowStream : IDisposable
{
    private readonly FileOrder _order;
    private readonly CoreNetDataOptions _options;
    private readonly Tokenizer _tokenizer;
    private readonly EncodeOptions _encoding;
    private readonly IEnumerator<CoreNetRow> _rows;
    private int _file, _document, _piece;

    /// <param name="order">The shard's files, at epoch 0.</param>
    /// <param name="options">How rows are made.</param>
    /// <param name="tokenizer">
    /// Encodes pieces; its padding id, or else the size of its vocabulary, fills rows up.
    /// </param>
    /// <param name="start">Where to go on; null at the beginning.</param>
    /// <param name="counts">What was counted up to there.</param>
    public RowStream(
        FileOrder order, CoreNetDataOptions options, Tokenizer tokenizer, DataPosition? start = null,
        DataCounts? counts = null)
    {
        _order = order;
        _options = options;
        _tokenizer = tokenizer;
        _encoding = new EncodeOptions
        {
            AddBos = options.AddBos,
            AddEos = options.AddEos,
            NormalizeNfc = options.NormalizeNfc,
        };
        Counts = counts ?? new DataCounts();
        if (start is not null)
        {
            while (order.Epoch < start.Epoch)
                order.Advance();
            (_file, _document, _piece) = (start.File, start.Document, start.Piece);
        }
        _rows = Rows().GetEnumerator();
    }

    /// <summary>Where the next row will come from.</summary>
    public DataPosition Position => new(_order.Epoch, _file, _document, _piece);

    public DataCounts Counts { get; private set; }

    /// <summary>The id that fills rows up.</summary>
    public static int PaddingId(Tokenizer tokenizer) => tokenizer.PadId ?? tokenizer.VocabularySize;

    /// <exception cref="InvalidDataException">
    /// A document cannot be read, or none of a whole epoch passes the filters.
    /// </exception>
    public CoreNetRow Next()
    {
        _rows.MoveNext();       // never ends
        return _rows.Current;
    }

    public void Dispose() => _rows.Dispose();

    private IEnumerable<CoreNetRow> Rows()
    {
        while (true)
        {
            bool isWhole = Position == new DataPosition(_order.Epoch);
            DataCounts before = Counts;
            for (; _file < _order.Files.Count; _file++)
            {
                DataFile file = _order.Files[_file];
                foreach (Document document in file.Read(_document))
                {
                    foreach (CoreNetRow row in RowsOf(file, document))
                        yield return row;
                    _document++;
                    _piece = 0;
                }
                _document = 0;
            }
            if (isWhole && Counts.Rows == before.Rows)
                throw new InvalidDataException(Explain(before));
            _file = 0;
            _order.Advance();
        }
    }

    private IEnumerable<CoreNetRow> RowsOf(DataFile file, Document document)
    {
        if (document.Text is null)
        {
            if (!_options.SkipBadDocuments)
                throw new InvalidDataException(
                    $"{file.Path}, document {_document}: {document.Problem}; mend the file, or pass " +
                    "--skip-bad-lines to count such documents and go on.");
            Counts = Counts with { BadDocuments = Counts.BadDocuments + 1 };
            yield break;
        }
        if (_piece == 0)
            Counts = Counts with { Documents = Counts.Documents + 1 };
        foreach (string piece in Pieces(document.Text, _options.DocumentSplitSize).Skip(_piece))
        {
            int number = _piece++;
            if (Ids(piece) is { } ids)
                yield return new CoreNetRow(ids, _order.Epoch, file.Path, _document, number);
        }
    }

    // Groups of words; only a space separates, and the one between two groups is lost.
    private static IEnumerable<string> Pieces(string text, int words)
    {
        int start = 0;
        while (true)
        {
            int end = start - 1;
            for (int i = 0; i < words && end < text.Length; i++)
                end = text.IndexOf(' ', end + 1) is var space and >= 0 ? space : text.Length;
            yield return text[start..end];
            if (end == text.Length)
                yield break;
            start = end + 1;
        }
    }

    private int[]? Ids(string piece)
    {
        if (_options.MinCharactersPerText > 0 &&
            FilteredText.Length(piece) < _options.MinCharactersPerText)
        {
            Counts = Counts with { TooFewCharacters = Counts.TooFewCharacters + 1 };
            return null;
        }
        int[] tokens = _tokenizer.Encode(piece, _encoding);
        if (tokens.Length < _options.MinTokensPerText)
        {
            Counts = Counts with { TooFewTokens = Counts.TooFewTokens + 1 };
            return null;
        }
        var ids = new int[_options.SequenceLength + 1];
        int cut = Math.Max(tokens.Length - ids.Length, 0);
        tokens.AsSpan(0, tokens.Length - cut).CopyTo(ids);
        ids.AsSpan(Math.Min(tokens.Length, ids.Length)..).Fill(PaddingId(_tokenizer));
        Counts = Counts with
        {
            Rows = Counts.Rows + 1,
            CutRows = Counts.CutRows + (cut > 0 ? 1 : 0),
            CutTokens = Counts.CutTokens + cut,
        };
        return ids;
    }

    private string Explain(DataCounts before)
    {
        string files = _order.Files.Count == 1
            ? _order.Files[0].Path
            : $"{_order.Files[0].Path} and {_order.Files.Count - 1} files beside it";
        long documents = Counts.Documents - before.Documents;
        return documents == 0
            ? $"There is no document in {files}."
            : $"None of the {documents} documents in {files} passes the filters min_tokens_per_text " +
                $"({_options.MinTokensPerText}) and min_characters_per_text ({_options.MinCharactersPerText}): lower " +
                "them, or give other files.";
    }
}
