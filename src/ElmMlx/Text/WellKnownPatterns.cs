using System.Text.RegularExpressions;

namespace ElmMlx.Text;

/// <summary>
/// The patterns that nearly every byte-level tokenizer has, compiled at build time. They are written once more in
/// .NET's dialect: ignoring case, Oniguruma also takes <c>ſ</c> (U+017F) for <c>s</c>.
/// </summary>
internal static partial class WellKnownPatterns
{
    private const string Gpt2Pattern =
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const string Contractions = @"'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]";
    private const string Rest = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string SourceContractions = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+";

    /// <summary>The pattern of a byte-level pre-tokenizer that has none of its own.</summary>
    public static SplitPattern Gpt2Split { get; } = SplitPattern.FromRegex(Gpt2Pattern);

    /// <summary>
    /// The compiled form of a pattern as files write it; null where it is not one of these.
    /// </summary>
    public static Regex? Find(string pattern) => pattern switch
    {
        Gpt2Pattern => Gpt2(),
        SourceContractions + @"|\p{N}{1,3}" + Rest => Llama3(),
        SourceContractions + @"|\p{N}" + Rest => Qwen(),
        _ => null,
    };

    [GeneratedRegex(Gpt2Pattern, RegexOptions.CultureInvariant)]
    private static partial Regex Gpt2();

    [GeneratedRegex(
        Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + Rest, RegexOptions.CultureInvariant)]
    private static partial Regex Llama3();

    [GeneratedRegex(
        Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + Rest, RegexOptions.CultureInvariant)]
    private static partial Regex Qwen();
}
