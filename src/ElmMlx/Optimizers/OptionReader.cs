namespace ElmMlx.Optimizers;

/// <summary>Takes options out of a dictionary one by one; what is left at the end is unknown.</summary>
internal sealed class OptionReader
{
    private readonly string _owner;
    private readonly IReadOnlyDictionary<string, object?> _options;
    private readonly List<string> _known = [];
    private readonly HashSet<string> _skipped = [];

    /// <param name="owner">Whose options they are, for messages: <c>the optimizer adam</c>.</param>
    /// <param name="options">By name; null means not given.</param>
    public OptionReader(string owner, IReadOnlyDictionary<string, object?> options)
    {
        _owner = owner;
        _options = options;
    }

    /// <summary>Accepts an option that says what the others belong to.</summary>
    public void Skip(string name) => _skipped.Add(name);

    public double? OptionalNumber(string name) =>
        Find(name) is { } value ? OptionValue.Number(value) ?? throw Wrong(name, value, "a number") : null;

    public double Number(string name, double fallback) => OptionalNumber(name) ?? fallback;

    public double Number(string name) => OptionalNumber(name) ?? throw Missing(name);

    public long Whole(string name, long fallback) => Find(name) is { } value ? Whole(name, value) : fallback;

    public long Whole(string name) => Whole(name, Find(name) ?? throw Missing(name));

    public bool Flag(string name, bool fallback) =>
        Find(name) is { } value ? OptionValue.Flag(value) ?? throw Wrong(name, value, "true or false") : fallback;

    public string? OptionalText(string name) =>
        Find(name) is { } value ? value as string ?? throw Wrong(name, value, "a text") : null;

    public (double, double) Pair(string name, (double, double) fallback) => Find(name) switch
    {
        null => fallback,
        IReadOnlyList<object?> { Count: 2 } list
            when OptionValue.Number(list[0]) is { } first && OptionValue.Number(list[1]) is { } second =>
                (first, second),
        object value => throw Wrong(name, value, "a list of two numbers"),
    };

    public IReadOnlyList<object?> List(string name)
    {
        object value = Find(name) ?? throw Missing(name);
        return value as IReadOnlyList<object?> ?? throw Wrong(name, value, "a list");
    }

    public IEnumerable<long> Wholes(string name) => List(name).Select(value => Whole(name, value));

    /// <exception cref="ArgumentException">There is an option that nothing asked for.</exception>
    public void Finish()
    {
        foreach (string name in _options.Keys)
            if (!_known.Contains(name) && !_skipped.Contains(name))
                throw new ArgumentException(
                    $"{_owner} has no option '{name}': it knows {string.Join(", ", _known)}");
    }

    private object? Find(string name)
    {
        _known.Add(name);
        return OptionValue.Plain(_options.GetValueOrDefault(name));
    }

    private long Whole(string name, object? value) =>
        OptionValue.Number(value) is { } number && number == Math.Floor(number) && Math.Abs(number) <= 1L << 53
            ? (long)number
            : throw Wrong(name, value, "a whole number");

    private ArgumentException Missing(string name) => new($"{_owner} needs {name}");

    private ArgumentException Wrong(string name, object? value, string wanted) =>
        new($"{_owner}: {name} is {OptionValue.Text(value)}, not {wanted}");
}
