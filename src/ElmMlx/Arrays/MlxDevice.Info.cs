using ElmMlx.Bindings;

namespace ElmMlx;

// What a provider says about a device, and Metal's and CUDA's own questions.
public sealed unsafe partial record MlxDevice
{
    /// <summary>Whether the provider computes with Metal.</summary>
    public static bool IsMetalAvailable
    {
        get
        {
            RuntimeLoader.EnsureLoaded();
            return Checked.mlx_metal_is_available();
        }
    }

    /// <summary>Whether the provider computes with CUDA.</summary>
    public static bool IsCudaAvailable
    {
        get
        {
            RuntimeLoader.EnsureLoaded();
            return Checked.mlx_cuda_is_available();
        }
    }

    /// <summary>All that the provider says about the device: texts, and numbers as <see cref="long"/>.</summary>
    /// <exception cref="MlxException">The device is not there.</exception>
    public IReadOnlyDictionary<string, object> Info
    {
        get
        {
            RuntimeLoader.EnsureLoaded();
            Dictionary<string, object> facts = [];
            mlx_device device = ToNative();
            mlx_device_info info = Checked.mlx_device_info_new();
            try
            {
                Checked.mlx_device_info_get(&info, device);
                mlx_vector_string keys = Checked.mlx_vector_string_new();
                Checked.mlx_device_info_get_keys(&keys, info);
                foreach (string key in NativeText.Take(keys))
                    facts.Add(key, Fact(info, key));
                return facts;
            }
            finally
            {
                Checked.mlx_device_info_free(info);
                Checked.mlx_device_free(device);
            }
        }
    }

    /// <summary>Writes what Metal does from now on to a <c>.gputrace</c>.</summary>
    /// <exception cref="MlxException">There is no Metal, or the file exists.</exception>
    public static void StartMetalCapture(string path)
    {
        RuntimeLoader.EnsureLoaded();
        fixed (byte* file = NativeText.Of("path", path))
            Checked.mlx_metal_start_capture(file);
    }

    /// <summary>Ends what <see cref="StartMetalCapture"/> began.</summary>
    /// <exception cref="MlxException">There is no Metal.</exception>
    public static void StopMetalCapture()
    {
        RuntimeLoader.EnsureLoaded();
        Checked.mlx_metal_stop_capture();
    }

    private static object Fact(mlx_device_info info, string key)
    {
        bool isText = false;
        byte* text = null;
        nuint number = 0;
        fixed (byte* name = NativeText.Of("key", key))
        {
            Checked.mlx_device_info_is_string(&isText, info, name);
            if (isText && Checked.mlx_device_info_get_string(&text, info, name))
                return NativeText.Read(text);
            Checked.mlx_device_info_get_size(&number, info, name);
            return (long)number;
        }
    }
}
