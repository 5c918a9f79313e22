namespace ElmMlx.Text.Jinja;

internal sealed partial class JinjaParser
{
    private static readonly string[] Comparisons = ["==", "!=", "<", "<=", ">", ">="];

    private JinjaExpression Expression() => _tokens.Nested(Conditional);

    private JinjaExpression Conditional()
    {
        var value = Or();
        var links = 0;
        while (_tokens.Current.IsName("if"))
        {
            _tokens.Link(ref links);
            var (line, chosen) = (_tokens.Next().Line, value);
            var test = Or();
            var otherwise = _tokens.SkipName("else") ? Expression() : null;
            value = At(line, scope => JinjaValue.IsTrue(test(scope)) ? chosen(scope) : otherwise is not null
                ? otherwise(scope)
                : new JinjaUndefined(
                    $"the inline if-expression on line {line} evaluated to false and no else section was defined."));
        }
        return value;
    }

    private JinjaExpression Or()
    {
        var left = And();
        var links = 0;
        while (_tokens.Current.IsName("or"))
        {
            _tokens.Link(ref links);
            var (line, first) = (_tokens.Next().Line, left);
            var second = And();
            left = At(line, scope => first(scope) is var value && JinjaValue.IsTrue(value) ? value : second(scope));
        }
        return left;
    }

    private JinjaExpression And()
    {
        var left = Not();
        var links = 0;
        while (_tokens.Current.IsName("and"))
        {
            _tokens.Link(ref links);
            var (line, first) = (_tokens.Next().Line, left);
            var second = Not();
            left = At(line, scope => first(scope) is var value && JinjaValue.IsTrue(value) ? second(scope) : value);
        }
        return left;
    }

    private JinjaExpression Not()
    {
        if (!_tokens.Current.IsName("not"))
            return Comparison();
        var line = _tokens.Next().Line;
        var value = _tokens.Nested(Not);
        return At(line, scope => !JinjaValue.IsTrue(value(scope)));
    }

    // a < b < c compares both pairs, and stops at the first that is not so.
    private JinjaExpression Comparison()
    {
        var line = _tokens.Line;
        var first = Sum();
        var links = new List<(string Name, JinjaExpression Value)>();
        while (true)
        {
            string name;
            if (_tokens.Current.Kind == JinjaTokenKind.Operator && Comparisons.Contains(_tokens.Current.Value))
                name = _tokens.Next().Value;
            else if (_tokens.SkipName("in"))
                name = "in";
            else if (_tokens.Current.IsName("not") && _tokens.Ahead.IsName("in"))
            {
                name = "not in";
                _tokens.Next();
                _tokens.Next();
            }
            else
                break;
            links.Add((name, Sum()));
        }
        if (links.Count == 0)
            return first;
        return At(line, scope =>
        {
            var left = first(scope);
            foreach (var (name, value) in links)
            {
                var right = value(scope);
                if (!JinjaOperators.Compare(scope.Run, name, left, right))
                    return false;
                left = right;
            }
            return true;
        });
    }

    private JinjaExpression Sum() => LeftToRight(Joined, "+", "-");

    private JinjaExpression Joined()
    {
        var line = _tokens.Line;
        List<JinjaExpression> parts = [Product()];
        while (_tokens.SkipOperator("~"))
            parts.Add(Product());
        return parts.Count == 1 ? parts[0] : At(line, scope => PythonStringMethods.Join(
            scope.Run, "", [.. parts.Select(object? (part) => JinjaPrinter.Text(scope.Run, part(scope)))]));
    }

    private JinjaExpression Product() => LeftToRight(Power, "*", "/", "//", "%");

    private JinjaExpression Power() => LeftToRight(() => Signed(withFilters: true), "**");

    private JinjaExpression LeftToRight(Func<JinjaExpression> parse, params string[] names)
    {
        var left = parse();
        var links = 0;
        while (_tokens.Current.Kind == JinjaTokenKind.Operator && names.Contains(_tokens.Current.Value))
        {
            _tokens.Link(ref links);
            var (token, first) = (_tokens.Next(), left);
            var second = parse();
            left = At(token.Line, scope =>
            {
                var (x, y) = (first(scope), second(scope));
                scope.Run.Line = token.Line;
                return JinjaOperators.Binary(scope.Run, token.Value, x, y);
            });
        }
        return left;
    }

    private JinjaExpression Signed(bool withFilters)
    {
        JinjaExpression value;
        if (_tokens.Current.IsOperator("-") || _tokens.Current.IsOperator("+"))
        {
            var token = _tokens.Next();
            var operand = _tokens.Nested(() => Signed(withFilters: false));
            value = At(token.Line, scope => JinjaOperators.Unary(token.Value, operand(scope)));
        }
        else
            value = Primary();
        value = Postfix(value);
        return withFilters ? Filtered(value) : value;
    }

    // Values with commas between, with or without parentheses around.
    private JinjaExpression Tuple(bool isInParentheses = false, bool withCondition = true)
    {
        var line = _tokens.Line;
        var items = new List<JinjaExpression>();
        var isTuple = false;
        while (!IsTupleEnd())
        {
            items.Add(withCondition ? Expression() : _tokens.Nested(Or));
            if (!_tokens.SkipOperator(","))
                break;
            isTuple = true;
        }
        if (!isTuple && items.Count == 1)
            return items[0];
        if (items.Count == 0 && !isInParentheses)
            throw _tokens.Error($"Expected an expression, got '{_tokens.Shown}'");
        return At(line, scope =>
        {
            scope.Run.SpendItems(items.Count);
            return JinjaSequence.Tuple([.. items.Select(item => item(scope))]);
        });
    }

    private bool IsTupleEnd() => _tokens.Current.Kind is JinjaTokenKind.VariableEnd or JinjaTokenKind.BlockEnd
        || _tokens.Current.IsOperator(")") || _tokens.Current.IsName("recursive");

    // Counts a step, and says where the run stands.
    private static JinjaExpression At(int line, JinjaExpression value) => scope =>
    {
        scope.Run.Step(line);
        return value(scope);
    };
}
