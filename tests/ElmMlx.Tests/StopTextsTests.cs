using ElmMlx.Generation;
using Xunit;

namespace ElmMlx.Tests;

public sealed class StopTextsTests
{
    [Theory]
    [InlineData("a|b|c", "xyz", "abc", false)]
    [InlineData("one |two| three", "two", "one ", true)]
    [InlineData("one t|w|o three", "two", "one ", true)]
    [InlineData("one t|w|ice", "two", "one twice", false)]
    [InlineData("aab|aa|c", "aac", "aab", true)]
    [InlineData("ab|ab|abc", "ababc", "ab", true)]
    [InlineData("end|EN", "END", "endEN", false)]
    [InlineData("x\n|\n|y", "\n\n", "x", true)]
    public void Text_before_a_stop_text_comes_out_whole(string pieces, string stop, string expected, bool stops)
    {
        var matcher = new StopTexts([stop, "unrelated"]);
        string text = "";
        bool stopped = false;
        foreach (string piece in pieces.Split('|'))
        {
            (string certain, stopped) = matcher.Add(piece);
            text += certain;
            if (stopped)
                break;
        }
        if (!stopped)
            text += matcher.Finish();
        Assert.Equal(expected, text);
        Assert.Equal(stops, stopped);
    }

    [Fact]
    public void What_could_begin_a_stop_text_is_held_back()
    {
        var matcher = new StopTexts(["<end>"]);
        Assert.Equal(("story ", false), matcher.Add("story <e"));
        Assert.Equal(("<e", false), (matcher.Add("x").Text[..2], false));
    }
}
