namespace ElmMlx.Datasets;

/// <summary>One piece of a document as a row: the first L + 1 tokens, padding behind shorter ones.</summary>
/// <param name="Ids">L + 1 ids: all but the last are the inputs, all but the first the targets.</param>
/// <param name="Epoch">Times that the files had been gone through before.</param>
/// <param name="Path">The file.</param>
/// <param name="Document">Number of the document in the file, from 0.</param>
/// <param name="Piece">Number of the piece in the document, from 0.</param>
internal sealed record CoreNetRow(int[] Ids, int Epoch, string Path, int Document, int Piece);
