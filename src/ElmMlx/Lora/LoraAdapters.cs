using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Lora;

/// <summary>
/// Adapters in mlx-lm's form: <c>adapter_config.json</c> and <c>adapters.safetensors</c> in one folder.
/// </summary>
public static class LoraAdapters
{
    /// <summary>
    /// Puts a folder's adapters on a model, or, where the whole weights were trained, those weights in it.
    /// </summary>
    /// <param name="model">The model that they were trained on.</param>
    /// <param name="folder">The folder.</param>
    /// <exception cref="FileNotFoundException">One of the two files is not there.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is malformed, or the adapters do not fit the model.
    /// </exception>
    public static void ApplyTo(OpenElmModel model, string folder)
    {
        AdapterConfig config = AdapterConfig.Read(folder);
        string path = Path.Combine(folder, "adapters.safetensors");
        if (!File.Exists(path))
            throw new FileNotFoundException(
                $"{folder} has no adapters.safetensors; name the folder that fine-tuning wrote.");
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (config.FineTuneType == "full")
            ApplyWeights(model, file);
        else
            ApplyLowRank(model, file, config);
    }

    private static void ApplyWeights(OpenElmModel model, SafetensorsFile file)
    {
        var parameters = model.NamedParameters().ToDictionary(entry => entry.Path, entry => entry.Parameter);
        var weights = new Dictionary<string, MlxArray>();
        foreach (TensorInfo tensor in file.Tensors.Values)
        {
            string name = OpenElmModel.CanonicalName(tensor.Name);
            if (!parameters.TryGetValue(name, out Parameter? parameter))
                throw new InvalidDataException(
                    $"{file.Path}: the model has no tensor {tensor.Name}; these weights belong to " +
                    "another model.");
            Require(file, tensor, parameter.Value.Shape);
            weights[name] = TensorArrays.Read(file, tensor);
        }
        model.Load(weights);
    }

    private static void ApplyLowRank(OpenElmModel model, SafetensorsFile file, AdapterConfig config)
    {
        var modules = model.NamedModules().ToDictionary(entry => entry.Path, entry => entry.Module);
        var paths = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string name in file.Tensors.Keys)
        {
            int dot = name.LastIndexOf('.');
            if (dot < 0 || name[dot..] is not (".lora_a" or ".lora_b" or ".m"))
                throw new InvalidDataException(
                    $"{file.Path}: {name} is no part of an adapter; they are named lora_a, lora_b and m.");
            paths.Add(name[..dot]);
        }
        foreach (string path in paths)
        {
            string canonical = OpenElmModel.CanonicalName(path);
            if (!modules.TryGetValue(canonical, out Module? module))
                throw new InvalidDataException(
                    $"{file.Path}: the model has no layer {path}; these adapters belong to another model.");
            model.Replace(canonical, module switch
            {
                LinearLayer linear => Wrap(linear, file, path, config),
                EmbeddingLayer embedding => Wrap(embedding, file, path, config),
                _ => throw new InvalidDataException(
                    $"{file.Path}: {path} is no layer that an adapter can be put on."),
            });
        }
    }

    private static LinearLayer Wrap(LinearLayer linear, SafetensorsFile file, string path, AdapterConfig config)
    {
        MlxArray a = Read(file, path + ".lora_a", linear.InputSize, config.Rank);
        MlxArray b = Read(file, path + ".lora_b", config.Rank, linear.OutputSize);
        if (file.Tensors.ContainsKey(path + ".m") != (config.FineTuneType == "dora"))
            throw new InvalidDataException(
                $"{file.Path}: adapter_config.json says {config.FineTuneType}, and {path}.m " +
                $"{(config.FineTuneType == "dora" ? "is missing" : "is there")}.");
        return config.FineTuneType == "dora"
            ? new DoraLinear(linear, a, b, Read(file, path + ".m", linear.OutputSize), config.Scale)
            : new LoraLinear(linear, a, b, config.Scale);
    }

    private static LoraEmbedding Wrap(EmbeddingLayer embedding, SafetensorsFile file, string path, AdapterConfig config)
    {
        if (config.FineTuneType == "dora")
            throw new InvalidDataException(
                $"{file.Path}: {path} is an embedding with a DoRA adapter, which is not implemented; " +
                "LoRA is.");
        return new LoraEmbedding(
            embedding, Read(file, path + ".lora_a", embedding.Count, config.Rank),
            Read(file, path + ".lora_b", config.Rank, embedding.Size), config.Scale);
    }

    private static MlxArray Read(SafetensorsFile file, string name, params int[] shape)
    {
        TensorInfo tensor = file[name];
        Require(file, tensor, shape);
        return TensorArrays.Read(file, tensor);
    }

    private static void Require(SafetensorsFile file, TensorInfo tensor, int[] shape)
    {
        if (!tensor.Shape.SequenceEqual(shape))
            throw new InvalidDataException(
                $"{file.Path}: {tensor.Name} is [{string.Join(", ", tensor.Shape)}], and this model " +
                $"with this adapter_config.json needs [{string.Join(", ", shape)}].");
    }
}
