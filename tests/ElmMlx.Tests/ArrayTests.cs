using Xunit;

namespace ElmMlx.Tests;

public unsafe class ArrayTests
{
    private static MlxArray Matrix => MlxArray.From([1f, 2, 3, 4, 5, 6], 2, 3);

    public static TheoryData<DType> DTypesWithNumbers() =>
        [.. Enum.GetValues<DType>().Where(d => d is not (DType.Bool or DType.Complex64 or DType.Float64))];

    [Fact]
    public void From_keeps_elements_shape_and_dtype()
    {
        Assert.Equal([2, 3], Matrix.Shape);
        Assert.Equal(DType.Float32, Matrix.DType);
        Assert.Equal(6, Matrix.Size);
        Assert.Equal(24, Matrix.ByteCount);
        Assert.Equal([1f, 2, 3, 4, 5, 6], Matrix.ToArray<float>());
    }

    [Fact]
    public void From_without_a_shape_has_one_axis() => Assert.Equal([3], MlxArray.From([1, 2, 3]).Shape);

    [Theory]
    [MemberData(nameof(DTypesWithNumbers))]
    public void Scalar_of_every_dtype_reads_back(DType dtype)
    {
        using MlxArray five = MlxArray.Scalar(5, dtype);

        Assert.Equal(dtype, five.DType);
        Assert.Empty(five.Shape);
        Assert.Equal(5, five.Item<int>());
        Assert.Equal(5f, five.Item<float>());
    }

    [Fact]
    public void Every_element_type_survives_the_way_in_and_out()
    {
        Assert.Equal([true, false], MlxArray.From([true, false]).ToArray<bool>());
        Assert.Equal([1, 255], MlxArray.From<byte>([1, 255]).ToArray<byte>());
        Assert.Equal([(sbyte)-1, (sbyte)127], MlxArray.From<sbyte>([-1, 127]).ToArray<sbyte>());
        Assert.Equal([(ushort)65535], MlxArray.From<ushort>([65535]).ToArray<ushort>());
        Assert.Equal([(short)-32768], MlxArray.From<short>([-32768]).ToArray<short>());
        Assert.Equal([uint.MaxValue], MlxArray.From([uint.MaxValue]).ToArray<uint>());
        Assert.Equal([int.MinValue], MlxArray.From([int.MinValue]).ToArray<int>());
        Assert.Equal([ulong.MaxValue], MlxArray.From([ulong.MaxValue]).ToArray<ulong>());
        Assert.Equal([long.MinValue], MlxArray.From([long.MinValue]).ToArray<long>());
        Assert.Equal([(Half)0.5], MlxArray.From([(Half)0.5]).ToArray<Half>());
        Assert.Equal([0.1f], MlxArray.From([0.1f]).ToArray<float>());
    }

    [Fact]
    public void BFloat16_comes_in_as_bytes_and_out_as_float()
    {
        MlxArray x = MlxArray.FromBytes([0x80, 0x3F, 0x20, 0xC0], DType.BFloat16, 2);

        Assert.Equal([1f, -2.5f], x.ToArray<float>());
        Assert.Equal([0x80, 0x3F, 0x20, 0xC0], x.ToBytes());
    }

    [Fact]
    public void From_with_a_shape_of_another_size_is_refused()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => MlxArray.From([1f, 2, 3], 2, 2));
        Assert.Equal("[2, 2] float32 has 16 bytes, not 12", e.Message);
    }

    [Fact]
    public void Empty_array_reads_back_as_nothing()
    {
        MlxArray empty = MlxArray.From<float>([], 0, 3);

        Assert.Equal([0, 3], empty.Shape);
        Assert.Empty(empty.ToArray<float>());
    }

    [Fact]
    public void FromMemory_uses_the_memory_and_frees_it_once()
    {
        void* memory = System.Runtime.InteropServices.NativeMemory.AlignedAlloc(64, 64);
        new Span<int>(memory, 2).Clear();
        ((int*)memory)[1] = 7;
        int freed = 0;
        MlxArray x = MlxArray.FromMemory(memory, DType.Int32, [2], () => freed++);

        Assert.Equal([0, 7], x.ToArray<int>());
        Assert.True(freed == 0 || TestProvider.IsMlx); // MLX without a GPU copies, and frees at once
        x.Dispose();
        Assert.Equal(1, freed);
        System.Runtime.InteropServices.NativeMemory.AlignedFree(memory);
    }

    [Fact]
    public void View_is_read_in_row_order()
    {
        Assert.Equal([1f, 4, 2, 5, 3, 6], Matrix.Transpose().ToArray<float>());
        Assert.Equal([2f, 2, 2], MlxArray.Scalar(2.0).BroadcastTo(3).ToArray<float>());
    }

    [Theory]
    [InlineData(DType.BFloat16, DType.BFloat16, DType.BFloat16)]
    [InlineData(DType.Float16, DType.Float16, DType.Float16)]
    [InlineData(DType.Float32, DType.Float32, DType.Float32)]
    [InlineData(DType.Int32, DType.Int32, DType.Float32)]
    [InlineData(DType.UInt8, DType.UInt8, DType.Float32)]
    [InlineData(DType.Bool, DType.Int32, DType.Float32)]
    public void Number_beside_an_array_takes_its_dtype_where_it_can(DType dtype, DType withWhole, DType withFraction)
    {
        MlxArray x = MlxArray.Ones([2], dtype);

        Assert.Equal(withWhole, (x * 2).DType);
        Assert.Equal(withWhole, (2 + x).DType);
        Assert.Equal(withFraction, (x * 0.5).DType);
        Assert.Equal(withFraction, (0.5f - x).DType);
    }

    [Fact]
    public void Operators_compute()
    {
        MlxArray a = MlxArray.From([1f, 2, 3]), b = MlxArray.From([4f, 2, 1]);

        Assert.Equal([5f, 4, 4], (a + b).ToArray<float>());
        Assert.Equal([-3f, 0, 2], (a - b).ToArray<float>());
        Assert.Equal([4f, 4, 3], (a * b).ToArray<float>());
        Assert.Equal([0.25f, 1, 3], (a / b).ToArray<float>());
        Assert.Equal([1f, 0, 0], (a % b).ToArray<float>());
        Assert.Equal([-1f, -2, -3], (-a).ToArray<float>());
        Assert.Equal([true, false, false], (a < b).ToArray<bool>());
        Assert.Equal([false, true, true], (a >= b).ToArray<bool>());
        Assert.Equal([false, false, true], (~(a <= b)).ToArray<bool>());
        Assert.Equal([true, false, true], ((a < 2) | (a > 2)).ToArray<bool>());
        Assert.Equal([false, true, false], a.Equal(b).ToArray<bool>());
    }

    [Fact]
    public void Reductions_take_all_one_axis_or_axes()
    {
        Assert.Equal(21f, Matrix.Sum().Item<float>());
        Assert.Equal([5f, 7, 9], Matrix.Sum(0).ToArray<float>());
        Assert.Equal([2, 1], Matrix.Mean(-1, keepDims: true).Shape);
        Assert.Equal(720f, Matrix.Prod([0, 1]).Item<float>());
        Assert.Equal([2u, 2u], Matrix.ArgMax(1).ToArray<uint>());
        Assert.Equal([2, 3], Matrix.Sum(ReadOnlySpan<int>.Empty).Shape);
    }

    [Fact]
    public void Shapes_move_elements()
    {
        MlxArray x = MlxArray.Arange(24).Reshape(2, 3, 4);

        Assert.Equal([4, 2, 3], x.Transpose(2, 0, 1).Shape);
        Assert.Equal([2, 12], x.Flatten(1).Shape);
        Assert.Equal([2, 3, 2, 2], x.Unflatten(-1, 2, -1).Shape);
        Assert.Equal([1, 2, 3, 4, 1], x.ExpandDims(0, -1).Shape);
        Assert.Equal([2, 3, 4], x.ExpandDims(1).Squeeze(1).Shape);
        Assert.Equal([2, 3, 1], x.Split(4, -1)[0].Shape);
        Assert.Equal([2, 3, 3], x.Split([1], -1)[1].Shape);
        Assert.Equal([4, 3, 4], MlxArray.Concatenate([x, x]).Shape);
        Assert.Equal([2, 3, 2, 4], MlxArray.Stack([x, x], 2).Shape);
        Assert.Equal([0, 1, 9, 9], MlxArray.Arange(2).Pad([0], [0], [2], 9).ToArray<int>());
        Assert.Equal([0, 0, 5, 5], MlxArray.Zeros([4], DType.Int32)
            .SliceUpdate(MlxArray.Scalar(5).BroadcastTo(2), [2], [4]).ToArray<int>());
    }

    [Fact]
    public void Failure_names_operation_operands_and_reason_without_a_place_in_C()
    {
        MlxException e = Assert.Throws<MlxException>(() => Matrix.MatMul(Matrix));

        Assert.Equal("matmul", e.Operation);
        Assert.StartsWith("matmul of [2, 3] float32, [2, 3] float32: ", e.Message);
        Assert.DoesNotContain(".cpp", e.Message);
        Assert.DoesNotContain(".cs", e.Message);
    }

    [Fact]
    public void Failure_of_a_list_names_each_array()
    {
        MlxException e = Assert.Throws<MlxException>(() => MlxArray.Concatenate([Matrix, Matrix[0]]));

        Assert.StartsWith("concatenate_axis of {[2, 3] float32, [3] float32}: ", e.Message);
    }

    [Fact]
    public void After_a_failure_the_next_operation_works()
    {
        Assert.Throws<MlxException>(() => Matrix.Softmax(5));
        Assert.Equal(6, Matrix.Size);
        Assert.Equal(21f, Matrix.Sum().Item<float>());
    }

    public static TheoryData<string, Action> CallsThatCrashMlx() => new()
    {
        { "item", () => Matrix.Item<float>() },
        { "take_axis", () => Matrix.Take(MlxArray.From([0, 2]), 0) },
        { "take_axis", () => Matrix.Take(MlxArray.From([-3]), 0) },
        { "take_axis", () => Matrix.Take(MlxArray.From([0, 3]).Reshape(1, 2), 1) },
        { "take", () => Matrix.Take(MlxArray.From([6])) },
        { "take_along_axis", () => Matrix.TakeAlongAxis(MlxArray.From([0, 3], 2, 1), 1) },
        { "put_along_axis", () => Matrix.PutAlongAxis(MlxArray.From([3, 0], 2, 1), MlxArray.Zeros([2, 1]), 1) },
        { "gather", () => Matrix.Gather([MlxArray.From([2])], [0], [1, 3]) },
        { "scatter", () => Matrix.Scatter([MlxArray.From([2])], MlxArray.Zeros([1, 1, 3]), [0]) },
        { "cumsum", () => MlxArray.Zeros([0]).CumSum() },
        { "sort_axis", () => MlxArray.Zeros([0]).Sort() },
        { "argsort_axis", () => MlxArray.Zeros([2, 0]).ArgSort() },
        { "floor_divide", () => MlxArray.From([1, 2]).FloorDivide(0) },
        { "remainder", () => _ = MlxArray.From([1, 2]) % 0 },
        { "power", () => MlxArray.From([1, 2]).Power(-1) },
        {
            "fast_scaled_dot_product_attention", () =>
            {
                MlxArray q = MlxArray.Zeros([1, 1, 2, 8], DType.BFloat16);
                Fast.ScaledDotProductAttention(q, q, q, 1, AttentionMask.Of(MlxArray.Zeros([2, 2])));
            }
        },
    };

    [Theory]
    [MemberData(nameof(CallsThatCrashMlx))]
    public void Call_that_crashes_mlx_is_refused(string operation, Action call) =>
        Assert.Equal(operation, Assert.Throws<MlxException>(call).Operation);

    [Fact]
    public void Index_in_range_is_taken() =>
        Assert.Equal([4f, 5, 6, 1, 2, 3, 4, 5, 6], Matrix.Take(MlxArray.From([1, 0, -1]), 0).ToArray<float>());

    [Fact]
    public void Freed_array_is_an_ObjectDisposedException()
    {
        MlxArray x = Matrix;
        x.Dispose();
        x.Dispose();

        Assert.True(x.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => x + 1);
    }

    [Fact]
    public void Random_numbers_of_a_key_are_those_of_mlx()
    {
        MlxRandom.Seed(1);
        MlxArray first = MlxRandom.Uniform([3]);
        MlxRandom.Seed(1);

        Assert.True(first.ArrayEqual(MlxRandom.Uniform([3])).Item<bool>());
        Assert.Equal([0u, 7u], MlxRandom.Key(7).ToArray<uint>());
    }

    [Fact]
    public void Quantized_product_is_that_of_the_dequantized_matrix()
    {
        MlxArray w = MlxRandom.Normal(
            [16, 64], key: MlxRandom.Key(1)), x = MlxRandom.Normal([2, 64], key: MlxRandom.Key(2));
        (MlxArray packed, MlxArray scales, MlxArray? biases) = Quantized.Quantize(w, groupSize: 32, bits: 8);
        MlxArray expected = x.MatMul(Quantized.Dequantize(packed, scales, biases, 32, 8).Transpose());

        MlxArray product = Quantized.MatMul(x, packed, scales, biases, groupSize: 32, bits: 8);

        Assert.Equal([16, 16], packed.Shape);
        Assert.True(product.AllClose(expected, 1e-4, 1e-4).Item<bool>());
    }

    [Fact]
    public void Rope_with_an_array_as_offset_is_that_with_the_number()
    {
        MlxArray x = MlxRandom.Normal([1, 2, 4, 8], key: MlxRandom.Key(3));

        MlxArray expected = Fast.Rope(x, 8, offset: 5);
        MlxArray rotated = Fast.Rope(x, 8, false, 10000, 1, MlxArray.Scalar(5));

        Assert.True(rotated.AllClose(expected, 1e-5, 1e-5).Item<bool>());
        Assert.False(rotated.AllClose(x).Item<bool>());
    }

    [Fact]
    public void Unknown_mode_of_quantisation_never_reaches_native_code() =>
        Assert.Throws<ArgumentException>(() => Quantized.Quantize(MlxArray.Zeros([1, 64]), mode: "%s%n"));

    [Fact]
    public void Subscripts_with_other_characters_never_reach_native_code() =>
        Assert.Throws<ArgumentException>(() => MlxArray.Einsum("%s", Matrix));

    [Theory]
    [InlineData("auto", null)]
    [InlineData("", null)]
    [InlineData("mlx", ProviderKind.Mlx)]
    [InlineData("cpu", ProviderKind.Cpu)]
    public void Provider_is_chosen_by_name(string value, ProviderKind? expected) =>
        Assert.Equal(expected, RuntimeLoader.Parse(value));

    [Fact]
    public void Unknown_provider_is_one_sentence() =>
        Assert.Equal(
            "ELMMLX_PROVIDER is 'gpu': set it to auto, mlx or cpu",
            Assert.Throws<MlxException>(() => RuntimeLoader.Parse("gpu")).Message);

    [Fact]
    public void Description_names_provider_interface_and_devices()
    {
        string text = MlxRuntime.Describe();

        Assert.Contains(TestProvider.IsCpu ? "provider   cpu" : "provider   mlx", text);
        Assert.Contains("interface  mlx-c ", text);
        Assert.Contains("cpu:0", text);
    }

    [Fact]
    public void Device_in_use_ends_with_its_scope()
    {
        MlxDevice before = MlxDevice.Default;
        using (MlxDevice.Cpu.Use())
            Assert.Equal(MlxDevice.Cpu, MlxDevice.Default);
        Assert.Equal(before, MlxDevice.Default);
        Assert.True(MlxDevice.Cpu.IsAvailable);
    }

    [Fact]
    public void DType_names_are_those_of_mlx()
    {
        foreach (DType dtype in Enum.GetValues<DType>())
            Assert.Equal(dtype, DTypes.Parse(dtype.Name()));
        Assert.Throws<ArgumentException>(() => DTypes.Parse("float8"));
    }
}
