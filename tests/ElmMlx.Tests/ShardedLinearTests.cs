using ElmMlx.Nn;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Linear layers that are spread over processes: their parts, and the group of one process.</summary>
[Collection(GradientCollection.Name)]
public sealed class ShardedLinearTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Parts_of_two_processes_make_the_whole_product(int segments)
    {
        using var scope = new ArrayScope();
        MlxArray x = MlxRandom.Normal([5, 12]), w = MlxRandom.Normal([6, 12]);
        MlxArray[] rows = [.. Enumerable.Range(0, 2).Select(rank => Shards.Part(w, 0, segments, 2, rank))];
        MlxArray[] outputs = [.. rows.Select(part => x.MatMul(part.Transpose()))];
        // every segment of the output is cut in two: its halves lie in the processes' outputs at the same place
        IEnumerable<MlxArray> ordered = Enumerable.Range(0, segments).SelectMany(
            segment => outputs.Select(output => output.Split(segments, 1)[segment]));
        MlxArray whole = x.MatMul(w.Transpose());
        Close(whole, MlxArray.Concatenate(ordered, 1));

        MlxArray sum = Enumerable.Range(0, 2)
            .Select(rank => Shards.Part(x, 1, segments, 2, rank)
                .MatMul(Shards.Part(w, 1, segments, 2, rank).Transpose()))
            .Aggregate((a, b) => a + b);
        Close(whole, sum);
        Assert.Throws<ArgumentException>(() => Shards.Part(w, 0, 1, 4, 0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_process_answers_as_the_whole_layer(bool bias)
    {
        using var scope = new ArrayScope();
        using DistributedGroup group = DistributedGroup.Init();
        using var linear = new Linear(64, 6, bias);
        using var outputs = AllToShardedLinear.From(linear, group, segments: 3);
        using var inputs = ShardedToAllLinear.From(linear, group, segments: 2);
        MlxArray x = MlxRandom.Normal([2, 64]);
        Close(linear.Forward(x), outputs.Forward(x));
        Close(linear.Forward(x), inputs.Forward(x));
        foreach (UnaryLayer layer in (UnaryLayer[])[outputs, inputs])
        {
            Assert.Equal(
                linear.NamedParameters().Select(entry => entry.Path),
                layer.NamedParameters().Select(entry => entry.Path));
            Assert.Null(new ModuleDifferences(layer, values => [layer.Forward(values[0])], [x]).Problem(1));
        }

        using QuantizedLinear packed = linear.ToQuantized(32, 8);
        using var packedOutputs = QuantizedAllToShardedLinear.From(packed, group);
        using var packedInputs = QuantizedShardedToAllLinear.From(packed, group);
        Close(packed.Forward(x), packedOutputs.Forward(x));
        Close(packed.Forward(x), packedInputs.Forward(x));
        Assert.Empty(packedOutputs.TrainableParameters().Concat(packedInputs.TrainableParameters()));
    }

    [Fact]
    public void New_layers_draw_what_a_linear_layer_draws()
    {
        using var scope = new ArrayScope();
        using DistributedGroup group = DistributedGroup.Init();
        MlxRandom.Seed(5);
        using var linear = new Linear(4, 6);
        MlxRandom.Seed(5);
        using var outputs = new AllToShardedLinear(4, 6, group);
        MlxRandom.Seed(5);
        using var inputs = new ShardedToAllLinear(4, 6, group);
        MlxArray x = MlxRandom.Normal([3, 4]);
        Close(linear.Forward(x), outputs.Forward(x));
        Close(linear.Forward(x), inputs.Forward(x));
    }

    private static void Close(MlxArray want, MlxArray got) =>
        GoldenArrays.Close([.. want.Floats().Select(value => (double)value)], got.Floats(), 1e-5, "");
}
