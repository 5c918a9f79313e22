using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>A queue of operations on a device. It belongs to the thread that made it.</summary>
public sealed unsafe class MlxStream
{
    // Streams live as long as the process: MLX keeps them itself, the handle is a few bytes.
    private readonly mlx_stream _stream;

    private MlxStream(mlx_stream stream) => _stream = stream;

    /// <summary>The stream of this thread's operations.</summary>
    public static MlxStream Default => new(ArrayThread.Current.Stream);

    /// <summary>The device it belongs to.</summary>
    public MlxDevice Device
    {
        get
        {
            mlx_device device = Checked.mlx_device_new();
            mlx_device_type kind = default;
            int index = 0;
            Checked.mlx_stream_get_device(&device, _stream);
            Checked.mlx_device_get_type(&kind, device);
            Checked.mlx_device_get_index(&index, device);
            Checked.mlx_device_free(device);
            return new MlxDevice((MlxDeviceKind)kind, index);
        }
    }

    /// <summary>Its number.</summary>
    public int Index
    {
        get
        {
            int index = 0;
            Checked.mlx_stream_get_index(&index, _stream);
            return index;
        }
    }

    /// <summary>A new stream on a device.</summary>
    public static MlxStream New(MlxDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        RuntimeLoader.EnsureLoaded();
        mlx_device native = device.ToNative();
        try
        {
            return new MlxStream(Checked.mlx_stream_new_device(native));
        }
        finally
        {
            Checked.mlx_device_free(native);
        }
    }

    /// <summary>This thread's default stream of a device.</summary>
    public static MlxStream DefaultOf(MlxDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        RuntimeLoader.EnsureLoaded();
        mlx_device native = device.ToNative();
        try
        {
            mlx_stream stream = default;
            Checked.mlx_get_default_stream(&stream, native);
            return new MlxStream(stream);
        }
        finally
        {
            Checked.mlx_device_free(native);
        }
    }

    /// <summary>As MLX prints it.</summary>
    public override string ToString()
    {
        mlx_string text = Checked.mlx_string_new();
        Checked.mlx_stream_tostring(&text, _stream);
        return NativeText.Take(text);
    }

    /// <summary>Whether both are the same queue.</summary>
    public override bool Equals(object? obj) =>
        obj is MlxStream other && Checked.mlx_stream_equal(_stream, other._stream);

    /// <inheritdoc/>
    public override int GetHashCode() => Index;

    /// <summary>Waits until everything in the stream has run.</summary>
    public void Synchronize() => Checked.mlx_synchronize(_stream);

    /// <summary>Makes this the stream of this thread's operations.</summary>
    /// <returns>Dispose of it to go back to the stream before.</returns>
    public IDisposable Use() => new Usage(_stream);

    /// <summary>The CPU's stream of this thread: files are read on a CPU only.</summary>
    internal static mlx_stream CpuHandle => Checked.mlx_default_cpu_stream_new();

    /// <summary>The stream that a thread starts with: the GPU's where there is one, else the CPU's.</summary>
    internal static mlx_stream DefaultHandle()
    {
        if (RuntimeLoader.Info.Kind is ProviderKind.Cpu)
            return Checked.mlx_default_cpu_stream_new();
        mlx_device device = Checked.mlx_device_new();
        mlx_stream stream = default;
        Checked.mlx_get_default_device(&device);
        Checked.mlx_get_default_stream(&stream, device);
        Checked.mlx_device_free(device);
        return stream;
    }

    private sealed class Usage : IDisposable
    {
        private readonly ArrayThread _thread = ArrayThread.Current;
        private readonly mlx_stream _before;

        public Usage(mlx_stream stream)
        {
            _before = _thread.Stream;
            _thread.Stream = stream;
        }

        public void Dispose() => _thread.Stream = _before;
    }
}
