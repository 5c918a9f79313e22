namespace ElmMlx.Checkpoints.Torch;

/// <summary>A list.</summary>
internal sealed class PickleList
{
    public List<object?> Items { get; } = [];
}
