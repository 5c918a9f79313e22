using ElmMlx.Weights;

namespace ElmMlx.Training;

/// <summary>Arrays by name as a safetensors file.</summary>
internal static class ArrayFile
{
    /// <summary>Writes all of them; the file exists only when it is complete.</summary>
    public static void Write(
        string path, IReadOnlyDictionary<string, MlxArray> arrays, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var writer = new SafetensorsWriter(
            path,
            arrays.Select(entry => new TensorSpec(entry.Key, TensorArrays.TypeOf(entry.Value), entry.Value.Shape)),
            metadata);
        foreach ((string name, MlxArray array) in arrays)
            array.ReadBytes((bytes, _) => writer.Write(name, bytes));
        writer.Commit();
    }

    /// <summary>Reads all of them.</summary>
    public static Dictionary<string, MlxArray> Read(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        return TensorArrays.ReadAll(file);
    }
}
