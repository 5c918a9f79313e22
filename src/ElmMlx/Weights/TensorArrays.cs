namespace ElmMlx.Weights;

/// <summary>Tensors of files as arrays, and back. Only memory goes to MLX, never a path or a name.</summary>
internal static unsafe class TensorArrays
{
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

    /// <summary>A tensor's elements, copied from the file's memory map.</summary>
    public static MlxArray Read(SafetensorsFile file, TensorInfo tensor)
    {
        DType type = TypeOf(tensor, file.Path);
        int[] shape = [.. tensor.Shape];
        if (tensor.ByteCount > int.MaxValue)
            throw new InvalidDataException(
                $"{file.Path}: {tensor.Name} has more than 2 GiB, which is more than one array is " +
                "loaded with.");
        return MlxArray.FromBytes(new ReadOnlySpan<byte>(file.Pointer(tensor), (int)tensor.ByteCount), type, shape);
    }

    /// <summary>All tensors of a file by name.</summary>
    public static Dictionary<string, MlxArray> ReadAll(SafetensorsFile file) =>
        file.Tensors.Values.ToDictionary(tensor => tensor.Name, tensor => Read(file, tensor), StringComparer.Ordinal);
}
