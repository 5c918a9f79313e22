using System.Numerics;
using ElmMlx.Nn;
using ElmMlx.Optimizers;

namespace ElmMlx.Samples;

/// <summary>
/// An MLP that learns to read digits: pictures of 28 × 28 as MNIST's, drawn here with another stroke, place, size and
/// noise each time. <c>dotnet run --project samples/digits</c>
/// </summary>
public static class Digits
{
    private const int Side = 28;

    // The seven strokes of a digital clock: from and to, in a box of 1 × 2.
    private static readonly (float X0, float Y0, float X1, float Y1)[] Strokes =
        [(0, 0, 1, 0), (0, 0, 0, 1), (1, 0, 1, 1), (0, 1, 1, 1), (0, 1, 0, 2), (1, 1, 1, 2), (0, 2, 1, 2)];

    private static readonly string[] StrokesOf =
        ["012456", "25", "02346", "02356", "1235", "01356", "013456", "025", "0123456", "012356"];

    /// <summary>Runs the sample and prints how well it reads.</summary>
    public static void Main()
    {
        foreach ((int step, float loss, double accuracy) in Run(steps: 300, report: 50))
            Console.WriteLine($"step {step,3}: loss {loss:0.000}, {accuracy:P1} of 500 unseen digits are read");
    }

    /// <summary>Learns from 64 new pictures a step.</summary>
    /// <param name="steps">Number of steps.</param>
    /// <param name="report">Steps between two measurements.</param>
    /// <param name="seed">Of everything random.</param>
    /// <returns>After so many steps: the last step's loss, and the share of unseen digits that are read.</returns>
    public static List<(int Step, float Loss, double Accuracy)> Run(int steps, int report, int seed = 1)
    {
        using var scope = new ArrayScope();
        MlxRandom.Seed((ulong)seed);
        var random = new Random(seed);
        (MlxArray testPictures, MlxArray testDigits) = Draw(500, new Random(seed + 1));
        using var model = new Sequential(
            new Linear(Side * Side, 128), new Relu(), new Dropout(0.1), new Linear(128, 10));
        using var optimizer = new Adam(0.002);
        List<(int, float, double)> reports = [];
        for (int step = 1; step <= steps; step++)
        {
            using var inner = new ArrayScope();
            (MlxArray pictures, MlxArray digits) = Draw(64, random);
            model.Train();
            Dropout.Reseed(model, (ulong)seed, step);
            (MlxArray loss, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
                model, () => Losses.CrossEntropy(model.Forward(pictures), digits));
            optimizer.Update(model, gradients);
            MlxArray.Eval(
                [.. model.NamedParameters().Select(entry => entry.Parameter.Value), .. optimizer.State.Values]);
            if (step % report != 0)
                continue;
            model.Train(false);
            MlxArray isRight = model.Forward(testPictures).ArgMax(-1).Equal(testDigits);
            reports.Add((step, loss.Item<float>(), isRight.AsType(DType.Float32).Mean().Item<float>()));
        }
        return reports;
    }

    /// <summary>Pictures of digits, [n, 784] from 0 to 1, and the digits, [n].</summary>
    public static (MlxArray Pictures, MlxArray Digits) Draw(int n, Random random)
    {
        var pictures = new float[n * Side * Side];
        var digits = new int[n];
        for (int i = 0; i < n; i++)
        {
            digits[i] = random.Next(10);
            Draw(pictures.AsSpan(i * Side * Side, Side * Side), digits[i], random);
        }
        return (MlxArray.From<float>(pictures, n, Side * Side), MlxArray.From<int>(digits));
    }

    private static void Draw(Span<float> picture, int digit, Random random)
    {
        float Between(double low, double high) => (float)(low + (high - low) * random.NextDouble());
        (float width, float height, float slant) = (Between(6, 11), Between(7, 11), Between(-0.3, 0.3));
        (float left, float top, float pen) = (Between(6, 20 - width), Between(2, 26 - 2 * height), Between(1, 1.8));
        Vector2 At(float x, float y) => new(left + width * x - slant * height * (y - 1), top + height * y);
        foreach (char stroke in StrokesOf[digit])
        {
            (float x0, float y0, float x1, float y1) = Strokes[stroke - '0'];
            (Vector2 from, Vector2 way) = (At(x0, y0), At(x1, y1) - At(x0, y0));
            for (int pixel = 0; pixel < picture.Length; pixel++)
            {
                Vector2 here = new Vector2(pixel % Side, pixel / Side) - from;
                float share = Math.Clamp(Vector2.Dot(here, way) / way.LengthSquared(), 0, 1);
                picture[pixel] = Math.Max(picture[pixel], Math.Clamp(pen - (here - way * share).Length(), 0, 1));
            }
        }
        foreach (ref float pixel in picture)
            pixel = Math.Clamp(pixel + Between(-0.2, 0.2), 0, 1);
    }
}
