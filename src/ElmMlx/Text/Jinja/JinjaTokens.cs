using System.Runtime.CompilerServices;

namespace ElmMlx.Text.Jinja;

/// <summary>The tokens of a template, and where its parser stands.</summary>
internal sealed class JinjaTokens
{
    private const int MaxDepth = 200;
    private const int MaxLinks = 1000;

    private readonly List<JinjaToken> _tokens;
    private int _place;
    private int _depth;

    public JinjaTokens(List<JinjaToken> tokens) => _tokens = tokens;

    public JinjaToken Current => _tokens[_place];

    public JinjaToken Ahead => _tokens[Math.Min(_place + 1, _tokens.Count - 1)];

    public int Line => Current.Line;

    public JinjaToken Next()
    {
        var token = Current;
        if (_place < _tokens.Count - 1)
            _place++;
        return token;
    }

    public bool SkipName(string name) => Skip(Current.IsName(name));

    public bool SkipOperator(string text) => Skip(Current.IsOperator(text));

    public void ExpectOperator(string text)
    {
        if (!SkipOperator(text))
            throw Unexpected($"'{text}'");
    }

    public void Expect(JinjaTokenKind kind)
    {
        if (!Skip(Current.Kind == kind))
            throw Unexpected($"'{new JinjaToken(kind, "", 0).Description}'");
    }

    public string ExpectName() => Current.Kind == JinjaTokenKind.Name ? Next().Value : throw Unexpected("'name'");

    public JinjaException Unexpected(string? expected) => Error(
        expected is null ? $"unexpected '{Shown}'" : $"expected token {expected}, got '{Shown}'");

    public JinjaException Error(string reason) => new(reason, Line);

    /// <summary>Parses what may hold itself, only so deep.</summary>
    public T Nested<T>(Func<T> parse)
    {
        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Error("it is nested too deeply");
        var result = parse();
        _depth--;
        return result;
    }

    /// <summary>Counts the links of a chain: each holds those before it, so they nest too.</summary>
    public void Link(ref int links)
    {
        if (++links > MaxLinks)
            throw Error($"an expression chains more than {MaxLinks} operations");
    }

    public string Shown => Current.Description.Length <= 60 ? Current.Description : Current.Description[..60] + "…";

    private bool Skip(bool isIt)
    {
        if (isIt)
            Next();
        return isIt;
    }
}
