using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// Tests that take gradients, or set what the whole process shares: one after another, and nothing beside them. MLX
/// refuses to evaluate on one thread while it transforms on another.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class GradientCollection
{
    public const string Name = "Gradients";
}
