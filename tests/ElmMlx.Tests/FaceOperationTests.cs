using Xunit;

namespace ElmMlx.Tests;

/// <summary>Operations that the C# face has got by name: what they answer by hand-made numbers.</summary>
public class FaceOperationTests
{
    [Fact]
    public void Gather_and_scatter_along_one_axis()
    {
        MlxArray x = MlxArray.Zeros([3, 2]), at = MlxArray.From([2, 0]);
        MlxArray rows = MlxArray.From([1f, 2, 3, 4], 2, 1, 2);
        Assert.Equal([3f, 4, 0, 0, 1, 2], x.Scatter(at, rows, 0).ToArray<float>());
        MlxArray ones = MlxArray.Ones([3, 2]);
        Assert.Equal([4f, 5, 1, 1, 2, 3], ones.ScatterAdd(at, rows, 0).ToArray<float>());
        Assert.Equal([3f, 4, 1, 1, 1, 2], ones.ScatterProd(at, rows, 0).ToArray<float>());
        Assert.Equal([3f, 4, 1, 1, 1, 2], ones.ScatterMax(at, rows, 0).ToArray<float>());
        Assert.Equal([1f, 1, 1, 1, 1, 1], ones.ScatterMin(at, rows, 0).ToArray<float>());
        MlxArray gathered = MlxArray.Arange(6).Reshape(3, 2).Gather(at, 0, 1, 2);
        Assert.Equal([2, 1, 2], gathered.Shape);
        Assert.Equal([4, 5, 0, 1], gathered.ToArray<int>());
        Assert.Throws<MlxException>(() => x.Scatter(MlxArray.From([3, 0]), rows, 0));
    }

    [Fact]
    public void The_flattened_array_is_sorted_where_the_axis_is_null()
    {
        MlxArray x = MlxArray.From([3f, 1, 2, 0], 2, 2);
        Assert.Equal([0f, 1, 2, 3], x.Sort(null).ToArray<float>());
        Assert.Equal([3u, 1, 2, 0], x.ArgSort(null).ToArray<uint>());
        Assert.Equal(1f, x.Partition(1, null).ToArray<float>()[1]);
        Assert.Equal(1u, x.ArgPartition(1, null).ToArray<uint>()[1]);
        Assert.Equal([2f, 3], x.TopK(2, null).Sort().ToArray<float>());
        Assert.Equal(1, x.Softmax(axis: null).Sum().Item<float>(), 1e-6);
        Assert.Equal([0f, 3, 1, 2], x.Roll(1).ToArray<float>());
    }

    [Fact]
    public void Products_of_parts_of_matrices()
    {
        MlxArray a = MlxArray.Arange(6, DType.Float32).Reshape(2, 3), b = MlxArray.Ones([3, 2]);
        MlxArray parts = a.SegmentedMm(b, MlxArray.From<uint>([0, 1, 1, 3], 2, 2));
        Assert.Equal([0f, 0, 3, 3, 3, 3, 9, 9], parts.ToArray<float>());
        MlxArray block = MlxArray.Ones([32, 64]);
        MlxArray mask = MlxArray.From([true, false], 1, 2);
        MlxArray masked = block.BlockMaskedMm(MlxArray.Ones([64, 32]), 32, leftMask: mask);
        Assert.Equal(32f, masked.ToArray<float>()[0]);
    }

    [Fact]
    public void Windows_and_likenesses()
    {
        Assert.Equal([0f, 1, 0], MlxArray.Bartlett(3).ToArray<float>());
        Assert.Equal(1, MlxArray.Blackman(3).ToArray<float>()[1], 1e-6);
        Assert.Equal(0.08, MlxArray.Hamming(3).ToArray<float>()[0], 1e-6);
        Assert.Equal([0f, 1, 0], MlxArray.Hanning(3).Round(5).ToArray<float>());
        Assert.Equal([7, 7], MlxArray.FullLike(MlxArray.Zeros([2], DType.Int32), 7).ToArray<int>());
        MlxArray means = MlxArray.From([100f, -100]);
        MlxArray normal = MlxRandom.Normal(means, MlxArray.Scalar(1f), [2], key: MlxRandom.Key(1));
        Assert.Equal([1f, -1], normal.Sign().ToArray<float>());
        MlxArray x = MlxArray.Ones([1]);
        Assert.Equal(1f, Transforms.Depends([x], [x + 1])[0].Item<float>());
    }

    [Fact]
    public void Quantised_products_pick_their_matrices()
    {
        MlxArray w = MlxRandom.Normal([2, 8, 64], key: MlxRandom.Key(1));
        MlxArray x = MlxRandom.Normal([1, 1, 64], key: MlxRandom.Key(2));
        (MlxArray words, MlxArray scales, MlxArray? biases) = Quantized.Quantize(w);
        MlxArray picked = Quantized.GatherMatMul(x, words, scales, biases, rightIndices: MlxArray.From([1u]));
        MlxArray expected = x.MatMul(Quantized.Dequantize(words, scales, biases)[1].Transpose());
        Assert.True(expected.AllClose(picked.Reshape(expected.Shape), 1e-3, 1e-3).Item<bool>());
        (MlxArray w4, MlxArray s4, _) = Quantized.Quantize(MlxArray.Full([2, 32], 6), 16, 4, "nvfp4");
        MlxArray product = Quantized.QuantizedMatMul(MlxArray.Full([1, 32], 6), w4, s4);
        Assert.Equal([1152f, 1152], product.ToArray<float>());
    }

    [Fact]
    public void Layouts_are_told()
    {
        MlxArray x = MlxArray.Arange(6).Reshape(2, 3) + 1, turned = x.Transpose();
        Assert.Equal(4, x.ItemSize);
        Assert.True(x.IsRowContiguous && x.IsContiguous && x.IsAvailable);
        Assert.True(turned.IsColumnContiguous && !turned.IsRowContiguous);
        Assert.Equal([1, 3], turned.Strides);
        Assert.Contains("dtype=int32", x.ToMlxText(), StringComparison.Ordinal);
        Assert.Equal(new ComplexSingle(1, -2), MlxArray.Scalar(new ComplexSingle(1, -2)).Item<ComplexSingle>());
    }

    [Fact]
    public void Ranges_numbers_and_the_end_stand_between_the_brackets()
    {
        MlxArray x = MlxArray.Arange(24).Reshape(4, 3, 2);
        Assert.Equal([10, 11, 16, 17], x[1..3, ^1, ..].ToArray<int>());
        Assert.Equal([2, 2], x[1..3, ^1, ..].Shape);
        Assert.Equal([1, 2, 2], (x * 2 - 1)[^1..^0, ..2].Shape);
    }

    [Fact]
    public void Devices_and_streams_tell_what_they_are()
    {
        Assert.NotEmpty(MlxDevice.Cpu.Info);
        Assert.Equal(MlxStream.Default, MlxStream.Default);
        Assert.Equal(MlxStream.Default.GetHashCode(), MlxStream.Default.GetHashCode());
        Assert.Contains("Stream", MlxStream.Default.ToString(), StringComparison.Ordinal);
        if (TestProvider.IsMlx)
            return;
        Assert.False(MlxDevice.IsMetalAvailable || MlxDevice.IsCudaAvailable);
        Assert.Throws<MlxException>(() => MlxDevice.StartMetalCapture("x.gputrace"));
        Assert.Throws<MlxException>(MlxDevice.StopMetalCapture);
    }

    [Fact]
    public void The_group_of_one_process_keeps_what_it_has()
    {
        using DistributedGroup group = DistributedGroup.Init();
        MlxArray x = MlxArray.From([1f, 2]);
        Assert.Equal((0, 1), (group.Rank, group.Size));
        foreach (MlxArray same in new[] { group.AllSum(x), group.AllMax(x), group.AllMin(x), group.AllGather(x) })
            Assert.Equal([1f, 2], same.ToArray<float>());
        Assert.Throws<MlxException>(() => group.Send(x, 1));
        Assert.Throws<MlxException>(() => group.ReceiveLike(x, 1));
        Assert.Throws<MlxException>(() => group.Receive([2], DType.Float32, 1));
    }
}
