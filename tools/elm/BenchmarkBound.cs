namespace ElmMlx.Tools.Elm;

/// <summary>The least time that a piece of work can take on this machine, and which limit says so.</summary>
/// <param name="Seconds">For one of what a figure counts: a token, an operation, a run.</param>
/// <param name="Limit">The limit with its unit.</param>
internal sealed record BenchmarkBound(double Seconds, string Limit);
