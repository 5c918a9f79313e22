namespace ElmMlx.Text.Jinja;

/// <summary><c>{% for %}</c>: every item has a scope of its own.</summary>
internal sealed class JinjaForLoop
{
    private readonly int _line;
    private readonly JinjaTarget _target;
    private readonly JinjaExpression? _filter;
    private readonly JinjaStatement _body;
    private readonly JinjaStatement? _otherwise;
    private readonly bool _isRecursive;

    /// <param name="line">Where it stands.</param>
    /// <param name="target">What an item is assigned to.</param>
    /// <param name="filter">Which items it takes; null for all.</param>
    /// <param name="body">What is done with each.</param>
    /// <param name="otherwise">What is done where there are none.</param>
    /// <param name="isRecursive">Whether <c>loop()</c> may be called.</param>
    public JinjaForLoop(
        int line, JinjaTarget target, JinjaExpression? filter, JinjaStatement body, JinjaStatement? otherwise,
        bool isRecursive)
    {
        _line = line;
        _target = target;
        _filter = filter;
        _body = body;
        _otherwise = otherwise;
        _isRecursive = isRecursive;
    }

    public JinjaFlow Run(JinjaScope scope, object? value, int depth)
    {
        scope.Run.Line = _line;
        var items = Taken(scope, JinjaValue.Iterate(scope.Run, value));
        var loop = new JinjaLoop(items, depth, _isRecursive ? Recurse : null);
        for (var i = 0; i < items.Length; i++)
        {
            scope.Run.Step(_line);
            loop.Index = i;
            var inner = scope.Inner();
            inner.Set("loop", loop);
            _target(inner, items[i]);
            if (_body(inner) == JinjaFlow.Break)
                break;
        }
        if (items.Length == 0)
            return _otherwise?.Invoke(scope.Inner()) ?? JinjaFlow.Next;
        return JinjaFlow.Next;

        string Recurse(JinjaRun run, object? children, int deeper) => run.Capture(() => Run(scope, children, deeper));
    }

    private object?[] Taken(JinjaScope scope, object?[] items)
    {
        if (_filter is null)
            return items;
        scope.Run.SpendItems(items.Length);
        return [.. items.Where(item =>
        {
            var inner = scope.Inner();
            _target(inner, item);
            return JinjaValue.IsTrue(_filter(inner));
        })];
    }
}
