using System.Text.RegularExpressions;

namespace ElmMlx.Tests;

/// <summary>A C function answered with an error.</summary>
internal sealed partial class RefusedException(string text) : Exception(text)
{
    /// <summary>The function that the CPU provider does not have; null when the refusal has another reason.</summary>
    public string? NotImplemented => NotImplementedText().Match(Message) is { Success: true } match
        ? match.Groups[1].Value
        : null;

    [GeneratedRegex(@"^\[cpu\] (mlx_\w+) is not implemented")]
    private static partial Regex NotImplementedText();
}
