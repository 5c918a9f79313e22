namespace ElmMlx.Text;

/// <summary>Is told of the matches of a pattern, in order.</summary>
internal interface IMatchSink
{
    void Match(int start, int length);
}
