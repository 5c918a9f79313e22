namespace ElmMlx.Text.Jinja;

/// <summary>Why a template cannot go on, in a sentence without its place.</summary>
internal sealed class JinjaException : Exception
{
    /// <param name="reason">The reason.</param>
    /// <param name="line">The line, where no run knows it; 0 otherwise.</param>
    public JinjaException(string reason, int line = 0)
        : base(reason) => Line = line;

    public int Line { get; }
}
