using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Tools.Elm;

/// <summary>A model folder to load or convert; one that was made for it is deleted afterwards.</summary>
internal sealed class BenchmarkFolder : IDisposable
{
    private readonly string? _temporary;

    private BenchmarkFolder(string path, string? temporary)
    {
        Path = path;
        _temporary = temporary;
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Bytes of its weights.</summary>
    public long ByteCount
    {
        get
        {
            using ModelFolder folder = ModelFolder.Open(Path);
            return folder.Weights.Tensors.Sum(tensor => tensor.ByteCount);
        }
    }

    /// <summary>A folder that stays.</summary>
    public static BenchmarkFolder Existing(string path) => new(path, null);

    /// <summary>Writes a model into a temporary folder, in the layout that Hugging Face and mlx-lm share.</summary>
    public static BenchmarkFolder Write(OpenElmModel model)
    {
        string path = Directory.CreateTempSubdirectory("elm-benchmark-").FullName;
        BenchmarkFolder folder = new(path, path);
        try
        {
            WriteWeights(model, path);
            File.WriteAllText(System.IO.Path.Combine(path, "config.json"), model.Config.ToMlxLmJson());
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (_temporary is not null)
            Directory.Delete(_temporary, recursive: true);
    }

    private static void WriteWeights(OpenElmModel model, string path)
    {
        (string Name, MlxArray Value)[] tensors = [.. model.NamedParameters()
            .Select(entry => (OpenElmModel.MlxLmName(entry.Path), entry.Parameter.Value))];
        using WeightFilesWriter writer = new(path, "model", tensors.Select(tensor => Spec(tensor.Name, tensor.Value)));
        foreach ((string name, MlxArray value) in tensors)
            value.ReadBytes((bytes, _) => writer.Write(name, bytes));
        writer.Commit();
    }

    private static TensorSpec Spec(string name, MlxArray value) =>
        TensorTypes.TryParse(value.DType.Name(), out TensorType type)
        ? new(name, type, value.Shape)
        : throw new NotSupportedException($"{name} is {value.DType.Name()}, which has no place in a safetensors file.");
}
