namespace ElmMlx.Text.Jinja;

/// <summary>
/// Jinja2's grammar as far as chat templates go: tokens to functions of a scope. Names and messages are Jinja2's.
/// </summary>
internal sealed partial class JinjaParser
{
    private readonly JinjaTokens _tokens;
    private HashSet<string> _names = [];
    private int _loops;

    private JinjaParser(JinjaTokens tokens) => _tokens = tokens;

    /// <exception cref="JinjaException">It is not Jinja2's grammar; with the line.</exception>
    public static JinjaStatement Parse(string template)
    {
        var parser = new JinjaParser(new JinjaTokens(JinjaLexer.Read(template)));
        return parser.Body(null);
    }

    // Everything up to one of the tags that end it, whose name is the current token then.
    private JinjaStatement Body(JinjaToken? opened, params string[] ends) => _tokens.Nested(() =>
    {
        var statements = new List<JinjaStatement>();
        while (true)
        {
            switch (_tokens.Current.Kind)
            {
                case JinjaTokenKind.Data:
                    var text = _tokens.Next().Value;
                    statements.Add(scope =>
                    {
                        scope.Run.Write(text);
                        return JinjaFlow.Next;
                    });
                    break;
                case JinjaTokenKind.VariableBegin:
                    _tokens.Next();
                    statements.Add(Print());
                    break;
                case JinjaTokenKind.BlockBegin:
                    _tokens.Next();
                    if (_tokens.Current.Kind == JinjaTokenKind.Name && ends.Contains(_tokens.Current.Value))
                        return InOrder([.. statements]);
                    statements.Add(Statement());
                    break;
                default:
                    return opened is not { } open ? InOrder([.. statements]) : throw _tokens.Error(
                        $"Unexpected end of template. Jinja was looking for the following tags: " +
                        $"'{string.Join("' or '", ends)}'. The innermost block that needs to be closed is " +
                        $"'{open.Value}', opened on line {open.Line}.");
            }
        }
    });

    private static JinjaStatement InOrder(JinjaStatement[] statements) => scope =>
    {
        foreach (var statement in statements)
            if (statement(scope) is not JinjaFlow.Next and var flow)
                return flow;
        return JinjaFlow.Next;
    };

    private JinjaStatement Print()
    {
        var line = _tokens.Line;
        var value = Tuple();
        _tokens.Expect(JinjaTokenKind.VariableEnd);
        return Run(line, scope => scope.Run.Write(JinjaPrinter.Text(scope.Run, value(scope))));
    }

    private JinjaStatement Statement()
    {
        var tag = _tokens.Current.Kind == JinjaTokenKind.Name
            ? _tokens.Next()
            : throw _tokens.Error("tag name expected");
        switch (tag.Value)
        {
            case "if":
                return If(tag);
            case "for":
                return For(tag);
            case "set":
                return Set(tag);
            case "macro":
                return Macro(tag);
            case "call":
                return CallBlock(tag);
            case "filter":
                return FilterBlock(tag);
            case "with":
                return With(tag);
            case "generation":
                return Generation(tag);
            case "print":
                return PrintTag(tag);
            case "break" or "continue":
                if (_loops == 0)
                    throw _tokens.Error($"'{tag.Value}' outside loop");
                _tokens.Expect(JinjaTokenKind.BlockEnd);
                return _ => tag.Value == "break" ? JinjaFlow.Break : JinjaFlow.Continue;
            case "include" or "import" or "from" or "extends" or "block":
                throw _tokens.Error($"the tag '{tag.Value}' is not supported: a chat template stands alone");
            default:
                throw _tokens.Error($"Encountered unknown tag {PythonText.Quote(tag.Value)}.");
        }
    }

    // {% name %} behind a body; its name is the current token.
    private void End()
    {
        _tokens.Next();
        _tokens.Expect(JinjaTokenKind.BlockEnd);
    }

    private static JinjaStatement Run(int line, Action<JinjaScope> action) => scope =>
    {
        scope.Run.Step(line);
        action(scope);
        return JinjaFlow.Next;
    };
}
