namespace ElmMlx.Text.Jinja;

internal sealed partial class JinjaParser
{
    // The name under which filters find what a block wrote; no template can say it.
    private const string Written = "{written}";

    private JinjaStatement If(JinjaToken tag)
    {
        var branches = new List<(JinjaExpression Test, JinjaStatement Body)>();
        JinjaStatement? otherwise = null;
        var isElse = false;
        while (true)
        {
            var test = isElse ? null : Tuple(withCondition: false);
            _tokens.Expect(JinjaTokenKind.BlockEnd);
            var body = isElse ? Body(tag, "endif") : Body(tag, "elif", "else", "endif");
            if (test is null)
                otherwise = body;
            else
                branches.Add((test, body));
            if (_tokens.Current.IsName("endif"))
                break;
            isElse = _tokens.Next().IsName("else");
        }
        End();
        return scope =>
        {
            scope.Run.Step(tag.Line);
            foreach (var (test, body) in branches)
                if (JinjaValue.IsTrue(test(scope)))
                    return body(scope);
            return otherwise?.Invoke(scope) ?? JinjaFlow.Next;
        };
    }

    private JinjaStatement For(JinjaToken tag)
    {
        var target = Target(hasAttributes: false);
        if (!_tokens.SkipName("in"))
            throw _tokens.Unexpected("'in'");
        var items = Tuple(withCondition: false);
        var filter = _tokens.SkipName("if") ? Expression() : null;
        var isRecursive = _tokens.SkipName("recursive");
        _tokens.Expect(JinjaTokenKind.BlockEnd);
        _loops++;
        var body = Body(tag, "endfor", "else");
        _loops--;
        JinjaStatement? otherwise = null;
        if (_tokens.Current.IsName("else"))
        {
            End();
            otherwise = Body(tag, "endfor");
        }
        End();
        var loop = new JinjaForLoop(tag.Line, target, filter, body, otherwise, isRecursive);
        return scope =>
        {
            scope.Run.Step(tag.Line);
            return loop.Run(scope, items(scope), 0);
        };
    }

    private JinjaStatement Set(JinjaToken tag)
    {
        var target = Target(hasAttributes: true);
        if (_tokens.SkipOperator("="))
        {
            var value = Tuple();
            _tokens.Expect(JinjaTokenKind.BlockEnd);
            return Run(tag.Line, scope => target(scope, value(scope)));
        }
        JinjaExpression written = scope => scope.Get(Written);
        while (_tokens.Current.IsOperator("|"))
            written = Filter(written);
        _tokens.Expect(JinjaTokenKind.BlockEnd);
        var body = Body(tag, "endset");
        End();
        return Run(tag.Line, scope => target(scope, Rewritten(scope, scope.Inner(), body, written)));
    }

    private JinjaStatement FilterBlock(JinjaToken tag)
    {
        // The first filter has no bar in front.
        var written = NamedFilter(scope => scope.Get(Written), _tokens.Line);
        while (_tokens.Current.IsOperator("|"))
            written = Filter(written);
        _tokens.Expect(JinjaTokenKind.BlockEnd);
        var body = Body(tag, "endfilter");
        End();
        return Run(tag.Line, scope => scope.Run.Write(
            JinjaPrinter.Text(scope.Run, Rewritten(scope, scope.Inner(), body, written))));
    }

    private static object? Rewritten(JinjaScope scope, JinjaScope inner, JinjaStatement body, JinjaExpression written)
    {
        var text = scope.Run.Capture(() => body(inner));
        var outer = scope.Inner();
        outer.Set(Written, text);
        return written(outer);
    }

    private JinjaStatement With(JinjaToken tag)
    {
        var values = new List<(JinjaTarget Target, JinjaExpression Value)>();
        while (_tokens.Current.Kind != JinjaTokenKind.BlockEnd)
        {
            if (values.Count > 0)
                _tokens.ExpectOperator(",");
            var target = Target(hasAttributes: false);
            _tokens.ExpectOperator("=");
            values.Add((target, Expression()));
        }
        _tokens.Expect(JinjaTokenKind.BlockEnd);
        var body = Body(tag, "endwith");
        End();
        return scope =>
        {
            var inner = scope.Inner();
            foreach (var (target, value) in values)
                target(inner, value(scope));
            return body(inner);
        };
    }

    private JinjaStatement PrintTag(JinjaToken tag)
    {
        var values = new List<JinjaExpression>();
        while (_tokens.Current.Kind != JinjaTokenKind.BlockEnd)
        {
            if (values.Count > 0)
                _tokens.ExpectOperator(",");
            values.Add(Expression());
        }
        _tokens.Expect(JinjaTokenKind.BlockEnd);
        return Run(tag.Line, scope =>
            values.ForEach(value => scope.Run.Write(JinjaPrinter.Text(scope.Run, value(scope)))));
    }

    // Marks the assistant's part for transformers' masks; writes what it holds.
    private JinjaStatement Generation(JinjaToken tag)
    {
        _tokens.Expect(JinjaTokenKind.BlockEnd);
        var body = Body(tag, "endgeneration");
        End();
        return scope => body(scope.Inner());
    }

    private JinjaStatement Macro(JinjaToken tag)
    {
        var name = _tokens.ExpectName();
        var parameters = Parameters();
        var (body, names) = MacroBody(tag, "endmacro");
        return Run(tag.Line, scope => scope.Set(name, new JinjaMacro(name, parameters, names, body, scope)));
    }

    private JinjaStatement CallBlock(JinjaToken tag)
    {
        var parameters = _tokens.Current.IsOperator("(") ? Parameters() : [];
        var callee = Postfix(Primary(), withCalls: false);
        var arguments = Arguments();
        var (body, names) = MacroBody(tag, "endcall");
        return Run(tag.Line, scope =>
        {
            var callable = Callable(callee(scope));
            var given = arguments(scope);
            var caller = new JinjaMacro("caller", parameters, names, body, scope);
            var named = new Dictionary<string, object?>(given.Named) { ["caller"] = caller };
            scope.Run.Line = tag.Line;
            scope.Run.Write(JinjaPrinter.Text(scope.Run, callable.Call(scope.Run, given with { Named = named })));
        });
    }

    private (JinjaStatement Body, HashSet<string> Names) MacroBody(JinjaToken tag, string end)
    {
        _tokens.Expect(JinjaTokenKind.BlockEnd);
        var (outerNames, outerLoops) = (_names, _loops);
        (_names, _loops) = ([], 0);
        var body = Body(tag, end);
        End();
        var names = _names;
        outerNames.UnionWith(names);
        (_names, _loops) = (outerNames, outerLoops);
        return (body, names);
    }

    private (string Name, JinjaExpression? Default)[] Parameters()
    {
        var parameters = new List<(string Name, JinjaExpression? Default)>();
        _tokens.ExpectOperator("(");
        while (!_tokens.SkipOperator(")"))
        {
            if (parameters.Count > 0)
                _tokens.ExpectOperator(",");
            if (_tokens.SkipOperator(")"))
                break;
            var name = _tokens.ExpectName();
            var fallback = _tokens.SkipOperator("=") ? Expression() : null;
            if (fallback is null && parameters is [.., { Default: not null }])
                throw _tokens.Error("non-default argument follows default argument");
            parameters.Add((name, fallback));
        }
        return [.. parameters];
    }

    // A name, names with commas between or in parentheses, or a namespace's attribute.
    private JinjaTarget Target(bool hasAttributes)
    {
        var targets = new List<JinjaTarget>();
        var isTuple = false;
        while (_tokens.Current.Kind == JinjaTokenKind.Name || _tokens.Current.IsOperator("("))
        {
            targets.Add(SingleTarget(hasAttributes));
            if (!_tokens.SkipOperator(","))
                break;
            isTuple = true;
        }
        if (targets.Count == 0)
            throw _tokens.Unexpected("'name'");
        return isTuple ? (scope, value) => Unpack(scope, value, targets) : targets[0];
    }

    private JinjaTarget SingleTarget(bool hasAttributes)
    {
        if (_tokens.SkipOperator("("))
        {
            var inner = _tokens.Nested(() => Target(hasAttributes));
            _tokens.ExpectOperator(")");
            return inner;
        }
        var name = _tokens.ExpectName();
        if (name is "true" or "True" or "false" or "False" or "none" or "None")
            throw _tokens.Error($"can't assign to '{name}'");
        if (!hasAttributes || !_tokens.SkipOperator("."))
            return (scope, value) => scope.Set(name, value);
        var attribute = _tokens.ExpectName();
        return (scope, value) => ((scope.Get(name) as JinjaNamespace)
            ?? throw new JinjaException("cannot assign attribute on non-namespace object")).Attributes[attribute] =
                value;
    }

    private static void Unpack(JinjaScope scope, object? value, List<JinjaTarget> targets)
    {
        var items = JinjaValue.Iterate(scope.Run, value);
        if (items.Length != targets.Count)
            throw new JinjaException(items.Length > targets.Count
                ? $"too many values to unpack (expected {targets.Count})"
                : $"not enough values to unpack (expected {targets.Count}, got {items.Length})");
        for (var i = 0; i < items.Length; i++)
            targets[i](scope, items[i]);
    }
}
