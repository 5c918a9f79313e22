using System.Text.Json;

namespace ElmMlx.Weights;

/// <summary>
/// A folder with a model: <c>config.json</c>, weights in one file or in shards, and usually a tokenizer. What
/// the tensors mean is not known here.
/// </summary>
public sealed class ModelFolder : IDisposable
{
    private ModelFolder(string path, string configuration, ModelLayout layout, WeightFiles weights)
    {
        Path = path;
        ConfigurationPath = configuration;
        Layout = layout;
        Weights = weights;
    }

    /// <summary>Opens a folder and checks the headers of its weights.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">It has no <c>config.json</c>, or no weights.</exception>
    /// <exception cref="InvalidDataException">A file is malformed.</exception>
    public static ModelFolder Open(string path)
    {
        if (!Directory.Exists(path))
            throw new DirectoryNotFoundException(
                File.Exists(path)
                    ? $"{path} is a file; a model is a folder with config.json and weights, such as " +
                        "mlx-convert writes."
                    : $"There is no folder {path}; convert a checkpoint with mlx-convert first.");
        string configuration = System.IO.Path.Combine(path, "config.json");
        if (!File.Exists(configuration))
            throw new FileNotFoundException(
                $"{path} has no config.json, so it is no model folder; convert a checkpoint with " +
                "mlx-convert first.");
        return new ModelFolder(path, configuration, LayoutOf(configuration), WeightFiles.Open(path));
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Its <c>config.json</c>.</summary>
    public string ConfigurationPath { get; }

    /// <summary>Which of the two layouts it has.</summary>
    public ModelLayout Layout { get; }

    /// <summary>The tensors.</summary>
    public WeightFiles Weights { get; }

    /// <summary>MLX's type of a tensor.</summary>
    /// <exception cref="InvalidDataException">MLX has none.</exception>
    public DType TypeOf(TensorInfo tensor) => TensorArrays.TypeOf(tensor, Path);

    /// <summary>A tensor as an array that needs the file no longer.</summary>
    /// <param name="tensor">One of <see cref="Weights"/>.</param>
    public MlxArray Read(TensorInfo tensor) => TensorArrays.Read(Weights[tensor.Name].File, tensor);

    /// <summary>
    /// All tensors as arrays that need the files no longer, read while they are asked for: a few at a time are in
    /// memory twice when the caller converts them.
    /// </summary>
    public IEnumerable<(TensorInfo Tensor, MlxArray Array)> ReadAll() =>
        Weights.Files.SelectMany(TensorArrays.ReadInOrder);

    /// <summary>Closes the files.</summary>
    public void Dispose() => Weights.Dispose();

    // mlx-lm's config.json says model_type; that of CoreNet's port does not.
    private static ModelLayout LayoutOf(string configuration)
    {
        const long limit = 16 << 20;
        if (new FileInfo(configuration).Length > limit)
            throw new InvalidDataException(
                $"{configuration} is larger than a configuration can be (16 MiB).");
        try
        {
            using var json =
                JsonDocument.Parse(File.ReadAllBytes(configuration), new JsonDocumentOptions { MaxDepth = 32 });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{configuration} is not a JSON object.");
            return json.RootElement.TryGetProperty("model_type", out _) ? ModelLayout.MlxLm : ModelLayout.CoreNet;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException(
                $"{configuration} is not valid JSON (line {e.LineNumber + 1}).", e);
        }
    }
}
