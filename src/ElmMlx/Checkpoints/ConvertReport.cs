using ElmMlx.OpenElm;

namespace ElmMlx.Checkpoints;

/// <summary>What a conversion found and did.</summary>
public sealed record ConvertReport
{
    /// <summary>What the input is, in words.</summary>
    public required string Source { get; init; }

    /// <summary>The model that was written.</summary>
    public required OpenElmConfig Config { get; init; }

    /// <summary>Tensors read and written.</summary>
    public required (int Before, int After) Tensors { get; init; }

    /// <summary>Weights of the model that was read and of the one that was written.</summary>
    public required (long Before, long After) Parameters { get; init; }

    /// <summary>Element types of the matrices, for example <c>float16</c> and <c>4-bit</c>.</summary>
    public required (string Before, string After) Types { get; init; }

    /// <summary>Bytes of all tensors read and written.</summary>
    public required (long Before, long After) Bytes { get; init; }

    /// <summary>Bits a weight in the output, scales and biases included.</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>Adapters that were merged or kept; null when there were none.</summary>
    public string? Adapter { get; init; }

    /// <summary>The matrices that adapters were merged into.</summary>
    public IReadOnlyList<MergedMatrix> Merged { get; init; } = [];

    /// <summary>The tokenizer's files that were copied.</summary>
    public IReadOnlyList<string> Tokenizer { get; init; } = [];

    /// <summary>What is worth knowing.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>What may be a mistake.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Seconds from opening the input to the finished output.</summary>
    public double Seconds { get; init; }

    /// <summary>The comparison of both ends, when it was asked for.</summary>
    public ConversionCheckResult? Check { get; init; }
}
