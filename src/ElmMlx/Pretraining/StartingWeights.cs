using ElmMlx.Checkpoints;
using ElmMlx.Nn;
using ElmMlx.OpenElm;

namespace ElmMlx.Pretraining;

/// <summary>The model that a run begins with, in float32.</summary>
internal static class StartingWeights
{
    /// <summary>New weights, or those of the recipe's checkpoint or folder.</summary>
    /// <exception cref="FileNotFoundException">The checkpoint is not there.</exception>
    /// <exception cref="InvalidDataException">Its tensors are not those of the recipe's model.</exception>
    public static OpenElmModel Create(PretrainingRecipe recipe) => recipe.From is { } path
        ? Load(path, recipe.Model)
        : CoreNetInitialization.Create(recipe.Model, recipe.Seed);

    private static OpenElmModel Load(string path, OpenElmConfig config)
    {
        using CheckpointSource source = Open(path);
        if (source is FolderSource { Config.Quantization: not null })
            throw new InvalidDataException(
                $"{path} is quantised; mlx-convert --dequantize makes a folder that can be trained.");
        if (config.TieEmbeddings)
            source.DropRepeatedHead();
        var tensors = new Dictionary<string, MlxArray>(StringComparer.Ordinal);
        foreach (SourceTensor tensor in source.Tensors.Values)
            tensors.Add(tensor.Name, Owned.Take(MlxArray.From<float>(source.ReadFloats(tensor), [.. tensor.Shape])));
        return OpenElmModel.FromTensors(config, tensors, path);
    }

    private static CheckpointSource Open(string path) => Directory.Exists(path) ? FolderSource.Open(path)
        : File.Exists(path) ? TorchSource.Open(path)
        : throw new FileNotFoundException($"There is no checkpoint or model folder {path}.");
}
