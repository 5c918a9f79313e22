using System.CommandLine;
using System.Globalization;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// Options that <see cref="RunSettings"/> reads: what the command line leaves out, the YAML file or a default says.
/// </summary>
internal static class SettingOption
{
    public static Option<string?> Text(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value };

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    public static Option<string?> OneOf(string name, string description, params string[] words)
    {
        Option<string?> option = new(name) { Description = description, HelpName = string.Join('|', words) };
        option.AcceptOnlyFromAmong(words);
        return option;
    }

    public static Option<int?> Whole(string name, string description, int least) => NumberOption.Optional<int>(
        name, description,
        least == int.MinValue ? "a whole number" : string.Create(CultureInfo.InvariantCulture, $"{least} or more"),
        number => number >= least);

    public static Option<double?> Number(string name, string description) => NumberOption.Optional<double>(
        name, description, "0 or more", number => number >= 0 && double.IsFinite(number));
}
