namespace ElmMlx.Training;

/// <summary>What is kept of a run, and where.</summary>
/// <param name="Path">The folder.</param>
internal sealed record RunFolder(string Path)
{
    /// <summary>Name of the file with the trained weights, in every checkpoint.</summary>
    public string WeightsFile { get; init; } = "adapters.safetensors";

    /// <summary>Whether the newest weights lie beside the checkpoints too.</summary>
    public bool KeepsNewestBeside { get; init; } = true;

    /// <summary>Checkpoints that are kept; older ones are deleted.</summary>
    public int KeepLast { get; init; } = 3;

    /// <summary>Everything that decides the numbers of the run, by the name that a person knows it by.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Called with the folder of a checkpoint, to add files of the caller's.</summary>
    public Action<string>? WriteBeside { get; init; }
}
