using ElmMlx.Datasets;
using ElmMlx.Text;

namespace ElmMlx.Evaluation;

/// <summary>
/// A context and a continuation as one row, of which the continuation counts. Both are encoded together; the tokens
/// that the context alone does not have are the continuation's (the rule of EleutherAI's harness).
/// </summary>
internal sealed class ContinuationEncoder(Tokenizer tokenizer, int maxSequenceLength)
{
    /// <param name="context">
    /// White space at its end goes over to the continuation; without any, one space stands between.
    /// </param>
    /// <param name="continuation">Not empty.</param>
    public TokenRow Row(string context, string continuation)
    {
        string begin = context.TrimEnd();
        bool isApart = begin.Length < context.Length || begin.Length == 0 || char.IsWhiteSpace(continuation[0]);
        string rest = isApart ? context[begin.Length..] + continuation : " " + continuation;
        int[] prompt = Encode(begin), whole = Encode(begin + rest);
        // Something must stand before the first token that is measured.
        if (prompt.Length == 0)
            (prompt, whole) = ([Start], [Start, .. whole]);
        int offset = Math.Clamp(prompt.Length, 1, whole.Length - 1);
        int cut = Math.Clamp(whole.Length - maxSequenceLength, 0, whole.Length - 2);
        return TokenRow.From(whole[cut..], Math.Max(1, offset - cut));
    }

    private int Start => tokenizer.BosId ?? tokenizer.EosId ?? throw new ArgumentException(
        $"{tokenizer.FileName} names no token that begins or ends a text, so nothing can stand before an answer " +
            "without a context.");

    private int[] Encode(string text)
    {
        int[] ids = tokenizer.Encode(text);
        return ids is [.., int last] && last == tokenizer.EosId ? ids[..^1] : ids;
    }
}
