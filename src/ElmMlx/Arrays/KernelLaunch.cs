namespace ElmMlx;

/// <summary>How a kernel of one's own runs: its outputs, its threads and its template's arguments.</summary>
public sealed record KernelLaunch
{
    /// <summary>The shape of each output.</summary>
    public required IReadOnlyList<int[]> OutputShapes { get; init; }

    /// <summary>The dtype of each output.</summary>
    public required IReadOnlyList<DType> OutputDTypes { get; init; }

    /// <summary>Threads along three axes.</summary>
    public required IntOrTriple Grid { get; init; }

    /// <summary>Threads of a group along three axes.</summary>
    public required IntOrTriple ThreadGroup { get; init; }

    /// <summary>What the outputs hold before the kernel runs; null: anything.</summary>
    public float? InitialValue { get; init; }

    /// <summary>Whether the kernel's generated source is printed.</summary>
    public bool Verbose { get; init; }

    /// <summary>Dtypes for the template's parameters.</summary>
    public IReadOnlyDictionary<string, DType> DTypeArguments { get; init; } = new Dictionary<string, DType>();

    /// <summary>Numbers for the template's parameters.</summary>
    public IReadOnlyDictionary<string, int> NumberArguments { get; init; } = new Dictionary<string, int>();

    /// <summary>Truth values for the template's parameters.</summary>
    public IReadOnlyDictionary<string, bool> BoolArguments { get; init; } = new Dictionary<string, bool>();
}
