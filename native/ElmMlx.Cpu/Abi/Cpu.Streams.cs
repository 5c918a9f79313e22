using ElmMlx.Bindings;
using static ElmMlx.Bindings.mlx_device_type;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    private static readonly ExecutionStream FirstStream = new(TheCpu, 0);

    private static int s_nStreams = 1;

    [ThreadStatic] private static ExecutionStream? s_defaultStream;

    public static mlx_stream mlx_stream_new() => default;

    public static mlx_stream mlx_stream_new_device(mlx_device dev) =>
        NewStream(new(Available("new_stream", DeviceOf(dev)), Interlocked.Increment(ref s_nStreams) - 1));

    public static int mlx_stream_set(mlx_stream* stream, mlx_stream src)
    {
        Handles.Replace(&stream->ctx, StreamOf(src), nameof(mlx_stream));
        return 0;
    }

    public static int mlx_stream_free(mlx_stream stream)
    {
        Handles.Free<ExecutionStream>(stream.ctx, nameof(mlx_stream));
        return 0;
    }

    public static int mlx_stream_tostring(mlx_string* str, mlx_stream stream)
    {
        Handles.Set(str, StreamOf(stream).ToString());
        return 0;
    }

    public static bool mlx_stream_equal(mlx_stream lhs, mlx_stream rhs) => StreamOf(lhs) == StreamOf(rhs);

    public static int mlx_stream_get_device(mlx_device* dev, mlx_stream stream)
    {
        Handles.Replace(&dev->ctx, StreamOf(stream).Device, nameof(mlx_device));
        return 0;
    }

    public static int mlx_stream_get_index(int* index, mlx_stream stream)
    {
        *index = StreamOf(stream).Index;
        return 0;
    }

    // Evaluation has finished when it returns: there is nothing to wait for.
    public static int mlx_synchronize(mlx_stream stream)
    {
        _ = StreamOf(stream);
        return 0;
    }

    public static int mlx_get_default_stream(mlx_stream* stream, mlx_device dev)
    {
        Available("default_stream", DeviceOf(dev));
        Handles.Replace(&stream->ctx, s_defaultStream ?? FirstStream, nameof(mlx_stream));
        return 0;
    }

    public static int mlx_set_default_stream(mlx_stream stream)
    {
        s_defaultStream = StreamOf(stream);
        return 0;
    }

    public static mlx_stream mlx_default_cpu_stream_new() => NewStream(s_defaultStream ?? FirstStream);

    public static mlx_stream mlx_default_gpu_stream_new() =>
        NewStream(new(Available("default_stream", new(MLX_GPU, 0)), 0));

    private static Device Available(string operation, Device device) =>
        device.Type == MLX_CPU
            ? device
            : throw new ArgumentException($"[{operation}] Cannot use gpu device without gpu backend.");

    private static ExecutionStream StreamOf(mlx_stream stream) =>
        Handles.Target<ExecutionStream>(stream.ctx, nameof(mlx_stream));

    private static mlx_stream NewStream(ExecutionStream stream) => new() { ctx = Handles.NewContext(stream) };
}
