using ElmMlx.Samples;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>The programs of <c>samples/</c>, in short runs.</summary>
[Collection(GradientCollection.Name)]
public sealed class SampleTests
{
    [Fact]
    public void Linear_regression_finds_the_weights_that_the_data_was_made_with()
    {
        (float[] found, float[] losses) = LinearRegression.Run(steps: 60);
        GoldenArrays.Close([.. LinearRegression.Truth.Select(value => (double)value)], found, 0.02, "weights");
        Assert.True(losses[^1] < losses[0] / 100, $"the loss went from {losses[0]} to {losses[^1]}");
    }

    [Fact]
    public void Digits_are_read()
    {
        List<(int Step, float Loss, double Accuracy)> reports = Digits.Run(steps: 150, report: 75);
        Assert.Equal([75, 150], reports.Select(report => report.Step));
        Assert.True(reports[1].Loss < reports[0].Loss, $"the loss went from {reports[0].Loss} to {reports[1].Loss}");
        Assert.True(reports[1].Accuracy > 0.9, $"{reports[1].Accuracy:P1} were read");
    }

    [Fact]
    public void Drawn_digits_are_pictures_and_no_two_are_alike()
    {
        using var scope = new ArrayScope();
        (MlxArray pictures, MlxArray digits) = Digits.Draw(50, new Random(3));
        Assert.Equal(10, digits.ToArray<int>().Distinct().Count());
        Assert.All(pictures.ToArray<float>(), pixel => Assert.InRange(pixel, 0, 1));
        Assert.Equal(50, pictures.ToArray<float>().Chunk(784).Select(picture => picture.Sum()).Distinct().Count());
    }

    [Fact]
    public void Letters_are_learnt()
    {
        (float[] losses, string spoken) = Characters.Run(steps: 100, spokenLength: 40);
        Assert.True(losses.Take(5).Average() > 3, $"a new model's loss is {losses[0]}");
        Assert.True(losses.TakeLast(5).Average() < 2.2, $"the loss went from {losses[0]} to {losses[^1]}");
        Assert.StartsWith("The Owl", spoken, StringComparison.Ordinal);
        Assert.Equal(40, spoken.Length);
    }
}
