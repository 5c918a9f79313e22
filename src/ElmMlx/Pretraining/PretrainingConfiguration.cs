namespace ElmMlx.Pretraining;

/// <summary>
/// A run as a CoreNet configuration describes it: the form of those that OpenELM was pretrained with.
/// </summary>
public sealed record PretrainingConfiguration
{
    /// <summary>Everything that decides the numbers.</summary>
    public required PretrainingRecipe Recipe { get; init; }

    /// <summary>What is measured and kept; the folder is left open.</summary>
    public required PretrainingOptions Options { get; init; }

    /// <summary>CoreNet's folder of the run: <c>common.results_loc</c> / <c>common.run_label</c>.</summary>
    public required string ResultsFolder { get; init; }

    /// <summary>Updates that a line of the log sums up (<c>common.log_freq</c>).</summary>
    public required int ReportEvery { get; init; }

    /// <summary>Whether a run that was interrupted goes on without being asked (<c>common.auto_resume</c>).</summary>
    public required bool ResumesByItself { get; init; }

    /// <summary>The settings that were taken, CoreNet's defaults included.</summary>
    public required IReadOnlyDictionary<string, string> Taken { get; init; }

    /// <summary>Entries of the file that say nothing here.</summary>
    public required IReadOnlyList<string> Ignored { get; init; }

    /// <summary>What is worth knowing before the run.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>Reads a configuration and looks at everything that it names.</summary>
    /// <param name="path">CoreNet's YAML.</param>
    /// <param name="inputs">What wins over it.</param>
    /// <exception cref="InvalidDataException">
    /// It is not YAML, or an entry is not what it can be; the message has the line, the name and what is allowed.
    /// </exception>
    /// <exception cref="FileNotFoundException">A file that it names is not there.</exception>
    public static PretrainingConfiguration Read(string path, PretrainingInputs? inputs = null) =>
        new PretrainingReader(path, inputs ?? new PretrainingInputs()).Read();
}
