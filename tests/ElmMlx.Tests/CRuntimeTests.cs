using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_device_type;

namespace ElmMlx.Tests;

/// <summary>Devices, streams, memory limits, readers, groups and errors by the C functions.</summary>
// Alone: limits, the default stream and the error handler are the process's or the thread's.
[Collection(GradientCollection.Name)]
public sealed unsafe class CRuntimeTests
{
    private static string? s_error;
    private static int s_nFreed;

    private delegate int Limit(nuint* former, nuint bytes);

    [Fact]
    public void Devices_are_compared_copied_and_named()
    {
        RuntimeLoader.EnsureLoaded();
        mlx_device cpu = Mlx.mlx_device_new_type(MLX_CPU, 0), other = Mlx.mlx_device_new_type(MLX_GPU, 0);
        Assert.False(Mlx.mlx_device_equal(cpu, other));
        NativeArena.Check(Mlx.mlx_device_set(&other, cpu));
        Assert.True(Mlx.mlx_device_equal(cpu, other));
        mlx_string text = default;
        NativeArena.Check(Mlx.mlx_device_tostring(&text, other));
        Assert.Equal("Device(cpu, 0)", Take(text));

        mlx_device former = default, now = default;
        NativeArena.Check(Mlx.mlx_get_default_device(&former));
        NativeArena.Check(Mlx.mlx_set_default_device(cpu));
        NativeArena.Check(Mlx.mlx_get_default_device(&now));
        Assert.True(Mlx.mlx_device_equal(cpu, now));
        NativeArena.Check(Mlx.mlx_set_default_device(former));
        foreach (mlx_device device in (mlx_device[])[cpu, other, former, now])
            Mlx.mlx_device_free(device);
    }

    [Fact]
    public void Facts_of_a_device_are_texts_or_sizes()
    {
        using var arena = new NativeArena();
        mlx_device cpu = Mlx.mlx_device_new_type(MLX_CPU, 0);
        mlx_device_info info = Mlx.mlx_device_info_new();
        NativeArena.Check(Mlx.mlx_device_info_get(&info, cpu));
        bool isThere;
        NativeArena.Check(Mlx.mlx_device_info_has_key(&isThere, info, arena.Text("architecture")));
        Assert.True(isThere);
        NativeArena.Check(Mlx.mlx_device_info_has_key(&isThere, info, arena.Text("no such fact")));
        Assert.False(isThere);
        nuint size;
        Assert.NotEqual(0, Mlx.mlx_device_info_get_size(&size, info, arena.Text("architecture")));
        MlxError.Take();
        Mlx.mlx_device_info_free(info);
        Mlx.mlx_device_free(cpu);
    }

    [Fact]
    public void Streams_are_made_shared_set_and_waited_for()
    {
        using var arena = new NativeArena();
        mlx_device cpu = Mlx.mlx_device_new_type(MLX_CPU, 0);
        Assert.Equal(0, (nint)Mlx.mlx_stream_new().ctx);
        mlx_stream former = default, stream = Mlx.mlx_stream_new_device(cpu), shared = default, now = default;
        NativeArena.Check(Mlx.mlx_get_default_stream(&former, cpu));
        Assert.False(Mlx.mlx_stream_equal(former, stream));
        NativeArena.Check(Mlx.mlx_stream_set(&shared, stream));
        Assert.True(Mlx.mlx_stream_equal(shared, stream));
        NativeArena.Check(Mlx.mlx_set_default_stream(stream));
        NativeArena.Check(Mlx.mlx_get_default_stream(&now, cpu));
        NativeArena.Check(Mlx.mlx_set_default_stream(former));
        Assert.True(Mlx.mlx_stream_equal(now, stream));

        mlx_array x = arena.Keep(Mlx.mlx_array_new_int(3)), square = default;
        NativeArena.Check(Mlx.mlx_square(&square, x, stream));
        NativeArena.Check(Mlx.mlx_async_eval(arena.Vector([arena.Keep(square)])));
        NativeArena.Check(Mlx.mlx_synchronize(stream));
        int value;
        NativeArena.Check(Mlx.mlx_array_item_int32(&value, square));
        Assert.Equal(9, value);
        foreach (mlx_stream each in (mlx_stream[])[former, stream, shared, now])
            Mlx.mlx_stream_free(each);
        Mlx.mlx_device_free(cpu);
    }

    [Fact]
    public void Stream_of_a_GPU_needs_one()
    {
        RuntimeLoader.EnsureLoaded();
        mlx_device gpu = Mlx.mlx_device_new_type(MLX_GPU, 0);
        bool isThere;
        NativeArena.Check(Mlx.mlx_device_is_available(&isThere, gpu));
        mlx_stream stream = Mlx.mlx_default_gpu_stream_new();
        Assert.Equal(isThere, stream.ctx is not null && MlxError.Take() is null);
        Mlx.mlx_device_free(gpu);
        if (stream.ctx is not null)
            Mlx.mlx_stream_free(stream);
    }

    [Fact]
    public void Limits_answer_their_former_value()
    {
        RuntimeLoader.EnsureLoaded();
        Former((former, bytes) => Mlx.mlx_set_memory_limit(former, bytes));
        nuint before, limit;
        NativeArena.Check(Mlx.mlx_get_memory_limit(&before));
        NativeArena.Check(Mlx.mlx_set_memory_limit(&limit, before));
        Assert.Equal(before, limit);
        if (TestProvider.IsMlx)
            return;     // without a GPU it keeps no memory and wires none: it answers 0
        Former((former, bytes) => Mlx.mlx_set_cache_limit(former, bytes));
        Former((former, bytes) => Mlx.mlx_set_wired_limit(former, bytes));
    }

    [Fact]
    public void Cleared_cache_is_empty()
    {
        using (var arena = new NativeArena())
            arena.Read(CFunction.Call(arena, "ones", [], """{"shape": [1000], "dtype": "float32"}"""));
        NativeArena.Check(Mlx.mlx_clear_cache());
        nuint bytes;
        NativeArena.Check(Mlx.mlx_get_cache_memory(&bytes));
        Assert.Equal((nuint)0, bytes);
    }

    [Fact]
    public void Readers_and_writers_know_their_descriptor_and_their_name()
    {
        RuntimeLoader.EnsureLoaded();
        var stream = new NativeStream([]);
        mlx_io_reader reader = stream.Reader();
        mlx_io_writer writer = stream.Writer();
        void* descriptor = null;
        mlx_string name = default;
        NativeArena.Check(Mlx.mlx_io_reader_descriptor(&descriptor, reader));
        Assert.Same(stream, GCHandle.FromIntPtr((nint)descriptor).Target);
        NativeArena.Check(Mlx.mlx_io_reader_tostring(&name, reader));
        Assert.Equal("memory", Take(name));
        name = default;
        NativeArena.Check(Mlx.mlx_io_writer_descriptor(&descriptor, writer));
        Assert.Same(stream, GCHandle.FromIntPtr((nint)descriptor).Target);
        NativeArena.Check(Mlx.mlx_io_writer_tostring(&name, writer));
        Assert.Equal("memory", Take(name));
        NativeArena.Check(Mlx.mlx_io_reader_free(reader));
        NativeArena.Check(Mlx.mlx_io_writer_free(writer));
        Assert.Equal(2, stream.FreeCount);
    }

    [Fact]
    public void Group_of_one_process_keeps_its_sum_and_cannot_be_split()
    {
        using var arena = new NativeArena();
        Assert.Equal(0, (nint)Mlx.mlx_distributed_group_new().ctx);
        mlx_distributed_group group = default, part = default;
        NativeArena.Check(Mlx.mlx_distributed_init(&group, false, arena.Text("any")));
        if (TestProvider.IsCpu)
            Assert.False(Mlx.mlx_distributed_is_available(arena.Text("ring")));
        else
            Mlx.mlx_distributed_is_available(arena.Text("ring"));   // as it was built
        GoldenTensor x = Numbers.Random(new(1), mlx_dtype.MLX_FLOAT32, 2, 3);
        mlx_array sum = default;
        NativeArena.Check(Mlx.mlx_distributed_sum_scatter(&sum, arena.New(x), group, arena.Stream));
        Assert.Equal(x.Doubles(), arena.Read(arena.Keep(sum)).Doubles());
        Assert.NotEqual(0, Mlx.mlx_distributed_group_split(&part, group, 0, 0));
        Assert.NotNull(MlxError.Take());
        Mlx.mlx_distributed_group_free(group);
    }

    [Fact]
    public void Errors_go_to_the_handler_that_is_set()
    {
        using var arena = new NativeArena();
        s_nFreed = 0;
        int data = 7;
        mlx_array result = default;
        Mlx.mlx_set_error_handler(&Handle, &data, &Free);
        try
        {
            Assert.Equal(1, Mlx.mlx_abs(&result, default, arena.Stream));
        }
        finally
        {
            MlxError.Install();
        }

        Assert.Contains("expected a non-empty mlx_array", s_error, StringComparison.Ordinal);
        Assert.Equal((8, 1), (data, s_nFreed));
        Assert.Null(MlxError.Take());
    }

    [Fact]
    public void Version_is_MLXs()
    {
        RuntimeLoader.EnsureLoaded();
        mlx_string version = default;
        NativeArena.Check(Mlx.mlx_version(&version));
        Assert.Matches(@"^0\.\d+\.\d+", Take(version));
    }

    [Fact]
    public void Freeing_what_there_is_none_of_does_nothing()
    {
        RuntimeLoader.EnsureLoaded();
        NativeArena.Check(Mlx.mlx_function_exporter_free(default));
        NativeArena.Check(Mlx.mlx_imported_function_free(default));
        Mlx.mlx_fast_metal_kernel_config_free(default);
        Mlx.mlx_fast_metal_kernel_free(default);
        Mlx.mlx_fast_cuda_kernel_config_free(default);
        Mlx.mlx_fast_cuda_kernel_free(default);
        Assert.Null(MlxError.Take());
    }

    private static void Former(Limit set)
    {
        const nuint gibibyte = 1 << 30;
        nuint first, second, third;
        NativeArena.Check(set(&first, gibibyte));
        NativeArena.Check(set(&second, 2 * gibibyte));
        NativeArena.Check(set(&third, first));
        Assert.Equal((gibibyte, 2 * gibibyte), (second, third));
    }

    private static string? Take(mlx_string text)
    {
        string? result = Marshal.PtrToStringUTF8((nint)Mlx.mlx_string_data(text));
        Mlx.mlx_string_free(text);
        return result;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Handle(byte* message, void* data)
    {
        ++*(int*)data;
        s_error = Marshal.PtrToStringUTF8((nint)message);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(void* data) => s_nFreed++;
}
