using System.Numerics;

namespace ElmMlx.Text.Jinja;

/// <summary>Python's keys: 1, 1.0 and True are one.</summary>
internal sealed class JinjaKeys : IEqualityComparer<object>
{
    /// <summary>Stands for None, which .NET's dictionaries do not take.</summary>
    public static readonly object None = new();

    public static readonly JinjaKeys Comparer = new();

    public static object Of(object? value) => value switch
    {
        null => None,
        string or bool or BigInteger or double => value,
        JinjaUndefined undefined => throw undefined.Error(),
        JinjaSequence { Kind: JinjaSequenceKind.Tuple } =>
            throw new JinjaException("a tuple is no key in chat templates"),
        _ => throw new JinjaException($"unhashable type: {PythonText.Quote(JinjaValue.TypeName(value))}"),
    };

    public static object? ToValue(object key) => ReferenceEquals(key, None) ? null : key;

    public new bool Equals(object? x, object? y) => object.Equals(Normal(x!), Normal(y!));

    public int GetHashCode(object obj) => Normal(obj).GetHashCode();

    private static object Normal(object key) => key switch
    {
        bool flag => flag ? BigInteger.One : BigInteger.Zero,
        double number when double.IsInteger(number) => new BigInteger(number),
        _ => key,
    };
}
