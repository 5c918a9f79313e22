namespace ElmMlx;

/// <summary>Who computes.</summary>
public enum ProviderKind
{
    /// <summary>Apple's MLX, through libmlxc.</summary>
    Mlx,

    /// <summary>ElmMlx's own CPU provider, in this process.</summary>
    Cpu,
}
