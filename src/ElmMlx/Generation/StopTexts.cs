using System.Text;

namespace ElmMlx.Generation;

/// <summary>Looks for texts that end generation, and holds back what could be the start of one.</summary>
internal sealed class StopTexts
{
    private readonly IReadOnlyList<string> _stops;
    private readonly StringBuilder _held = new();

    public StopTexts(IReadOnlyList<string> stops) => _stops = stops;

    /// <summary>Adds text.</summary>
    /// <returns>
    /// What is certain to be no part of a stop text, and whether one came: then nothing after it is returned.
    /// </returns>
    public (string Text, bool Stopped) Add(string text)
    {
        if (_stops.Count == 0 || text.Length == 0)
            return (text, false);
        string all = _held.Append(text).ToString();
        _held.Clear();
        int first = -1;
        foreach (string stop in _stops)
            if (all.IndexOf(stop, StringComparison.Ordinal) is >= 0 and int index && (first < 0 || index < first))
                first = index;
        if (first >= 0)
            return (all[..first], true);
        int certain = all.Length - LongestStart(all);
        _held.Append(all, certain, all.Length - certain);
        return (all[..certain], false);
    }

    /// <summary>What was held back, when no more text comes.</summary>
    public string Finish()
    {
        string text = _held.ToString();
        _held.Clear();
        return text;
    }

    // Length of the longest end of the text that is the start of a stop text.
    private int LongestStart(string text)
    {
        int longest = 0;
        foreach (string stop in _stops)
            for (int length = Math.Min(stop.Length - 1, text.Length); length > longest; length--)
                if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                    longest = length;
        return longest;
    }
}
