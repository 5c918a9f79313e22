using System.Text.Json;

namespace ElmMlx.Tools.Elm;

/// <summary>The curves of a <c>metrics.jsonl</c>, ordered by step.</summary>
/// <param name="TrainLoss">Loss of each step.</param>
/// <param name="ValidationLoss">Loss of each evaluation.</param>
/// <param name="LearningRate">Learning rate of each step.</param>
internal sealed record TrainingMetrics(
    IReadOnlyList<TrainingMetrics.Point> TrainLoss,
    IReadOnlyList<TrainingMetrics.Point> ValidationLoss,
    IReadOnlyList<TrainingMetrics.Point> LearningRate)
{
    /// <summary>One number of one step.</summary>
    public readonly record struct Point(double Step, double Value);

    /// <summary>
    /// Reads the file. Lines that are no objects with a step are passed over: a run that was killed may leave half a
    /// line, and one that went on from a checkpoint tells some steps twice, where the later line counts.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static TrainingMetrics Read(string path)
    {
        SortedDictionary<double, double> trainLoss = [], validationLoss = [], learningRate = [];
        foreach (string line in File.ReadLines(path))
        {
            if (Parse(line) is not { } document)
                continue;
            using (document)
            {
                if (Number(document.RootElement, "step") is not { } step)
                    continue;
                Keep(trainLoss, step, Number(document.RootElement, "train_loss"));
                Keep(validationLoss, step, Number(document.RootElement, "val_loss"));
                Keep(learningRate, step, Number(document.RootElement, "learning_rate"));
            }
        }

        return new TrainingMetrics(Points(trainLoss), Points(validationLoss), Points(learningRate));
    }

    private static JsonDocument? Parse(string line)
    {
        try
        {
            return JsonDocument.Parse(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static double? Number(JsonElement line, string name) =>
        line.ValueKind is JsonValueKind.Object
        && line.TryGetProperty(name, out JsonElement value)
        && value.ValueKind is JsonValueKind.Number
        && value.TryGetDouble(out double number) && double.IsFinite(number)
            ? number
            : null;

    private static void Keep(SortedDictionary<double, double> curve, double step, double? value)
    {
        if (value is { } number)
            curve[step] = number;
    }

    private static Point[] Points(SortedDictionary<double, double> curve) =>
        [.. curve.Select(entry => new Point(entry.Key, entry.Value))];
}
