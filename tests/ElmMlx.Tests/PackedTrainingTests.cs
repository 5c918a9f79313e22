using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Training;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>
/// How rows are put together does not change what is learnt: losses and gradients of packed batches, and of accumulated
/// ones, are those of the same rows one a sequence.
/// </summary>
[Collection(GradientCollection.Name)]
public sealed class PackedTrainingTests
{
    // Seven rows with masked beginnings; 40 tokens a sequence take two or three of them.
    private static readonly TokenRow[] Rows =
        [.. TrainingTraces.Rows()
            .Where(row => row.Length is > 4 and <= 20).Take(7).Append(TokenRow.From([9, 8, 7, 6], 3))];

    // A packed row's positions do not begin at 0: rotary attention sees differences of positions alone.
    [Theory]
    [InlineData(FineTuneType.Lora)]
    [InlineData(FineTuneType.Full)]
    public void Packed_rows_have_the_loss_and_the_gradients_of_single_ones(FineTuneType type)
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Model(type);
        BatchOptions options = new() { BatchSize = Rows.Length, MaxSequenceLength = 40 };
        using Batch single = new BatchSource(Rows, options).Get(0, 0);
        using Batch packed = new BatchSource(Rows, options with { Pack = true }).Get(0, 0);
        Assert.True(packed.Inputs.Shape[0] < single.Inputs.Shape[0]);
        Assert.Equal(single.Rows.Order(), packed.Rows.Order());
        Assert.Equal(single.TokenCount, packed.TokenCount);
        AssertSame(Gradients(model, single), Gradients(model, packed));
    }

    [Fact]
    public void Token_of_another_row_changes_nothing()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Model(FineTuneType.Lora);
        BatchOptions options = new() { MaxSequenceLength = 40, PadMultiple = 1 };
        TokenRow learnt = TokenRow.From([5, 6, 7, 8, 9]);
        // the other row learns nothing, so all of the loss is the second row's
        float[] losses = [.. new[] { 11, 12 }.Select(id =>
        {
            TokenRow[] rows = [TokenRow.From([id, id, id, id], 4), learnt];
            using Batch batch = Batch.CreatePacked(rows, [[0, 1]], options);
            return LanguageModelLoss.Of(model, 0)(batch, null).Sum.Item<float>();
        })];
        Assert.Equal(losses[0], losses[1]);
        using Batch alone = Batch.Create([learnt], [0], options);
        Assert.Equal(LanguageModelLoss.Of(model, 0)(alone, null).Sum.Item<float>(), losses[0], 1e-4);
    }

    [Fact]
    public void Unequal_batches_accumulate_to_the_gradient_of_the_joined_one()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Model(FineTuneType.Lora);
        BatchOptions options = new() { MaxSequenceLength = 40 };
        using Batch joined = Batch.Create(Rows, [.. Enumerable.Range(0, Rows.Length)], options);
        (double loss, MlxArray[] gradients) = Gradients(model, joined);
        using GradientWindow window = new();
        double sum = 0;
        int[] tokens = [.. new int[][] { [0], [1, 2, 3, 4, 5, 6], [7] }.Select(indices =>
        {
            using Batch batch = Batch.Create(Rows, indices, options);
            (double part, MlxArray[] own) = Gradients(model, batch);
            window.Add(own, batch.TokenCount);
            sum += part;
            return batch.TokenCount;
        })];
        Assert.Equal(joined.TokenCount, window.Weight);
        Assert.True(tokens.Max() > 10 * tokens.Min());
        AssertSame(
            (loss, [.. gradients.Select(gradient => gradient / (float)joined.TokenCount)]), (sum, window.Mean()));
    }

    private static OpenElmModel Model(FineTuneType type)
    {
        OpenElmModel model = TrainingTraces.Model(type);
        if (type == FineTuneType.Full)
            return model;
        // beside a zero B the gradient of A is zero
        foreach ((string path, Parameter parameter) in model.TrainableParameters())
        {
            if (path.EndsWith(".lora_b", StringComparison.Ordinal))
                parameter.Replace(MlxRandom.Normal(parameter.Value.Shape, key: MlxRandom.Key(7)) * 0.01f);
        }
        return model;
    }

    private static (double Loss, MlxArray[] Gradients) Gradients(OpenElmModel model, Batch batch)
    {
        BatchLoss loss = LanguageModelLoss.Of(model, 0);
        (MlxArray[] values, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
            [.. model.TrainableParameters().Select(entry => entry.Parameter)], () => [loss(batch, 1).Sum]);
        MlxArray.Eval([values[0], .. gradients]);
        return (values[0].Item<float>(), gradients);
    }

    // Float32 rounding, in sums of another order: relative to a tensor's largest element.
    private static void AssertSame(
        (double Loss, MlxArray[] Gradients) expected, (double Loss, MlxArray[] Gradients) actual)
    {
        Assert.Equal(expected.Loss, actual.Loss, 1e-5 * expected.Loss);
        for (int i = 0; i < expected.Gradients.Length; i++)
        {
            double[] numbers = [.. expected.Gradients[i].Floats().Select(value => (double)value)];
            double largest = numbers.Max(Math.Abs);
            Assert.True(largest > 0);
            GoldenArrays.Close(numbers, actual.Gradients[i].Floats(), 2e-5 * largest, $"gradient {i}");
        }
    }
}
