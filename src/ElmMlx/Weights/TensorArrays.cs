using System.Runtime.ExceptionServices;

namespace ElmMlx.Weights;

/// <summary>
/// Tensors of files as arrays, and back. Only memory goes to MLX, never a path or a name. Elements are read, not
/// mapped: a file that changes or shrinks later cannot reach the arrays, and reading into huge pages on all cores takes
/// half the time that touching the pages of a map does.
/// </summary>
internal static unsafe class TensorArrays
{
    /// <summary>Tensors that lie end to end share blocks of about this size.</summary>
    private const long BlockBytes = 32 << 20;

    /// <summary>Elements begin at multiples of this in memory.</summary>
    private const int AlignmentBytes = 64;

    /// <summary>MLX's type of a tensor.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="source">The file or folder, for the error.</param>
    public static DType TypeOf(TensorInfo tensor, string source) => DTypes.TryParse(tensor.Type.Name(), out DType type)
        ? type
        : throw new InvalidDataException(
            $"{source}: {tensor.Name} is {tensor.Type.Name()}, which MLX has no arrays of.");

    /// <summary>The type of an array in a file.</summary>
    public static TensorType TypeOf(MlxArray array) => TensorTypes.TryParse(array.DType.Name(), out TensorType type)
        ? type
        : throw new ArgumentException(
            $"Arrays of {array.DType.Name()} have no place in a safetensors file.", nameof(array));

    /// <summary>A tensor's elements, read from the file.</summary>
    public static MlxArray Read(SafetensorsFile file, TensorInfo tensor) => ReadBlock(file, [tensor])[0];

    /// <summary>All tensors of a file by name.</summary>
    public static Dictionary<string, MlxArray> ReadAll(SafetensorsFile file) =>
        ReadInOrder(file).ToDictionary(entry => entry.Tensor.Name, entry => entry.Array, StringComparer.Ordinal);

    /// <summary>All tensors of a file as they lie in it, read block by block while they are asked for.</summary>
    public static IEnumerable<(TensorInfo Tensor, MlxArray Array)> ReadInOrder(SafetensorsFile file)
    {
        List<TensorInfo> block = [];
        foreach (TensorInfo tensor in file.Tensors.Values.OrderBy(tensor => tensor.Offset))
        {
            long offset = block.Count == 0 ? 0 : tensor.Offset - block[0].Offset;
            if (offset % AlignmentBytes != 0 || offset + tensor.ByteCount > Math.Max(BlockBytes, tensor.ByteCount))
            {
                foreach (var entry in block.Zip(ReadBlock(file, block)))
                    yield return entry;
                block.Clear();
            }
            block.Add(tensor);
        }
        foreach (var entry in block.Zip(ReadBlock(file, block)))
            yield return entry;
    }

    /// <summary>Tensors that lie end to end in a file, as arrays in one block of memory.</summary>
    private static MlxArray[] ReadBlock(SafetensorsFile file, List<TensorInfo> tensors)
    {
        if (tensors.Count == 0)
            return [];
        DType[] types = [.. tensors.Select(tensor => TypeOf(tensor, file.Path))];
        long start = tensors[0].Offset, byteCount = tensors[^1].Offset + tensors[^1].ByteCount - start;
        var block = new WeightBlock(byteCount);
        try
        {
            ReadPages(file, start, block.Start, byteCount);
            return [.. tensors.Select((tensor, i) => block.Array(tensor.Offset - start, types[i], [.. tensor.Shape]))];
        }
        finally
        {
            block.Release();
        }
    }

    /// <summary>Bytes of a file on all cores, each thread a huge page of memory at a time.</summary>
    private static void ReadPages(SafetensorsFile file, long offset, byte* destination, long byteCount)
    {
        const int page = WeightBlock.HugePageBytes;
        int nPages = (int)((byteCount + page - 1) / page);
        if (nPages <= 1)
        {
            Read(0);
            return;
        }
        try
        {
            Parallel.For(0, nPages, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, Read);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }

        void Read(int index)
        {
            long first = (long)index * page;
            file.Read(offset + first, new Span<byte>(destination + first, (int)Math.Min(page, byteCount - first)));
        }
    }
}
