namespace ElmMlx.Checkpoints;

/// <summary>CoreNet's names of tensors, and those of mlx-lm and Hugging Face.</summary>
internal static class TensorNames
{
    private const string Prefix = "transformer.";
    private const string CoreNetHead = "classifier.";
    private const string MlxLmHead = "lm_head.";

    public static string ToCoreNet(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..]
        : name.StartsWith(MlxLmHead, StringComparison.Ordinal) ? CoreNetHead + name[MlxLmHead.Length..]
        : name;

    /// <summary>The name of a tensor or a module.</summary>
    public static string ToMlxLm(string name) =>
        name == "classifier" ? "lm_head"
        : name.StartsWith(CoreNetHead, StringComparison.Ordinal) ? MlxLmHead + name[CoreNetHead.Length..]
        : Prefix + name;
}
