using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Lora;

/// <summary>The difference of two models as low-rank adapters of the first: fusing backwards.</summary>
public static class Unfuser
{
    /// <summary>Computes the adapters, matrix by matrix, and writes them as an adapter folder.</summary>
    /// <param name="baseFolder">The model without the adapters; it may be quantised.</param>
    /// <param name="modelFolder">The model with them.</param>
    /// <param name="rank">r of every adapter.</param>
    /// <param name="output">The folder to make.</param>
    /// <param name="maxError">The largest relative error of a matrix that is accepted; null accepts any.</param>
    /// <param name="overwrite">Whether an adapter folder that exists is replaced.</param>
    /// <param name="progress">Told each matrix that is done.</param>
    /// <param name="cancellation">Ends the work; nothing remains of the output.</param>
    /// <exception cref="ArgumentException">
    /// The rank is larger than a matrix, the models do not differ, or an error is larger than accepted.
    /// </exception>
    /// <exception cref="InvalidDataException">They are models of different shapes, or a file is malformed.</exception>
    public static UnfuseReport Run(
        string baseFolder, string modelFolder, int rank, string output, double? maxError = null, bool overwrite = false,
        IProgress<UnfusedMatrix>? progress = null, CancellationToken cancellation = default)
    {
        if (rank < 1)
            throw new ArgumentException($"The rank is {rank}; it must be at least 1.");
        OutputFolder.Check(output, overwrite, AdapterConfig.FileName);
        using DenseTensors before = DenseTensors.Open(baseFolder), after = DenseTensors.Open(modelFolder);
        CheckSameShapes(before, after);
        AdapterSet set = new(modelFolder) { AdaptsTiedOutput = true, BaseModel = baseFolder };
        List<UnfusedMatrix> matrices = [];
        List<string> others = [];
        int unchanged = 0;
        foreach ((string name, int[] shape) in before.Config.TensorShapes())
        {
            cancellation.ThrowIfCancellationRequested();
            float[] difference = after.Read(name);
            double size = Subtract(difference, before.Read(name));
            if (Array.TrueForAll(difference, value => value == 0))
                unchanged += shape.Length == 2 ? 1 : 0;
            else if (shape.Length != 2)
                others.Add(OpenElmModel.MlxLmName(name));
            else
                Add(set, matrices, name, shape, difference, size, rank, progress, cancellation);
        }
        if (matrices.Count == 0)
            throw new ArgumentException(
                $"{modelFolder} and {baseFolder} have the same matrices: there is nothing that an adapter could hold.");
        CheckErrors(matrices, rank, maxError);
        using OutputFolder folder = new(output, overwrite, AdapterConfig.FileName);
        MlxLmAdapters.Write(folder.Path, set, before.Config.Layers.Count);
        folder.Commit();
        return new UnfuseReport(matrices, unchanged, others);
    }

    private static void Add(
        AdapterSet set, List<UnfusedMatrix> matrices, string name, int[] shape, float[] difference, double size,
        int rank,
        IProgress<UnfusedMatrix>? progress, CancellationToken cancellation)
    {
        string module = name[..^".weight".Length];
        if (rank > Math.Min(shape[0], shape[1]))
            throw new ArgumentException(
                $"The rank is {rank}, and {OpenElmModel.MlxLmName(module)} is a matrix of [{shape[0]}, {shape[1]}]: " +
                $"choose at most {Math.Min(shape[0], shape[1])}.");
        Adapter adapter = Approximate(module, difference, shape, rank, cancellation);
        double change = Norm(difference);
        for (int row = 0; row < shape[0]; row++)
            adapter.Merge(difference.AsSpan(row * shape[1], shape[1]), row);
        UnfusedMatrix matrix = new(
            OpenElmModel.MlxLmName(module), shape[0], shape[1], size > 0 ? change / size : double.PositiveInfinity,
            Norm(difference) / change);
        set.Add(adapter with { Scale = 1 });
        matrices.Add(matrix);
        progress?.Report(matrix);
    }

    // With scale −1, so that merging it into the difference leaves the error.
    private static Adapter Approximate(
        string module, float[] difference, int[] shape, int rank, CancellationToken cancellation)
    {
        var svd = TruncatedSvd.Of(difference, shape[0], rank, cancellation);
        var rows = new float[shape[0] * rank];
        var columns = new float[rank * shape[1]];
        for (int k = 0; k < rank; k++)
        {
            double root = Math.Sqrt(svd.Values[k]);      // each factor takes half of the value
            for (int i = 0; i < shape[0]; i++)
                rows[i * rank + k] = (float)(root * svd.Left[k][i]);
            for (int i = 0; i < shape[1]; i++)
                columns[k * shape[1] + i] = (float)(root * svd.Right[k][i]);
        }
        return new Adapter
        {
            Module = module,
            Rank = rank,
            Rows = shape[0],
            Columns = shape[1],
            RowFactor = rows,
            ColumnFactor = columns,
            Scale = -1,
        };
    }

    private static void CheckSameShapes(DenseTensors before, DenseTensors after)
    {
        var shapes = after.Config.TensorShapes().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape);
        foreach ((string name, int[] shape) in before.Config.TensorShapes())
        {
            if (!shapes.Remove(name, out int[]? other))
                throw Different(name, $"{after.Path} has none");
            if (!other.SequenceEqual(shape))
                throw Different(
                    name,
                    $"[{string.Join(", ", shape)}] in {before.Path} and [{string.Join(", ", other)}] in {after.Path}");
        }
        if (shapes.Count > 0)
            throw Different(shapes.Keys.First(), $"{before.Path} has none");

        static InvalidDataException Different(string name, string how) => new(
            $"{OpenElmModel.MlxLmName(name)}: {how}; an adapter holds the difference of models of one shape only.");
    }

    private static void CheckErrors(List<UnfusedMatrix> matrices, int rank, double? maxError)
    {
        UnfusedMatrix worst = matrices.MaxBy(matrix => matrix.RelativeError)!;
        if (worst.RelativeError > maxError)
            throw new ArgumentException(FormattableString.Invariant(
                $"Rank {rank} leaves {worst.RelativeError:P1} of the difference of {worst.Name}, and at most ") +
                FormattableString.Invariant($"{maxError:P1} is accepted: choose a higher rank or accept more."));
    }

    // Leaves the difference in the first; the norm of the second comes back.
    private static double Subtract(float[] after, float[] before)
    {
        for (int i = 0; i < after.Length; i++)
            after[i] -= before[i];
        return Norm(before);
    }

    private static double Norm(float[] values)
    {
        double sum = 0;
        foreach (float value in values)
            sum += (double)value * value;
        return Math.Sqrt(sum);
    }
}
