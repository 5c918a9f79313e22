using ElmMlx.Nn;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Cross-entropy by blocks of rows against the same of all logits.</summary>
[Collection(GradientCollection.Name)]
public sealed class LossBlockTests
{
    [Theory]
    [InlineData(DType.Float32, 8, 2e-6)]        // five blocks, the last one shorter
    [InlineData(DType.Float32, 512, 2e-6)]
    [InlineData(DType.BFloat16, 16, 0.02)]
    public void Sum_and_gradients_are_those_of_all_logits(DType type, int blockRows, double tolerance)
    {
        using var scope = new ArrayScope();
        MlxRandom.Seed(4);
        const int rows = 37, width = 24, vocabulary = 50;
        MlxArray hidden = MlxRandom.Normal([rows, width]).AsType(type);
        MlxArray targets = MlxArray.From<int>([.. Enumerable.Range(0, rows).Select(i => i * 7 % vocabulary)], rows);
        using Embedding head = new((MlxRandom.Normal([vocabulary, width]) * 0.3f).AsType(type));
        Parameter[] parameters = [.. head.TrainableParameters().Select(entry => entry.Parameter)];

        MlxArray[] all = Gradients(
            states => Losses.CrossEntropy(head.AsLinear(states), targets, reduction: LossReduction.Sum));
        MlxArray[] blocks = Gradients(
            states => Losses.CrossEntropySum(states, targets, head.AsLinear, parameters, blockRows));
        for (int i = 0; i < all.Length; i++)
        {
            Assert.Equal(all[i].DType, blocks[i].DType);
            double[] expected = [.. all[i].Floats().Select(number => (double)number)];
            GoldenArrays.Close(
                expected, blocks[i].Floats(), tolerance * (1 + expected.Max(Math.Abs)), $"value {i}");
        }

        // The loss times 0.3, and its gradients with respect to the rows and to the embedding.
        MlxArray[] Gradients(Func<MlxArray, MlxArray> loss)
        {
            (MlxArray[] values, MlxArray[] gradients) = Transforms.ValueAndGrad(
                inputs => ModuleGradients.With(parameters, inputs.AsSpan(1), () => [loss(inputs[0] * 2) * 0.3f]),
                [hidden, parameters[0].Value]);
            return [values[0], .. gradients];
        }
    }

    [Fact]
    public void Blocks_take_less_memory_than_one_array_of_logits()
    {
        const int rows = 2048, width = 16, vocabulary = 4096;
        using var scope = new ArrayScope();
        MlxRandom.Seed(5);
        MlxArray hidden = MlxRandom.Normal([rows, width]), targets = MlxArray.Zeros([rows], DType.Int32);
        using Embedding head = new(MlxRandom.Normal([vocabulary, width]));
        MlxArray.Eval([hidden, targets, .. head.NamedParameters().Select(entry => entry.Parameter.Value)]);
        long before = MlxMemory.ActiveBytes;
        MlxMemory.ResetPeak();
        (MlxArray[] values, MlxArray[] gradients) = Transforms.ValueAndGrad(
            inputs => [Losses.CrossEntropySum(inputs[0], targets, head.AsLinear, [], blockRows: 128)], [hidden]);
        MlxArray.Eval([.. values, .. gradients]);
        Assert.InRange(MlxMemory.PeakBytes - before, 1, (long)rows * vocabulary * sizeof(float));
    }

    [Fact]
    public void Rows_and_targets_that_do_not_fit_are_refused()
    {
        using var scope = new ArrayScope();
        MlxArray hidden = MlxArray.Zeros([4, 8]), targets = MlxArray.Zeros([3], DType.Int32);
        var problem = Assert.Throws<ArgumentException>(() => Losses.CrossEntropySum(hidden, targets, x => x, []));
        Assert.Contains("[4, 8]", problem.Message, StringComparison.Ordinal);
    }
}
