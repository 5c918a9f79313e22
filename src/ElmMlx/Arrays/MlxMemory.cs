namespace ElmMlx;

/// <summary>The provider's memory, in bytes.</summary>
public static unsafe class MlxMemory
{
    /// <summary>In use by arrays.</summary>
    public static long ActiveBytes => Read(&Checked.mlx_get_active_memory);

    /// <summary>The most that was in use since <see cref="ResetPeak"/>.</summary>
    public static long PeakBytes => Read(&Checked.mlx_get_peak_memory);

    /// <summary>Freed by arrays and kept for the next ones.</summary>
    public static long CacheBytes => Read(&Checked.mlx_get_cache_memory);

    /// <summary>What the provider tries to stay below.</summary>
    public static long LimitBytes => Read(&Checked.mlx_get_memory_limit);

    /// <summary>Starts a new peak at what is in use.</summary>
    public static void ResetPeak()
    {
        RuntimeLoader.EnsureLoaded();
        Checked.mlx_reset_peak_memory();
    }

    /// <summary>Gives the cache back to the system.</summary>
    public static void ClearCache()
    {
        RuntimeLoader.EnsureLoaded();
        Checked.mlx_clear_cache();
    }

    /// <summary>Sets what the provider tries to stay below.</summary>
    /// <returns>The limit before.</returns>
    public static long SetMemoryLimit(long bytes) => Set(&Checked.mlx_set_memory_limit, bytes);

    /// <summary>Sets how much freed memory is kept.</summary>
    /// <returns>The limit before.</returns>
    public static long SetCacheLimit(long bytes) => Set(&Checked.mlx_set_cache_limit, bytes);

    /// <summary>Sets how much memory stays resident for the GPU; of use on Metal only.</summary>
    /// <returns>The limit before.</returns>
    public static long SetWiredLimit(long bytes) => Set(&Checked.mlx_set_wired_limit, bytes);

    private static long Read(delegate*<nuint> function)
    {
        RuntimeLoader.EnsureLoaded();
        return (long)function();
    }

    private static long Set(delegate*<nuint, nuint> function, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        RuntimeLoader.EnsureLoaded();
        return (long)function((nuint)bytes);
    }
}
