using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Values that C may be given or not.</summary>
internal static class Optional
{
    public static mlx_optional_int Of(int? value) => new() { value = value ?? 0, has_value = value.HasValue };

    public static mlx_optional_float Of(float? value) => new() { value = value ?? 0, has_value = value.HasValue };

    public static mlx_optional_dtype Of(DType? value) =>
        new() { value = (mlx_dtype)(value ?? 0), has_value = value.HasValue };
}
