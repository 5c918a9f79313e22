namespace ElmMlx.Checkpoints;

/// <summary>A matrix that an adapter was merged into.</summary>
/// <param name="Name">Its name in the output, for example <c>transformer.layers.3.attn.qkv_proj</c>.</param>
/// <param name="Before">Its elements in the input: <c>bfloat16</c>, <c>4-bit</c>.</param>
/// <param name="After">Its elements in the output.</param>
/// <param name="RelativeError">
/// How much of what the adapter changes was lost in writing: the norm of the error over the norm of the change.
/// 0: nothing; 1: as much as if it had not been merged.
/// </param>
public sealed record MergedMatrix(string Name, string Before, string After, double RelativeError);
