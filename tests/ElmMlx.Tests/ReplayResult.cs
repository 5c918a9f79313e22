namespace ElmMlx.Tests;

/// <summary>What came of replaying a case: nothing to say when it passed.</summary>
internal sealed class ReplayResult
{
    /// <summary>Functions that the provider lacks, so that a part of the case could not be replayed.</summary>
    public HashSet<string> NotImplemented { get; } = [];

    /// <summary>What is wrong.</summary>
    public List<string> Failures { get; } = [];

    public void Fail(string text) => Failures.Add(text);

    public void Note(string? difference, string? where = null)
    {
        if (difference is not null)
            Failures.Add(where is null ? difference : $"{where}: {difference}");
    }

    public void Refuse(RefusedException refused)
    {
        if (refused.NotImplemented is { } function)
            NotImplemented.Add(function);
        else
            Failures.Add($"refused: {refused.Message}");
    }
}
