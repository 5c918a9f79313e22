using System.Text.Json.Serialization;

namespace ElmMlx.BindingsGenerator;

/// <summary>Where a C function stands in Python and in C#: a row of <c>bindings/csharp.json</c>.</summary>
public sealed record FunctionMapping
{
    /// <summary>MLX's Python name, as in <c>mx.linalg.inv</c>; none where Python has no such function.</summary>
    [JsonPropertyName("python")]
    public string? Python { get; init; }

    /// <summary>The public member that calls it, or several with commas; <c>.ctor</c> is a constructor.</summary>
    [JsonPropertyName("csharp")]
    public string? CSharp { get; init; }

    /// <summary>Why no public member stands for it, and which ones use it or do without it.</summary>
    [JsonPropertyName("internal")]
    public string? Internal { get; init; }

    /// <summary>What it needs that a CPU has not; none where the CPU provider has it.</summary>
    [JsonPropertyName("cpu")]
    public string? Cpu { get; init; }
}
