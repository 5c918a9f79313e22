using System.Text.Json;

namespace ElmMlx.Tests;

/// <summary>Compares a case's outputs with the golden ones, as its <c>compare</c> field says.</summary>
internal static class GoldenComparison
{
    /// <summary>What is wrong; null when the outputs pass.</summary>
    public static string? Difference(GoldenCase golden, GoldenTensor[] got)
    {
        GoldenTensor[] want = golden.Outputs;
        if (got.Length != want.Length)
            return $"{got.Length} outputs instead of {want.Length}";
        double rtol = golden.Tolerance("rtol"), atol = golden.Tolerance("atol");
        return golden.Compare switch
        {
            null => Plain(
                got, want, golden.Exact ?? GoldenQuantizedExact.Of(golden) ?? GoldenErfExact.Of(golden), rtol, atol),
            "partition" => Partition(golden, got[0], want[0]),
            "unordered" => Unordered(golden, got[0], want[0]),
            "distribution" => got[0].Type != want[0].Type || !got[0].Shape.AsSpan().SequenceEqual(want[0].Shape)
                ? $"{GoldenValues.Text(got[0])} instead of {GoldenValues.Text(want[0])}"
                : null,
            "qr" => GoldenValues.Difference(Diagonal(got[1]), Diagonal(want[1]), rtol, atol)
                ?? Restores(golden, got[0], null, got[1], isRightTransposed: false, rtol, atol),
            "eigh" => GoldenValues.Difference(got[0].Doubles(), want[0].Doubles(), rtol, atol)
                ?? Restores(golden, got[1], got[0], got[1], isRightTransposed: true, rtol, atol),
            "svd" => GoldenValues.Difference(got[1].Doubles(), want[1].Doubles(), rtol, atol)
                ?? Restores(golden, got[0], got[1], got[2], isRightTransposed: false, rtol, atol),
            _ => $"no comparison '{golden.Compare}'",
        };
    }

    private static string? Plain(
        GoldenTensor[] got, GoldenTensor[] want, GoldenTensor[]? exact, double rtol, double atol)
    {
        for (int i = 0; i < want.Length; i++)
        {
            if (GoldenValues.Difference(got[i], want[i], rtol, atol, exact?[i]) is { } difference)
                return want.Length == 1 ? difference : $"output {i}: {difference}";
        }

        return null;
    }

    private static string? Partition(GoldenCase golden, GoldenTensor got, GoldenTensor want)
    {
        GoldenTensor input = golden.Tensors[golden.Inputs[0].GetString()!];
        bool isFlat = !golden.Arguments.TryGetProperty("axis", out JsonElement axisArgument);
        int axis = isFlat ? 0 : axisArgument.GetInt32();
        int[] shape = isFlat ? [input.Doubles().Length] : input.Shape;
        double[][] sources = Lines(input.Doubles(), shape, axis);
        double[][] gotLines = Lines(got.Doubles(), shape, axis), wantLines = Lines(want.Doubles(), shape, axis);
        bool isIndices = golden.Operation.StartsWith("arg", StringComparison.Ordinal);
        for (int line = 0; line < sources.Length; line++)
        {
            double[] source = sources[line];
            double[] values = isIndices ? [.. gotLines[line].Select(i => source[(int)i])] : gotLines[line];
            double[] wanted = isIndices ? [.. wantLines[line].Select(i => source[(int)i])] : wantLines[line];
            int kth = golden.Arguments.GetProperty("kth").GetInt32();
            kth = kth < 0 ? kth + source.Length : kth;
            if (values[kth] != wanted[kth] || values[..kth].Any(x => x > values[kth])
                || values[kth..].Any(x => x < values[kth]) || !values.Order().SequenceEqual(source.Order()))
                return $"line {line} is not a partition at {kth}";
        }

        return null;
    }

    private static string? Unordered(GoldenCase golden, GoldenTensor got, GoldenTensor want)
    {
        if (got.Type != want.Type || !got.Shape.AsSpan().SequenceEqual(want.Shape))
            return $"{GoldenValues.Text(got)} instead of {GoldenValues.Text(want)}";
        int axis = golden.Arguments.TryGetProperty("axis", out JsonElement argument) ? argument.GetInt32() : -1;
        double[][] a = Lines(got.Doubles(), got.Shape, axis), b = Lines(want.Doubles(), want.Shape, axis);
        for (int line = 0; line < a.Length; line++)
        {
            if (!a[line].Order().SequenceEqual(b[line].Order()))
                return $"line {line} has other values";
        }

        return null;
    }

    /// <summary>The lines of numbers along an axis.</summary>
    private static double[][] Lines(double[] values, int[] shape, int axis)
    {
        int at = axis < 0 ? axis + shape.Length : axis;
        int length = shape[at];
        int inner = shape[(at + 1)..].Aggregate(1, (product, n) => product * n);
        int nLines = length == 0 ? 0 : values.Length / length;
        return [.. Enumerable.Range(0, nLines).Select(line =>
            Enumerable.Range(0, length)
                .Select(i => values[(line / inner * length + i) * inner + line % inner]).ToArray())];
    }

    // Matrices may be stacked along leading axes.
    private static string? Restores(
        GoldenCase golden, GoldenTensor left, GoldenTensor? factors, GoldenTensor right, bool isRightTransposed,
        double rtol, double atol)
    {
        GoldenTensor input = golden.Tensors[golden.Inputs[0].GetString()!];
        double[] wanted = input.Doubles(), a = left.Doubles(), b = right.Doubles(), s = factors?.Doubles() ?? [];
        int rows = input.Shape[^2], columns = input.Shape[^1], nMatrices = wanted.Length / (rows * columns);
        int aWidth = left.Shape[^1], bHeight = right.Shape[^2], bWidth = right.Shape[^1];
        int depth = factors?.Shape[^1] ?? aWidth;
        var product = new double[wanted.Length];
        for (int i = 0; i < product.Length; i++)
        {
            int matrix = i / (rows * columns), row = i / columns % rows, column = i % columns;
            for (int k = 0; k < depth; k++)
            {
                int bAt = isRightTransposed ? column * bWidth + k : k * bWidth + column;
                product[i] += a[matrix * (a.Length / nMatrices) + row * aWidth + k]
                    * (factors is null ? 1 : s[matrix * depth + k]) * b[matrix * bHeight * bWidth + bAt];
            }
        }

        return GoldenValues.Difference(product, wanted, rtol, atol);
    }

    private static double[] Diagonal(GoldenTensor matrix)
    {
        double[] values = matrix.Doubles();
        int height = matrix.Shape[^2], width = matrix.Shape[^1];
        return [.. Enumerable.Range(0, values.Length)
            .Where(i => i % (height * width) / width == i % width)
            .Select(i => Math.Abs(values[i]))];
    }
}
