using ElmMlx.Weights;

namespace ElmMlx.Checkpoints.Torch;

/// <summary>A name from the allow-list.</summary>
/// <param name="Kind">What it stands for.</param>
/// <param name="Type">The element type of a storage class or a dtype; null is raw bytes.</param>
/// <param name="Name">The name in the file, for messages.</param>
internal sealed record PickleGlobal(PickleGlobalKind Kind, TensorType? Type, string Name);
