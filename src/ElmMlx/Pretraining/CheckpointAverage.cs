using System.Buffers.Binary;
using ElmMlx.Checkpoints;
using ElmMlx.Checkpoints.Torch;
using ElmMlx.Weights;

namespace ElmMlx.Pretraining;

/// <summary>
/// The mean of checkpoints, as CoreNet averages them: summed in float64 in the given order, divided by the number of
/// those that have the tensor, in the type of the first.
/// </summary>
internal static class CheckpointAverage
{
    private const int PieceElements = 1 << 20;

    /// <summary>Writes the mean as a checkpoint.</summary>
    /// <param name="sources">At least one.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">A tensor has different shapes.</exception>
    public static void Write(IReadOnlyList<CheckpointSource> sources, string path)
    {
        SourceTensor[] tensors =
            [.. sources.SelectMany(source => source.Tensors.Values).DistinctBy(tensor => tensor.Name)];
        foreach (CheckpointSource source in sources)
            foreach (SourceTensor tensor in tensors)
                if (source.Tensors.TryGetValue(tensor.Name, out SourceTensor? own)
                    && !own.Shape.SequenceEqual(tensor.Shape))
                    throw new InvalidDataException(
                        $"{source.Path}: {own} is another shape than {tensor} of the checkpoints before it; average " +
                        "checkpoints of one model.");
        using var writer = new TorchWriter(
            path, [.. tensors.Select(tensor => new TensorSpec(tensor.Name, tensor.Type, tensor.Shape))]);
        foreach (SourceTensor tensor in tensors)
            Average(sources, tensor, bytes => writer.Write(tensor.Name, bytes));
        writer.Commit();
    }

    /// <summary>The mean of one tensor, in pieces.</summary>
    /// <param name="sources">Those without the tensor do not count.</param>
    /// <param name="tensor">As the first source that has it describes it.</param>
    /// <param name="write">Takes the next elements.</param>
    internal static void Average(IReadOnlyList<CheckpointSource> sources, SourceTensor tensor, Action<byte[]> write)
    {
        (CheckpointSource Source, SourceTensor Tensor)[] stored =
        [
            .. from source in sources
               where source.Tensors.ContainsKey(tensor.Name)
               select (source, source.Tensors[tensor.Name]),
        ];
        int piece = stored.All(entry => entry.Tensor.CanReadPieces) ? PieceElements : checked((int)tensor.ElementCount);
        for (long start = 0; start < tensor.ElementCount; start += piece)
        {
            var sum = new double[(int)Math.Min(piece, tensor.ElementCount - start)];
            foreach ((CheckpointSource source, SourceTensor own) in stored)
            {
                var bytes = new byte[sum.Length * own.Type.Size()];
                source.Read(own, start * own.Type.Size(), bytes);
                Add(own.Type, bytes, sum);
            }
            foreach (ref double value in sum.AsSpan())
                value /= stored.Length;
            write(Narrow(sum, tensor.Type));
        }
    }

    private static void Add(TensorType type, ReadOnlySpan<byte> bytes, Span<double> sum)
    {
        int size = type.Size();
        for (int i = 0; i < sum.Length; i++)
        {
            ReadOnlySpan<byte> element = bytes.Slice(i * size, size);
            sum[i] += type switch
            {
                TensorType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(element),
                TensorType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(element),
                TensorType.Float16 => (double)BinaryPrimitives.ReadHalfLittleEndian(element),
                TensorType.BFloat16 =>
                    BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
                TensorType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(element),
                _ => throw new NotSupportedException($"Checkpoints of {type.Name()} are not averaged."),
            };
        }
    }

    // Whole numbers are cut off towards zero; half precision is rounded by way of float32, as PyTorch does.
    private static byte[] Narrow(double[] values, TensorType type)
    {
        var bytes = new byte[values.Length * type.Size()];
        if (type is not (TensorType.Float64 or TensorType.Int64))
        {
            TensorCast.FromFloats(Array.ConvertAll(values, value => (float)value), type, bytes);
            return bytes;
        }
        for (int i = 0; i < values.Length; i++)
        {
            Span<byte> element = bytes.AsSpan(i * sizeof(double));
            if (type == TensorType.Int64)
                BinaryPrimitives.WriteInt64LittleEndian(element, (long)values[i]);
            else
                BinaryPrimitives.WriteDoubleLittleEndian(element, values[i]);
        }
        return bytes;
    }
}
