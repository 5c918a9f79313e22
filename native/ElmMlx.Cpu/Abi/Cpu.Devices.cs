using System.Globalization;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_device_type;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    private static readonly Device TheCpu = new(MLX_CPU, 0);

    public static mlx_device mlx_device_new() => default;

    public static mlx_device mlx_device_new_type(mlx_device_type type, int index) =>
        new() { ctx = Handles.NewContext(new Device(type, index)) };

    public static int mlx_device_free(mlx_device dev)
    {
        Handles.Free<Device>(dev.ctx, nameof(mlx_device));
        return 0;
    }

    public static int mlx_device_set(mlx_device* dev, mlx_device src)
    {
        Handles.Replace(&dev->ctx, DeviceOf(src), nameof(mlx_device));
        return 0;
    }

    public static int mlx_device_tostring(mlx_string* str, mlx_device dev)
    {
        Handles.Set(str, DeviceOf(dev).ToString());
        return 0;
    }

    public static bool mlx_device_equal(mlx_device lhs, mlx_device rhs) => DeviceOf(lhs) == DeviceOf(rhs);

    public static int mlx_device_get_index(int* index, mlx_device dev)
    {
        *index = DeviceOf(dev).Index;
        return 0;
    }

    public static int mlx_device_get_type(mlx_device_type* type, mlx_device dev)
    {
        *type = DeviceOf(dev).Type;
        return 0;
    }

    public static int mlx_get_default_device(mlx_device* dev)
    {
        Handles.Replace(&dev->ctx, TheCpu, nameof(mlx_device));
        return 0;
    }

    public static int mlx_set_default_device(mlx_device dev)
    {
        if (DeviceOf(dev).Type != MLX_CPU)
            throw new ArgumentException("[set_default_device] Cannot set gpu device without gpu backend.");
        return 0;
    }

    public static int mlx_device_is_available(bool* avail, mlx_device dev)
    {
        *avail = DeviceOf(dev) == TheCpu;
        return 0;
    }

    public static int mlx_device_count(int* count, mlx_device_type type)
    {
        *count = type == MLX_CPU ? 1 : 0;
        return 0;
    }

    public static mlx_device_info mlx_device_info_new() => default;

    public static int mlx_device_info_get(mlx_device_info* info, mlx_device dev)
    {
        if (DeviceOf(dev) != TheCpu)
            throw new ArgumentException(
                $"[device_info] {DeviceOf(dev)} is not there: this provider has Device(cpu, 0).");
        var facts = new TextMap<Utf8Text>();
        facts.Set("architecture", new Utf8Text(ArchitectureName()));
        facts.Set("device_name", new Utf8Text(CpuName()));
        facts.Set("threads", new Utf8Text(WorkerPool.ThreadCount.ToString(CultureInfo.InvariantCulture)));
        Handles.Replace(&info->ctx, facts, nameof(mlx_device_info));
        return 0;
    }

    public static int mlx_device_info_free(mlx_device_info info)
    {
        Handles.Free<TextMap<Utf8Text>>(info.ctx, nameof(mlx_device_info));
        return 0;
    }

    public static int mlx_device_info_has_key(bool* exists, mlx_device_info info, byte* key)
    {
        *exists = Facts(info).Get(Handles.Text(key)) is not null;
        return 0;
    }

    public static int mlx_device_info_is_string(bool* is_string, mlx_device_info info, byte* key) =>
        mlx_device_info_has_key(is_string, info, key);

    public static int mlx_device_info_get_string(byte** value, mlx_device_info info, byte* key)
    {
        if (Facts(info).Get(Handles.Text(key)) is not { } text)
            return NotFound;
        *value = text.Pointer;
        return 0;
    }

    public static int mlx_device_info_get_size(nuint* value, mlx_device_info info, byte* key)
    {
        _ = Facts(info);
        return NotFound;    // every fact about this device is a text
    }

    public static int mlx_device_info_get_keys(mlx_vector_string* keys, mlx_device_info info)
    {
        var names = new List<Utf8Text>();
        TextMap<Utf8Text>.Iterator facts = Facts(info).Iterate();
        while (facts.MoveNext())
            names.Add(facts.Key);
        return SetTexts(keys, names);
    }

    public static int mlx_metal_is_available(bool* res)
    {
        *res = false;
        return 0;
    }

    public static int mlx_cuda_is_available(bool* res)
    {
        *res = false;
        return 0;
    }

    public static int mlx_metal_start_capture(byte* path) =>
        throw new InvalidOperationException("[metal::start_capture] There is no Metal on this provider.");

    public static int mlx_metal_stop_capture() =>
        throw new InvalidOperationException("[metal::stop_capture] There is no Metal on this provider.");

    private static Device DeviceOf(mlx_device dev) => Handles.Target<Device>(dev.ctx, nameof(mlx_device));

    private static TextMap<Utf8Text> Facts(mlx_device_info info) =>
        Handles.Target<TextMap<Utf8Text>>(info.ctx, nameof(mlx_device_info));

    private static string CpuName()
    {
        const string ModelName = "model name";
        try
        {
            foreach (string line in File.ReadLines("/proc/cpuinfo"))
            {
                if (line.StartsWith(ModelName, StringComparison.Ordinal))
                    return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not Linux, or a sandbox without /proc: the architecture is all there is to say.
        }

        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER")
            ?? ArchitectureName();
    }

    // As the system itself calls it.
    private static string ArchitectureName() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => "x86_64",
        Architecture.Arm64 => OperatingSystem.IsLinux() ? "aarch64" : "arm64",
        var other => other.ToString().ToLowerInvariant(),
    };
}
