using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>What an <c>mlx_device</c> names.</summary>
internal sealed record Device(mlx_device_type Type, int Index)
{
    public override string ToString() => $"Device({(Type == mlx_device_type.MLX_CPU ? "cpu" : "gpu")}, {Index})";
}
