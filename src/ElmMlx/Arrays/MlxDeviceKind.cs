namespace ElmMlx;

/// <summary>The kinds of devices; the numbers are those of <c>mlx_device_type</c>.</summary>
public enum MlxDeviceKind
{
    /// <summary>A processor.</summary>
    Cpu,

    /// <summary>A graphics processor: Metal or CUDA.</summary>
    Gpu,
}
