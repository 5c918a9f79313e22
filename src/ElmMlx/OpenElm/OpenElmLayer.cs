namespace ElmMlx.OpenElm;

/// <summary>The widths of one transformer layer; OpenELM gives every layer its own.</summary>
/// <param name="QueryHeads">Number of query heads, H.</param>
/// <param name="KeyValueHeads">Number of key and value heads, G; divides H.</param>
/// <param name="FeedForwardSize">
/// Columns of <c>ffn.proj_2</c>; <c>ffn.proj_1</c> has twice as many rows with GLU.
/// </param>
public sealed record OpenElmLayer(int QueryHeads, int KeyValueHeads, int FeedForwardSize);
