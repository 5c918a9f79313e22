using ElmMlx.Nn;
using ElmMlx.Optimizers;

namespace ElmMlx.Samples;

/// <summary>
/// Finds weights again that data was made with: y = 3·x₁ - 2·x₂ + x₃ + 0.5 and some noise.
/// <c>dotnet run --project samples/linear-regression</c>
/// </summary>
public static class LinearRegression
{
    /// <summary>The weights, and the number that is added, that the data is made with.</summary>
    public static readonly float[] Truth = [3, -2, 1, 0.5f];

    /// <summary>Runs the sample and prints what it finds.</summary>
    public static void Main()
    {
        (float[] found, float[] losses) = Run(steps: 200);
        for (int step = 0; step < losses.Length; step += 20)
            Console.WriteLine($"step {step,3}: loss {losses[step]:0.00000}");
        Console.WriteLine($"made with {string.Join(" ", Truth)}");
        Console.WriteLine($"found     {string.Join(" ", found.Select(each => each.ToString("0.000")))}");
    }

    /// <summary>Learns from 256 examples.</summary>
    /// <returns>Weights and bias, and the loss before each step.</returns>
    public static (float[] Found, float[] Losses) Run(int steps, ulong seed = 1)
    {
        using var scope = new ArrayScope();
        MlxRandom.Seed(seed);
        MlxArray x = MlxRandom.Normal([256, 3]);
        MlxArray noise = MlxRandom.Normal([256, 1], scale: 0.05f);
        MlxArray y = x.MatMul(MlxArray.From<float>(Truth.AsSpan(0, 3), 3, 1)) + Truth[3] + noise;

        using var model = new Linear(3, 1);
        using var optimizer = new Sgd(0.1);
        var losses = new float[steps];
        for (int step = 0; step < steps; step++)
        {
            using var inner = new ArrayScope();     // what a step makes on the way is freed at its end
            (MlxArray loss, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
                model, () => Losses.MeanSquaredError(model.Forward(x), y));
            optimizer.Update(model, gradients);
            model.Eval();
            losses[step] = loss.Item<float>();
        }
        return ([.. model.NamedParameters().SelectMany(entry => entry.Parameter.Value.ToArray<float>())], losses);
    }
}
