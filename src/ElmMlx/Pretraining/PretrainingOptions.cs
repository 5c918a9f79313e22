using ElmMlx.Datasets;

namespace ElmMlx.Pretraining;

/// <summary>What a pretraining run measures and keeps; it decides nothing about the numbers.</summary>
public sealed record PretrainingOptions
{
    /// <summary>Where checkpoints and <c>metrics.jsonl</c> are written; null writes nothing.</summary>
    public string? Folder { get; init; }

    /// <summary>Updates between checkpoints; 0 makes only the one at the end.</summary>
    public long SaveEvery { get; init; }

    /// <summary>Checkpoints that are kept; older ones are deleted.</summary>
    public int KeepLast { get; init; } = 5;

    /// <summary>The files that evaluations measure; null for none.</summary>
    public CoreNetDataOptions? Validation { get; init; }

    /// <summary>Updates between evaluations; 0 makes only those before and after training.</summary>
    public long EvaluateEvery { get; init; }

    /// <summary>Batches of an evaluation, always the same; −1 takes all.</summary>
    public int ValidationBatches { get; init; } = -1;

    /// <summary>Updates in a row that may be left out because of NaN or infinity; the next one ends the run.</summary>
    public int MaxSkippedInARow { get; init; } = 4;

    /// <summary>
    /// Everything that decides the numbers of the run, by the name that a person knows it by. A run is resumed only
    /// with the same settings.
    /// </summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
