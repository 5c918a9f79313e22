namespace ElmMlx;

/// <summary>Who computes, and where from.</summary>
/// <param name="Kind">MLX or the CPU provider.</param>
/// <param name="Path">The file of libmlxc; null for the CPU provider.</param>
/// <param name="Origin">How it was found, in words.</param>
/// <param name="InterfaceVersion">The version of the C interface.</param>
/// <param name="MlxVersion">MLX's version; null where it does not say.</param>
public sealed record ProviderInfo(
    ProviderKind Kind, string? Path, string Origin, string InterfaceVersion, string? MlxVersion);
