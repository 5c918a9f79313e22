namespace ElmMlx.Tests;

/// <summary>A C function whose derivatives are checked at one point.</summary>
/// <param name="Operation">Without <c>mlx_</c>.</param>
/// <param name="Arguments">All that are no arrays, as JSON.</param>
/// <param name="Inputs">One an array parameter.</param>
internal sealed record GradientCase(string Operation, string Arguments, params GradientInput[] Inputs)
{
    /// <summary>Why only the CPU provider's derivatives are checked; null where MLX's are right too.</summary>
    public string? WrongInMlx { get; init; }

    /// <summary>Why MLX's second derivatives are not checked; null where they are.</summary>
    public string? NoSecondInMlx { get; init; }

    /// <summary>Why MLX's tangents are not checked; null where they are.</summary>
    public string? NoTangentInMlx { get; init; }

    public override string ToString() => Arguments == "{}" ? Operation : $"{Operation} {Arguments}";
}
