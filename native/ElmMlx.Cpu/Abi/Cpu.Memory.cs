namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static int mlx_clear_cache()
    {
        Allocator.ClearCache();
        return 0;
    }

    public static int mlx_get_active_memory(nuint* res) => Return(res, Allocator.ActiveBytes);

    public static int mlx_get_cache_memory(nuint* res) => Return(res, Allocator.CacheBytes);

    public static int mlx_get_memory_limit(nuint* res) => Return(res, Allocator.MemoryLimitBytes);

    public static int mlx_get_peak_memory(nuint* res) => Return(res, Allocator.PeakBytes);

    public static int mlx_reset_peak_memory()
    {
        Allocator.ResetPeak();
        return 0;
    }

    public static int mlx_set_cache_limit(nuint* res, nuint limit) =>
        Return(res, Allocator.SetCacheLimit(Bytes(limit)));

    public static int mlx_set_memory_limit(nuint* res, nuint limit) =>
        Return(res, Allocator.SetMemoryLimit(Bytes(limit)));

    public static int mlx_set_wired_limit(nuint* res, nuint limit) =>
        Return(res, Allocator.SetWiredLimit(Bytes(limit)));

    private static int Return(nuint* result, long value)
    {
        *result = (nuint)value;
        return 0;
    }

    private static long Bytes(nuint limit) => limit > long.MaxValue ? long.MaxValue : (long)limit;
}
