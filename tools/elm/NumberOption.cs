using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace ElmMlx.Tools.Elm;

/// <summary>Options that take a number within bounds; a number outside them is wrong usage.</summary>
internal static class NumberOption
{
    /// <summary>A number with a default.</summary>
    /// <param name="name">The option's name.</param>
    /// <param name="value">The default.</param>
    /// <param name="description">What it does.</param>
    /// <param name="range">What it must be, as in "0 or more".</param>
    /// <param name="holds">Whether a number is in the range.</param>
    /// <param name="aliases">Other names.</param>
    public static Option<T> Create<T>(
        string name, T value, string description, string range, Func<T, bool> holds, params string[] aliases)
        where T : struct, INumber<T> => new(name, aliases)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => value,
            CustomParser = argument => Parse(argument, name, range, holds),
        };

    /// <summary>A number that may be left out.</summary>
    /// <inheritdoc cref="Create"/>
    public static Option<T?> Optional<T>(string name, string description, string range, Func<T, bool> holds)
        where T : struct, INumber<T> => new(name)
        {
            Description = description,
            HelpName = "N",
            CustomParser = argument => Parse(argument, name, range, holds),
        };

    private static T Parse<T>(ArgumentResult argument, string name, string range, Func<T, bool> holds)
        where T : struct, INumber<T>
    {
        string text = argument.Tokens[^1].Value;
        if (!T.TryParse(text, CultureInfo.InvariantCulture, out T number) || T.IsNaN(number) || !holds(number))
            argument.AddError($"{name} is {(text.Length > 0 ? text : "empty")}; it must be {range}.");
        return number;
    }
}
