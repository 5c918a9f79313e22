using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>Scalars and filled arrays by the C functions that C# has no use for.</summary>
public sealed unsafe class CScalarTests
{
    private static int s_nFreed;

    private delegate int Setter(mlx_array* array);

    public static TheoryData<mlx_dtype, int> Sizes => new()
    {
        { MLX_BOOL, 1 }, { MLX_UINT8, 1 }, { MLX_UINT16, 2 }, { MLX_UINT32, 4 }, { MLX_UINT64, 8 }, { MLX_INT8, 1 },
        { MLX_INT16, 2 }, { MLX_INT32, 4 }, { MLX_INT64, 8 }, { MLX_FLOAT16, 2 }, { MLX_FLOAT32, 4 },
        { MLX_FLOAT64, 8 }, { MLX_BFLOAT16, 2 }, { MLX_COMPLEX64, 8 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Dtypes_have_sizes(mlx_dtype type, int bytes)
    {
        RuntimeLoader.EnsureLoaded();
        Assert.Equal((nuint)bytes, Mlx.mlx_dtype_size(type));
    }

    [Fact]
    public void Scalars_have_the_dtype_of_their_C_type()
    {
        using var arena = new NativeArena();
        Assert.Equal(0, (nint)Mlx.mlx_array_new().ctx);
        Is(arena, MLX_BOOL, 1, Mlx.mlx_array_new_bool(true));
        Is(arena, MLX_INT32, -7, Mlx.mlx_array_new_int(-7));
        Is(arena, MLX_FLOAT32, 1.5, Mlx.mlx_array_new_float32(1.5f));
        Is(arena, MLX_FLOAT32, 2.5, Mlx.mlx_array_new_float(2.5f));
        Is(arena, MLX_FLOAT64, 0.1, Mlx.mlx_array_new_float64(0.1));
        Is(arena, MLX_FLOAT64, 0.2, Mlx.mlx_array_new_double(0.2));
    }

    [Fact]
    public void Setters_give_a_handle_another_array()
    {
        using var arena = new NativeArena();
        IsSet(arena, MLX_BOOL, 1, array => Mlx.mlx_array_set_bool(array, true));
        IsSet(arena, MLX_INT32, -7, array => Mlx.mlx_array_set_int(array, -7));
        IsSet(arena, MLX_FLOAT32, 1.5, array => Mlx.mlx_array_set_float32(array, 1.5f));
        IsSet(arena, MLX_FLOAT32, 2.5, array => Mlx.mlx_array_set_float(array, 2.5f));
        IsSet(arena, MLX_FLOAT64, 0.1, array => Mlx.mlx_array_set_float64(array, 0.1));
        IsSet(arena, MLX_FLOAT64, 0.2, array => Mlx.mlx_array_set_double(array, 0.2));
        mlx_array other = arena.Keep(Mlx.mlx_array_new_int(9));
        IsSet(arena, MLX_INT32, 9, array => Mlx.mlx_array_set(array, other));
        Assert.Equal([9], arena.Read(other).Doubles());     // it is shared, not moved
    }

    [Fact]
    public void A_complex_number_and_an_array_of_data_are_set()
    {
        using var arena = new NativeArena();
        mlx_array array = default;
        NativeArena.Check(Mlx.mlx_array_set_complex(&array, 1.5f, -2));
        mlx_complex64_t number;
        NativeArena.Check(Mlx.mlx_array_eval(array));
        NativeArena.Check(Mlx.mlx_array_item_complex64(&number, array));
        Assert.Equal([1.5f, -2], new ReadOnlySpan<float>(&number, 2).ToArray());

        int* shape = stackalloc int[2] { 2, 1 };
        short* data = stackalloc short[2] { 3, -4 };
        NativeArena.Check(Mlx.mlx_array_set_data(&array, data, shape, 2, MLX_INT16));
        data[0] = 0;                                        // it was copied
        GoldenTensor got = arena.Read(arena.Keep(array));
        Assert.Equal((MLX_INT16, "2, 1"), (got.Type, string.Join(", ", got.Shape)));
        Assert.Equal([3, -4], got.Doubles());
    }

    [Fact]
    public void Items_are_read_in_every_C_type()
    {
        using var arena = new NativeArena();
        Item<byte>(arena, MLX_BOOL, 1, (to, array) => Mlx.mlx_array_item_bool((bool*)to, array));
        Item<byte>(arena, MLX_UINT8, 200, (to, array) => Mlx.mlx_array_item_uint8((byte*)to, array));
        Item<ushort>(arena, MLX_UINT16, 60000, (to, array) => Mlx.mlx_array_item_uint16((ushort*)to, array));
        Item<uint>(arena, MLX_UINT32, 4000000000, (to, array) => Mlx.mlx_array_item_uint32((uint*)to, array));
        Item<ulong>(arena, MLX_UINT64, ulong.MaxValue, (to, array) => Mlx.mlx_array_item_uint64((ulong*)to, array));
        Item<sbyte>(arena, MLX_INT8, -100, (to, array) => Mlx.mlx_array_item_int8((sbyte*)to, array));
        Item<short>(arena, MLX_INT16, -30000, (to, array) => Mlx.mlx_array_item_int16((short*)to, array));
        Item(arena, MLX_INT32, int.MinValue, (to, array) => Mlx.mlx_array_item_int32((int*)to, array));
        Item(arena, MLX_INT64, long.MinValue, (to, array) => Mlx.mlx_array_item_int64((long*)to, array));
        Item(arena, MLX_FLOAT32, 0.1f, (to, array) => Mlx.mlx_array_item_float32((float*)to, array));
        Item(arena, MLX_FLOAT64, 0.1, (to, array) => Mlx.mlx_array_item_float64((double*)to, array));
    }

    [Fact]
    public void Caller_s_data_is_used_and_freed_once()
    {
        s_nFreed = 0;
        using (var arena = new NativeArena())
        {
            int length = 3;
            var data = (int*)NativeMemory.Alloc(3, sizeof(int));
            new Span<int>(data, 3).Fill(5);
            mlx_array array = Mlx.mlx_array_new_data_managed(data, &length, 1, MLX_INT32, &FreeData);
            mlx_array sum = CFunction.Call(arena, "sum", array)[0];
            Mlx.mlx_array_free(array);
            Assert.Equal([15], arena.Read(sum).Doubles());
        }

        SpinWait.SpinUntil(() => Volatile.Read(ref s_nFreed) > 0, 10_000);  // libmlxc lets go on its stream's thread
        Assert.Equal(1, s_nFreed);
    }

    [Fact]
    public void Arrays_are_computed_in_the_background_and_waited_for()
    {
        using var arena = new NativeArena();
        mlx_array x = arena.New(Numbers.Of(MLX_FLOAT32, [2], [2, 3]));
        mlx_array y = CFunction.Call(arena, "square", x)[0];
        NativeArena.Check(Mlx.mlx_async_eval(arena.Vector([y])));
        NativeArena.Check(Mlx._mlx_array_wait(y));
        bool isThere = false;
        NativeArena.Check(Mlx._mlx_array_is_available(&isThere, y));
        Assert.True(isThere);
        Assert.Equal(9, Mlx.mlx_array_data_float32(y)[1]);
    }

    [Fact]
    public void Elements_along_axes_are_counted()
    {
        using var arena = new NativeArena();
        mlx_array x = arena.New(Numbers.Random(new(1), MLX_FLOAT32, 2, 3, 5)), count = default;
        int* axes = stackalloc int[2] { 0, -1 };
        NativeArena.Check(Mlx.mlx_number_of_elements(&count, x, axes, 2, false, MLX_INT32, arena.Stream));
        GoldenTensor got = arena.Read(arena.Keep(count));
        Assert.Equal((MLX_INT32, 10.0), (got.Type, got.Doubles()[0]));
        mlx_array share = default;
        NativeArena.Check(Mlx.mlx_number_of_elements(&share, x, axes, 2, true, MLX_FLOAT64, arena.Stream));
        Assert.Equal(0.1, arena.Read(arena.Keep(share)).Doubles()[0], 1e-12);
    }

    private static void Is(NativeArena arena, mlx_dtype type, double value, mlx_array array)
    {
        GoldenTensor got = arena.Read(arena.Keep(array));
        Assert.Equal((type, 0), (got.Type, got.Shape.Length));
        Assert.Equal([value], got.Type == MLX_BOOL ? [got.Bytes.Span[0]] : got.Doubles());
    }

    private static void IsSet(NativeArena arena, mlx_dtype type, double value, Setter set)
    {
        mlx_array former = Mlx.mlx_array_new_float32(100);
        NativeArena.Check(set(&former));
        Is(arena, type, value, former);
        mlx_array empty = default;
        NativeArena.Check(set(&empty));
        Is(arena, type, value, empty);
    }

    private static void Item<T>(NativeArena arena, mlx_dtype type, T value, Func<nint, mlx_array, int> read)
        where T : unmanaged
    {
        mlx_array array = arena.Keep(Mlx.mlx_array_new_data(&value, null, 0, type));
        NativeArena.Check(Mlx.mlx_array_eval(array));
        T got = default;
        NativeArena.Check(read((nint)(&got), array));
        Assert.Equal(value, got);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FreeData(void* data)
    {
        NativeMemory.Free(data);
        Interlocked.Increment(ref s_nFreed);
    }
}
