namespace ElmMlx.Checkpoints.Torch;

/// <summary>A tuple, or a <c>torch.Size</c>.</summary>
internal sealed record PickleTuple(object?[] Items);
