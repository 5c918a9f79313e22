using System.Globalization;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A device that computes: <c>cpu:0</c>, <c>gpu:0</c>.</summary>
/// <param name="Kind">CPU or GPU.</param>
/// <param name="Index">The place among those of its kind.</param>
public sealed unsafe partial record MlxDevice(MlxDeviceKind Kind, int Index = 0)
{
    /// <summary>The first CPU.</summary>
    public static MlxDevice Cpu { get; } = new(MlxDeviceKind.Cpu);

    /// <summary>The first GPU.</summary>
    public static MlxDevice Gpu { get; } = new(MlxDeviceKind.Gpu);

    /// <summary>The device of this thread's operations.</summary>
    public static MlxDevice Default => MlxStream.Default.Device;

    /// <summary>The devices that are there.</summary>
    public static IReadOnlyList<MlxDevice> All
    {
        get
        {
            RuntimeLoader.EnsureLoaded();
            List<MlxDevice> devices = [];
            foreach (MlxDeviceKind kind in (ReadOnlySpan<MlxDeviceKind>)[MlxDeviceKind.Gpu, MlxDeviceKind.Cpu])
            {
                int count = 0;
                Checked.mlx_device_count(&count, (mlx_device_type)kind);
                for (int i = 0; i < count; i++)
                    devices.Add(new MlxDevice(kind, i));
            }

            return devices;
        }
    }

    /// <summary>Whether the provider can compute on it.</summary>
    public bool IsAvailable
    {
        get
        {
            RuntimeLoader.EnsureLoaded();
            mlx_device device = ToNative();
            bool available = false;
            Checked.mlx_device_is_available(&available, device);
            Checked.mlx_device_free(device);
            return available;
        }
    }

    /// <summary>What the provider calls it, such as the GPU's name; null where it does not say.</summary>
    public string? Name => Fact("device_name\0"u8);

    /// <summary>Threads that compute on it; null where the provider does not say.</summary>
    public int? Threads =>
        int.TryParse(Fact("threads\0"u8), CultureInfo.InvariantCulture, out int count) ? count : null;

    /// <summary>Makes this device that of this thread's operations.</summary>
    /// <returns>Dispose of it to go back to the device before.</returns>
    /// <exception cref="MlxException">The device is not there.</exception>
    public IDisposable Use() => MlxStream.DefaultOf(this).Use();

    /// <summary>As in <c>gpu:0</c>.</summary>
    public override string ToString() => $"{(Kind is MlxDeviceKind.Cpu ? "cpu" : "gpu")}:{Index}";

    internal mlx_device ToNative() => Checked.mlx_device_new_type((mlx_device_type)Kind, Index);

    /// <summary>What the provider says about this device.</summary>
    /// <param name="key">The fact, with a zero at its end.</param>
    private string? Fact(ReadOnlySpan<byte> key)
    {
        RuntimeLoader.EnsureLoaded();
        mlx_device device = ToNative();
        mlx_device_info info = Checked.mlx_device_info_new();
        try
        {
            Checked.mlx_device_info_get(&info, device);
            byte* value = null;
            fixed (byte* name = key)
                return Checked.mlx_device_info_get_string(&value, info, name)
                    ? Marshal.PtrToStringUTF8((nint)value)
                    : null;
        }
        catch (MlxException)
        {
            return null; // a provider may know nothing about a device
        }
        finally
        {
            _ = Mlx.mlx_device_info_free(info);
            Checked.mlx_device_free(device);
        }
    }
}
