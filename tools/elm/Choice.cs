using System.CommandLine;

namespace ElmMlx.Tools.Elm;

/// <summary>Options whose values come from a short list.</summary>
internal static class Choice
{
    /// <summary><c>--dtype</c>: one of the dtypes that weights have.</summary>
    public static Option<string> DType(string description)
    {
        Option<string> option = new("--dtype") { Description = description, HelpName = "float16|bfloat16|float32" };
        return option.AcceptOnlyFromAmong("float16", "bfloat16", "float32");
    }

    /// <summary>The dtype of a name that was accepted; null for none.</summary>
    public static DType? DTypeOf(string? name) => name is null ? null : DTypes.Parse(name);
}
