using System.Runtime.InteropServices;
using ElmMlx.Bindings;

namespace ElmMlx.Tests;

/// <summary>
/// The derivatives that MLX gets wrong, right. Its gradient of a sort takes the cotangents in sorted order, where they
/// belong back to where the elements came from; its tangent of logsumexp lacks the sum; its gradient of a convolution
/// whose paddings differ is longer than the input. The CPU provider must give the truth, libmlxc what the golden data
/// has. All of these cases are float32.
/// </summary>
internal static class GoldenDefects
{
    /// <summary>The gradients that the provider must give.</summary>
    public static GoldenTensor?[] Gradients(GoldenCase golden, GoldenTensor?[] wanted)
    {
        if (TestProvider.IsMlx)
            return wanted;
        if (golden.Operation == "conv_general")
            return [Cut(wanted[0]!, golden.Tensors[golden.Inputs[0].GetString()!].Shape), .. wanted[1..]];
        if (golden.Operation != "sort_axis")
            return wanted;
        GoldenTensor x = golden.Tensors[golden.Inputs[0].GetString()!];
        GoldenTensor cotangent = golden.Optional(golden.Record.GetProperty("vjp").GetProperty("cotangents"))[0]!;
        double[] values = x.Doubles(), along = cotangent.Doubles();
        var result = new float[values.Length];
        foreach (int[] line in Lines(x.Shape, golden.Arguments.GetProperty("axis").GetInt32()))
        {
            int[] sorted = [.. line.OrderBy(place => values[place])];
            for (int i = 0; i < line.Length; i++)
                result[sorted[i]] = (float)along[line[i]];
        }

        return [Tensor(result, x.Shape)];
    }

    /// <summary>The tangents that the provider must give.</summary>
    public static GoldenTensor?[] Tangents(GoldenCase golden, GoldenTensor?[] wanted)
    {
        if (TestProvider.IsMlx || golden.Operation != "logsumexp_axis")
            return wanted;
        GoldenTensor shares = wanted[0]!, value = golden.Outputs[0];
        double[] values = shares.Doubles();
        float[] sums = [.. Lines(shares.Shape, golden.Arguments.GetProperty("axis").GetInt32())
            .Select(line => (float)line.Sum(place => values[place]))];
        return [Tensor(sums, value.Shape)];
    }

    // The first elements of each axis
    private static GoldenTensor Cut(GoldenTensor tensor, int[] shape)
    {
        double[] values = tensor.Doubles();
        var kept = new List<float>();
        for (int i = 0; i < values.Length; i++)
        {
            bool isKept = true;
            for (int axis = shape.Length - 1, place = i; axis >= 0; place /= tensor.Shape[axis--])
                isKept &= place % tensor.Shape[axis] < shape[axis];
            if (isKept)
                kept.Add((float)values[i]);
        }

        return Tensor([.. kept], shape);
    }

    // Places in row-major order, a list each line along the axis
    private static IEnumerable<int[]> Lines(int[] shape, int axis)
    {
        int at = axis < 0 ? axis + shape.Length : axis;
        int inner = shape[(at + 1)..].Aggregate(1, (product, n) => product * n);
        int nLines = shape.Aggregate(1, (product, n) => product * n) / shape[at];
        return Enumerable.Range(0, nLines).Select(line => Enumerable.Range(0, shape[at])
            .Select(i => (line / inner * shape[at] + i) * inner + line % inner).ToArray());
    }

    private static GoldenTensor Tensor(float[] values, int[] shape) =>
        new(mlx_dtype.MLX_FLOAT32, shape, MemoryMarshal.AsBytes<float>(values).ToArray());
}
