using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Pretraining;
using ElmMlx.Weights;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Losses against CoreNet's, against the same in double, and their gradients.</summary>
[Collection(GradientCollection.Name)]
public sealed class LossTests
{
    private const int Padding = 320;
    private static readonly SafetensorsFile Expected = GoldenArrays.Open("corenet/micro/expected.safetensors");

    [Fact]
    public void Loss_equals_corenet()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Micro();
        MlxArray logits = model.Forward(Expected.IdArray("loss.input_ids")), targets = Expected.IdArray("loss.targets");
        void Close(string name, MlxArray value) =>
            GoldenArrays.Close(Expected.Doubles($"loss.{name}_f64"), value.Floats(), 5e-6, name);

        Close("ce.total_loss", Losses.CrossEntropy(logits, targets, Padding));
        Close("smooth0.1.total_loss", Losses.CrossEntropy(logits, targets, Padding, 0.1));
        Assert.Equal(0, Losses.CoreNet(logits, targets, Padding, zLoss: 0).ZLoss.Item<float>());
        foreach ((string name, double smoothing) in (ReadOnlySpan<(string, double)>)[("z", 0), ("z_smooth0.1", 0.1)])
        {
            CoreNetLoss loss = Losses.CoreNet(logits, targets, Padding, 1e-4, smoothing);
            Close(name + ".total_loss", loss.Total);
            Close(name + ".ce_loss", loss.CrossEntropy);
            GoldenArrays.Close(Expected.Doubles($"loss.{name}.z_loss_f64"), loss.ZLoss.Floats(), 1e-8, name);
        }
    }

    [Fact]
    public void Gradient_of_every_parameter_equals_corenet()
    {
        using var scope = new ArrayScope();
        using OpenElmModel model = Micro();
        model.Replace("token_embeddings", new PaddedEmbedding(model.Embedding.DenseWeight(), Padding));
        MlxArray ids = Expected.IdArray("loss.input_ids"), targets = Expected.IdArray("loss.targets");
        (string Path, Parameter Parameter)[] parameters = [.. model.TrainableParameters()];
        (MlxArray[] values, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
            [.. parameters.Select(entry => entry.Parameter)],
            () => [Losses.CoreNet(model.Forward(ids), targets, Padding).Total]);
        MlxArray.Eval([.. values, .. gradients]);
        GoldenArrays.Close(Expected.Doubles("loss.z.total_loss_f64"), values[0].Floats(), 5e-6, "loss");

        using SafetensorsFile wanted = GoldenArrays.Open("corenet/micro/grads.safetensors");
        Assert.Equal(wanted.Tensors.Keys.Order(), parameters.Select(entry => entry.Path).Order());
        for (int i = 0; i < parameters.Length; i++)
        {
            double[] gradient = wanted.Doubles(parameters[i].Path);
            GoldenArrays.Close(
                gradient, gradients[i].Floats(), 2e-5 * gradient.Max(Math.Abs), parameters[i].Path);
        }
    }

    [Theory]
    [InlineData(null, 0, false)]
    [InlineData(-100, 0, false)]
    [InlineData(3, 0.1, false)]
    [InlineData(null, 0.2, true)]
    [InlineData(-100, 0.1, true)]
    [InlineData(2048, 0, true)]
    public void Cross_entropy_equals_its_twin_in_double(int? ignoreIndex, double smoothing, bool isWeighted)
    {
        using var scope = new ArrayScope();
        const int rows = 10, vocabulary = 7;
        var random = new Random(5);
        float[] x = [.. Enumerable.Range(0, rows * vocabulary).Select(_ => (float)(random.NextDouble() * 12 - 6))];
        int[] t = [.. Enumerable.Range(0, rows)
            .Select(i => ignoreIndex is { } ignored && i % 3 == 0 ? ignored : random.Next(vocabulary))];
        float[] w = [
            .. Enumerable.Range(0, rows).Select(i => isWeighted ? i % 4 == 1 ? 0 : (float)random.NextDouble() : 1)];
        var each = new double[rows];
        double weights = 0;
        for (int i = 0; i < rows; i++)
        {
            if (t[i] == ignoreIndex)
                continue;
            double[] row = [.. x.Skip(i * vocabulary).Take(vocabulary).Select(value => (double)value)];
            double logSum = Math.Log(row.Sum(Math.Exp));
            each[i] = w[i] * (
                (1 - smoothing) * (logSum - row[t[i]]) + smoothing * row.Average(value => logSum - value));
            weights += w[i];
        }

        MlxArray logits = MlxArray.From<float>(x, 2, 5, vocabulary), targets = MlxArray.From<int>(t, 2, 5);
        MlxArray? weight = isWeighted ? MlxArray.From<float>(w, 2, 5) : null;
        MlxArray Loss(MlxArray input, LossReduction reduction) =>
            Losses.CrossEntropy(input, targets, ignoreIndex, smoothing, weight, reduction);
        MlxArray none = Loss(logits, LossReduction.None);
        Assert.Equal([2, 5], none.Shape);
        GoldenArrays.Close(each, none.Floats(), 2e-6, "none");
        GoldenArrays.Close([each.Sum()], Loss(logits, LossReduction.Sum).Floats(), 1e-5, "sum");
        GoldenArrays.Close([each.Sum() / weights], Loss(logits, LossReduction.Mean).Floats(), 2e-6, "mean");
        // Narrow logits are widened, not what comes of them rounded.
        MlxArray narrow = logits.AsType(DType.BFloat16);
        Assert.Equal(
            Loss(narrow.AsType(DType.Float32), LossReduction.None).ToBytes(),
            Loss(narrow, LossReduction.None).ToBytes());
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.1, 0.01)]
    public void Gradients_equal_finite_differences_of_the_twin_in_double(double smoothing, double zLoss)
    {
        using var scope = new ArrayScope();
        const int vocabulary = 6, ignored = 9;
        int[] targets = [2, 5, ignored, 0];
        var random = new Random(8);
        double[] x = [.. Enumerable.Range(0, targets.Length * vocabulary).Select(_ => random.NextDouble() * 6 - 3)];
        double Twin(double[] logits)
        {
            double sum = 0;
            for (int i = 0; i < targets.Length; i++)
            {
                double[] row = logits[(i * vocabulary)..((i + 1) * vocabulary)];
                double logSum = Math.Log(targets[i] == ignored ? vocabulary : row.Sum(Math.Exp));
                sum += zLoss * logSum * logSum;
                if (targets[i] != ignored)
                    sum += logSum - (1 - smoothing) * row[targets[i]] - smoothing * row.Average();
            }
            return sum / targets.Count(target => target != ignored);
        }

        MlxArray ids = MlxArray.From<int>(targets, 2, 2);
        (MlxArray[] values, MlxArray[] gradients) = Transforms.ValueAndGrad(
            a => [Losses.CoreNet(a[0], ids, ignored, zLoss, smoothing).Total],
            [MlxArray.From<double>(x, 2, 2, vocabulary)]);
        double[] gradient = gradients[0].ToArray<double>();
        // MLX's exponential is a float's in float64 too.
        Assert.Equal(Twin(x), values[0].Item<double>(), 1e-6);
        for (int i = 0; i < x.Length; i++)
        {
            double At(double shift)
            {
                double[] moved = [.. x];
                moved[i] += shift;
                return Twin(moved);
            }
            Assert.Equal((At(1e-5) - At(-1e-5)) / 2e-5, gradient[i], 1e-6);
        }
        Assert.All(gradient[12..18], value => Assert.Equal(0, value)); // the ignored target's row
    }

    [Fact]
    public void Batch_without_a_target_that_counts_has_loss_and_gradient_zero()
    {
        using var scope = new ArrayScope();
        MlxArray logits = MlxArray.Ones([1, 3, 5]), targets = MlxArray.From<int>([7, 7, 7], 1, 3);
        Assert.Equal(0f, Losses.CrossEntropy(logits, targets, 7).Item<float>());
        Assert.Equal(
            0f, Losses.CrossEntropy(
                logits, MlxArray.Zeros([1, 3], DType.Int32), weights: MlxArray.Zeros([1, 3])).Item<float>());
        Assert.Equal(0f, Losses.CoreNet(logits, targets, 7).CrossEntropy.Item<float>());
        MlxArray gradient = Transforms.Grad(a => Losses.CoreNet(a[0], targets, 7).Total, [logits])[0];
        Assert.All(gradient.ToArray<float>(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Losses_of_elements_equal_their_twins_in_double()
    {
        using var scope = new ArrayScope();
        float[] y = [0.5f, -2, 30, -40, 0.1f, 1], t = [1, 0, 1, 0, 0.25f, 0.5f];
        MlxArray predictions = MlxArray.From<float>(y, 2, 3), targets = MlxArray.From<float>(t, 2, 3);
        void Equal(Func<double, double, double> twin, MlxArray each, MlxArray mean)
        {
            double[] wanted = [.. y.Zip(t, (a, b) => twin(a, b))];
            GoldenArrays.Close(wanted, each.Floats(), 1e-4, "each");
            GoldenArrays.Close([wanted.Average()], mean.Floats(), 1e-4, "mean");
        }
        Equal((a, b) => (a - b) * (a - b), Losses.MeanSquaredError(predictions, targets, LossReduction.None),
            Losses.MeanSquaredError(predictions, targets));
        Equal((a, b) => Math.Abs(a - b), Losses.AbsoluteError(predictions, targets, LossReduction.None),
            Losses.AbsoluteError(predictions, targets));
        Equal(
            (a, b) => Math.Log(1 + Math.Exp(a)) - a * b,
            Losses.BinaryCrossEntropy(predictions, targets, LossReduction.None),
            Losses.BinaryCrossEntropy(predictions, targets));
        double[] divergence = [.. new[] { 0, 3 }.Select(
            row => Enumerable.Range(row, 3).Sum(i => Math.Exp(t[i]) * (t[i] - y[i])))];
        GoldenArrays.Close(
            divergence, Losses.KlDivergence(predictions, targets, LossReduction.None).Floats(), 1e-4, "divergence");
        GoldenArrays.Close([divergence.Sum()], Losses.KlDivergence(predictions, targets, LossReduction.Sum).Floats(),
            1e-4, "divergence");
    }

    [Fact]
    public void Shapes_and_types_that_do_not_fit_are_refused()
    {
        using var scope = new ArrayScope();
        MlxArray logits = MlxArray.Ones([2, 3, 5]), targets = MlxArray.Zeros([2, 3], DType.Int32);
        string Refused(Func<MlxArray> loss) => Assert.Throws<ArgumentException>(() => loss()).Message;
        Assert.Contains("targets are [3] and logits without their last axis [2, 3]",
            Refused(() => Losses.CrossEntropy(logits, MlxArray.Zeros([3], DType.Int32))), StringComparison.Ordinal);
        Assert.Contains("weights are [3] and targets [2, 3]",
            Refused(() => Losses.CrossEntropy(logits, targets, weights: MlxArray.Ones([3]))), StringComparison.Ordinal);
        Assert.Contains("whole numbers", Refused(() => Losses.CrossEntropy(logits, MlxArray.Ones([2, 3]))),
            StringComparison.Ordinal);
        Assert.Contains("label smoothing is 1", Refused(() => Losses.CrossEntropy(logits, targets, labelSmoothing: 1)),
            StringComparison.Ordinal);
        Assert.Contains(
            "predictions [2, 3, 5]", Refused(() => Losses.MeanSquaredError(logits, targets)), StringComparison.Ordinal);
        Assert.Throws<MlxException>(() => Losses.CrossEntropy(logits, MlxArray.From<int>([0, 1, 2, 3, 4, 5], 2, 3)));
    }

    private static OpenElmModel Micro() => CoreNetModels.Load(
        Fixtures.Path("corenet/micro/checkpoint_average.pt"), Fixtures.Path("corenet/micro/architecture.json"));
}
