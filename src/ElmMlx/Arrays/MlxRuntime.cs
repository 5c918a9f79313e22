using System.Text;

namespace ElmMlx;

/// <summary>
/// Who computes the arrays of this process. The first array decides: <c>ELMMLX_PROVIDER</c> is <c>auto</c> (MLX where
/// libmlxc is found, else the CPU provider), <c>mlx</c> or <c>cpu</c>; <c>ELMMLX_MLXC</c> names a libmlxc.
/// </summary>
public static class MlxRuntime
{
    /// <summary>The provider.</summary>
    /// <exception cref="MlxException">None could be loaded; the message says what to do.</exception>
    public static ProviderInfo Provider => RuntimeLoader.Info;

    /// <summary>The devices that it computes on.</summary>
    public static IReadOnlyList<MlxDevice> Devices => MlxDevice.All;

    /// <summary>Provider, version, devices and memory, a line each.</summary>
    public static string Describe()
    {
        ProviderInfo provider = Provider;
        StringBuilder text = new();
        text.Append(provider.Kind is ProviderKind.Mlx ? "provider   mlx" : "provider   cpu")
            .Append($" ({provider.Origin})\n");
        if (provider.Path is not null)
            text.Append($"library    {provider.Path}\n");
        text.Append($"interface  mlx-c {provider.InterfaceVersion}\n");
        if (provider.MlxVersion is not null)
            text.Append($"version    {provider.MlxVersion}\n");
        foreach (MlxDevice device in Devices)
        {
            text.Append($"device     {device}{(device.Name is { } name ? $" {name}" : "")}");
            text.Append(device.Threads is { } threads ? $", {threads} thread{(threads == 1 ? "" : "s")}\n" : "\n");
        }
        const double megabyte = 1 << 20;
        return text
            .Append($"default    {MlxDevice.Default}\n")
            .Append($"memory     {MlxMemory.ActiveBytes / megabyte:0.0} MiB active, " +
                $"{MlxMemory.CacheBytes / megabyte:0.0} MiB cached, ")
            .Append($"{MlxMemory.PeakBytes / megabyte:0.0} MiB at most")
            .ToString();
    }
}
