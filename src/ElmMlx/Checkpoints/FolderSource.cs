using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>A model folder: Hugging Face's, mlx-lm's, or that of CoreNet's MLX port.</summary>
internal sealed class FolderSource : CheckpointSource
{
    private readonly WeightFiles _weights;
    private readonly Dictionary<string, (SafetensorsFile File, TensorInfo Tensor)> _stored =
        new(StringComparer.Ordinal);
    private readonly string _folder;

    private FolderSource(string folder, OpenElmConfig config, WeightFiles weights)
    {
        _folder = folder;
        Config = config;
        _weights = weights;
        bool prefixed = false;
        foreach (TensorInfo tensor in weights.Tensors)
        {
            string name = TensorNames.ToCoreNet(tensor.Name);
            prefixed |= name != tensor.Name;
            Add(new SourceTensor(name, tensor.Type, tensor.Shape));
            _stored.Add(name, (weights[tensor.Name].File, tensor));
        }
        int files = weights.Files.Count();
        Description = (prefixed ? "model folder in the layout of mlx-lm and Hugging " +
            "Face" : "model folder in the layout of CoreNet's MLX port")
            + (files > 1 ? $", {files} files" : "") + (config.Quantization is null ? "" : ", quantised");
    }

    public static FolderSource Open(string folder)
    {
        string config = System.IO.Path.Combine(folder, "config.json");
        if (!File.Exists(config))
            throw new FileNotFoundException($"{folder} has no config.json, so it is not a model folder.");
        OpenElmConfig read = OpenElmConfig.FromFile(config);
        WeightFiles weights = WeightFiles.Open(folder);
        try
        {
            return new FolderSource(folder, read, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    public override string Path => _folder;

    public override string Description { get; }

    public OpenElmConfig Config { get; }

    public override void Read(SourceTensor tensor, long offset, Span<byte> destination)
    {
        (SafetensorsFile file, TensorInfo stored) = _stored[tensor.Name];
        file.Read(stored, offset, destination);
    }

    public override void Dispose() => _weights.Dispose();
}
