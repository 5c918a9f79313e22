namespace ElmMlx.Pretraining;

/// <summary>What is given beside a configuration, and wins over it.</summary>
public sealed record PretrainingInputs
{
    /// <summary>Settings by CoreNet's dotted names, as YAML.</summary>
    public IReadOnlyList<(string Key, string Value)> Overrides { get; init; } = [];

    /// <summary>The tokenizer's file or folder; null: the configuration names it.</summary>
    public string? TokenizerPath { get; init; }

    /// <summary>
    /// A JSON file that describes a model whose name CoreNet does not know; null looks beside the configuration, for
    /// <c>&lt;its name&gt;.architecture.json</c> and <c>architecture.json</c>.
    /// </summary>
    public string? Architecture { get; init; }

    /// <summary>
    /// Weights to begin with, a checkpoint or a model folder; null: <c>common.finetune</c>, or new ones.
    /// </summary>
    public string? From { get; init; }

    /// <summary>Counts documents that cannot be read and goes on, instead of ending with the first one.</summary>
    public bool SkipBadDocuments { get; init; }
}
