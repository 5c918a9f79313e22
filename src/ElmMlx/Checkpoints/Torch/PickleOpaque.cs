namespace ElmMlx.Checkpoints.Torch;

/// <summary>A value that says nothing to us, such as <c>torch.device('cpu')</c>.</summary>
internal sealed record PickleOpaque(string Name);
