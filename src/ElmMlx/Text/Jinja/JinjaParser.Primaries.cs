using System.Globalization;
using System.Numerics;

namespace ElmMlx.Text.Jinja;

internal sealed partial class JinjaParser
{
    private JinjaExpression Primary()
    {
        var token = _tokens.Current;
        switch (token.Kind)
        {
            case JinjaTokenKind.Name:
                return Name(_tokens.Next());
            case JinjaTokenKind.Text:
                var text = _tokens.Next().Value;
                while (_tokens.Current.Kind == JinjaTokenKind.Text)
                    text += _tokens.Next().Value;
                return _ => text;
            case JinjaTokenKind.Integer:
                object whole = ReadInteger(_tokens.Next());
                return _ => whole;
            case JinjaTokenKind.Float:
                object number = double.Parse(_tokens.Next().Value, CultureInfo.InvariantCulture);
                return _ => number;
        }
        if (_tokens.SkipOperator("("))
        {
            var inner = _tokens.Nested(() => Tuple(isInParentheses: true));
            _tokens.ExpectOperator(")");
            return inner;
        }
        if (token.IsOperator("["))
            return List();
        return token.IsOperator("{") ? Mapping() : throw _tokens.Unexpected(null);
    }

    private JinjaExpression Name(JinjaToken token)
    {
        switch (token.Value)
        {
            case "true" or "True":
                return _ => true;
            case "false" or "False":
                return _ => false;
            case "none" or "None":
                return _ => null;
            default:
                _names.Add(token.Value);
                return scope => scope.Get(token.Value);
        }
    }

    private BigInteger ReadInteger(JinjaToken token) => token.Value.Length <= 1000
        ? BigInteger.Parse(token.Value, CultureInfo.InvariantCulture)
        : throw _tokens.Error("a number has more than 1000 digits");

    private JinjaExpression List()
    {
        var line = _tokens.Next().Line;
        var items = new List<JinjaExpression>();
        while (!_tokens.SkipOperator("]"))
        {
            if (items.Count > 0)
                _tokens.ExpectOperator(",");
            if (_tokens.SkipOperator("]"))
                break;
            items.Add(Expression());
        }
        return At(line, scope =>
        {
            scope.Run.SpendItems(items.Count);
            return JinjaSequence.List([.. items.Select(item => item(scope))]);
        });
    }

    private JinjaExpression Mapping()
    {
        var line = _tokens.Next().Line;
        var entries = new List<(JinjaExpression Key, JinjaExpression Value)>();
        while (!_tokens.SkipOperator("}"))
        {
            if (entries.Count > 0)
                _tokens.ExpectOperator(",");
            if (_tokens.SkipOperator("}"))
                break;
            var key = Expression();
            _tokens.ExpectOperator(":");
            entries.Add((key, Expression()));
        }
        return At(line, scope =>
        {
            scope.Run.SpendItems(4L * entries.Count);
            var mapping = new JinjaMapping();
            foreach (var (key, value) in entries)
                mapping.Set(key(scope), value(scope));
            return mapping;
        });
    }

    private JinjaExpression Postfix(JinjaExpression value, bool withCalls = true)
    {
        for (var links = 0; ; _tokens.Link(ref links))
        {
            if (_tokens.Current.IsOperator("."))
                value = Attribute(value);
            else if (_tokens.Current.IsOperator("["))
                value = Subscript(value);
            else if (withCalls && _tokens.Current.IsOperator("("))
                value = Call(value);
            else
                return value;
        }
    }

    private JinjaExpression Filtered(JinjaExpression value)
    {
        for (var links = 0; ; _tokens.Link(ref links))
        {
            if (_tokens.Current.IsOperator("|"))
                value = Filter(value);
            else if (_tokens.Current.IsName("is"))
                value = Test(value);
            else if (_tokens.Current.IsOperator("("))
                value = Call(value);
            else
                return value;
        }
    }

    private JinjaExpression Attribute(JinjaExpression owner)
    {
        var line = _tokens.Next().Line;
        if (_tokens.Current.Kind == JinjaTokenKind.Integer)
        {
            object place = ReadInteger(_tokens.Next());
            return At(line, scope => JinjaAccess.Item(scope.Run, owner(scope), place));
        }
        var name = _tokens.Current.Kind == JinjaTokenKind.Name
            ? _tokens.Next().Value
            : throw _tokens.Error("expected name or number");
        return At(line, scope =>
        {
            var value = owner(scope);
            scope.Run.Line = line;
            return JinjaAccess.Attribute(value, name);
        });
    }

    private JinjaExpression Subscript(JinjaExpression owner)
    {
        var line = _tokens.Next().Line;
        JinjaExpression? stop = null, step = null;
        var start = _tokens.Current.IsOperator(":") ? null : Expression();
        if (start is not null && _tokens.SkipOperator("]"))
            return At(line, scope => JinjaAccess.Item(scope.Run, owner(scope), start(scope)));
        _tokens.ExpectOperator(":");
        if (!_tokens.Current.IsOperator(":") && !_tokens.Current.IsOperator("]"))
            stop = Expression();
        if (_tokens.SkipOperator(":") && !_tokens.Current.IsOperator("]"))
            step = Expression();
        _tokens.ExpectOperator("]");
        return At(line, scope => JinjaAccess.Slice(
            scope.Run, owner(scope), start?.Invoke(scope), stop?.Invoke(scope), step?.Invoke(scope)));
    }

    private JinjaExpression Call(JinjaExpression callee)
    {
        var line = _tokens.Line;
        var arguments = Arguments();
        return At(line, scope =>
        {
            var callable = Callable(callee(scope));
            var given = arguments(scope);
            scope.Run.Line = line;
            return callable.Call(scope.Run, given);
        });
    }

    private static JinjaCallable Callable(object? value) => value switch
    {
        JinjaCallable callable => callable,
        JinjaUndefined undefined => throw undefined.Error(),
        _ => throw new JinjaException($"{PythonText.Quote(JinjaValue.TypeName(value))} object is not callable"),
    };

    private JinjaExpression Filter(JinjaExpression value)
    {
        var line = _tokens.Next().Line;
        return NamedFilter(value, line);
    }

    private JinjaExpression NamedFilter(JinjaExpression value, int line)
    {
        var name = _tokens.ExpectName();
        while (_tokens.SkipOperator("."))
            name += "." + _tokens.ExpectName();
        var arguments = _tokens.Current.IsOperator("(") ? Arguments() : null;
        return At(line, scope =>
        {
            var filter = JinjaFilters.Find(name);
            var first = value(scope);
            var given = arguments is null ? JinjaArguments.Of(first) : arguments(scope).After(first);
            scope.Run.Line = line;
            return filter.Call(scope.Run, given);
        });
    }

    private JinjaExpression Test(JinjaExpression value)
    {
        var line = _tokens.Next().Line;
        var isNegated = _tokens.SkipName("not");
        var name = _tokens.ExpectName();
        Func<JinjaScope, JinjaArguments>? arguments = null;
        if (_tokens.Current.IsOperator("("))
            arguments = Arguments();
        else if (IsTestArgument())
        {
            if (_tokens.Current.IsName("is"))
                throw _tokens.Error("You cannot chain multiple tests with is");
            var operand = _tokens.Nested(() => Postfix(Primary()));
            arguments = scope => JinjaArguments.Of(operand(scope));
        }
        return At(line, scope =>
        {
            var test = JinjaTests.Find(name);
            var first = value(scope);
            var given = arguments is null ? JinjaArguments.Of(first) : arguments(scope).After(first);
            scope.Run.Line = line;
            return JinjaValue.IsTrue(test.Call(scope.Run, given)) != isNegated;
        });
    }

    private bool IsTestArgument() => _tokens.Current.Kind switch
    {
        JinjaTokenKind.Name => _tokens.Current.Value is not ("else" or "or" or "and"),
        JinjaTokenKind.Text or JinjaTokenKind.Integer or JinjaTokenKind.Float => true,
        _ => _tokens.Current.IsOperator("[") || _tokens.Current.IsOperator("{"),
    };

    // (a, *b, c=d, **e)
    private Func<JinjaScope, JinjaArguments> Arguments()
    {
        _tokens.ExpectOperator("(");
        var positional = new List<(bool IsRow, JinjaExpression Value)>();
        var named = new List<(string? Name, JinjaExpression Value)>();
        while (!_tokens.SkipOperator(")"))
        {
            if (positional.Count + named.Count > 0)
                _tokens.ExpectOperator(",");
            if (_tokens.SkipOperator(")"))
                break;
            if (_tokens.SkipOperator("**"))
                named.Add((null, Expression()));
            else if (_tokens.Current.Kind == JinjaTokenKind.Name && _tokens.Ahead.IsOperator("="))
            {
                var name = _tokens.Next().Value;
                _tokens.Next();
                named.Add((name, Expression()));
            }
            else if (named.Count == 0)
                positional.Add((_tokens.SkipOperator("*"), Expression()));
            else
                throw _tokens.Error("invalid syntax for function call expression");
        }
        return scope => Evaluate(scope, positional, named);
    }

    private static JinjaArguments Evaluate(
        JinjaScope scope, List<(bool IsRow, JinjaExpression Value)> positional,
        List<(string? Name, JinjaExpression Value)> named)
    {
        var values = new List<object?>();
        foreach (var (isRow, value) in positional)
            values.AddRange(isRow ? JinjaValue.Iterate(scope.Run, value(scope)) : [value(scope)]);
        var names = new Dictionary<string, object?>();
        foreach (var (name, value) in named)
        {
            if (name is not null)
                Add(name, value(scope));
            else if (value(scope) is JinjaMapping mapping)
                foreach (var (key, item) in mapping.Entries)
                    Add(key as string ?? throw new JinjaException("keywords must be strings"), item);
            else
                throw new JinjaException("argument after ** must be a mapping");
        }
        scope.Run.SpendItems(values.Count + names.Count);
        return new JinjaArguments([.. values], names);

        void Add(string name, object? value)
        {
            if (!names.TryAdd(name, value))
                throw new JinjaException($"got multiple values for keyword argument {PythonText.Quote(name)}");
        }
    }
}
