using System.CommandLine;

namespace ElmMlx.Tools.Elm;

/// <summary>Options whose values come from a short list.</summary>
internal static class Choice
{
    /// <summary>An option that takes one of some words.</summary>
    public static Option<string> Create(string name, string description, params string[] words)
    {
        Option<string> option = new(name) { Description = description, HelpName = string.Join('|', words) };
        option.CompletionSources.Add(words);
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is { } word && !words.Contains(word))
                result.AddError($"{name} is {word}; it must be one of {string.Join(", ", words)}.");
        });
        return option;
    }

    /// <summary><c>--dtype</c>: one of the dtypes that weights have.</summary>
    public static Option<string> DType(string description) =>
        Create("--dtype", description, "float16", "bfloat16", "float32");

    /// <summary>The dtype of a name that was accepted; null for none.</summary>
    public static DType? DTypeOf(string? name) => name is null ? null : DTypes.Parse(name);
}
