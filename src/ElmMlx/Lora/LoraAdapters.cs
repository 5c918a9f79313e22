using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Lora;

/// <summary>Adapters on a model: new ones that are to be trained, and those of folders.</summary>
public static class LoraAdapters
{
    /// <summary>
    /// Puts new adapters on a model and freezes everything else; where the weights themselves are to be trained,
    /// freezes all but the last layers. A begins evenly in ±1/√in, B with zeros: the model answers as before.
    /// </summary>
    /// <param name="model">A model without adapters.</param>
    /// <param name="options">Which adapters.</param>
    /// <returns>What <c>adapter_config.json</c> says about them.</returns>
    /// <exception cref="ArgumentException">
    /// A key matches nothing, a rank is larger than a matrix, or the model cannot be trained so.
    /// </exception>
    public static AdapterConfig AddTo(OpenElmModel model, LoraOptions options)
    {
        LoraTargets targets = new(model);
        if (options.Type == FineTuneType.Full)
            return Unfreeze(model, targets.FirstLayer(options.LayerCount), options);
        CheckNumbers(options);
        IReadOnlyList<(string Path, Module Module)> found = targets.Find(options);
        foreach ((string path, Module module) in found)
            CheckRank(path, module, options.Rank);
        model.Freeze();
        using ArrayScope scope = new();
        MlxArray key = MlxRandom.Key(options.Seed);
        foreach ((string path, Module module) in found)
        {
            (key, MlxArray own) = MlxRandom.Split(key);
            model.Replace(path, Adapted(module, options, own));
        }
        AdapterConfig config = options.Pattern is null
            ? new AdapterConfig { Keys = options.Keys, LayerCount = options.LayerCount }
            : MlxLmAdapters.Covering(found.Select(entry => entry.Path), model.Config.Layers.Count);
        return config with
        {
            Type = options.Type,
            Rank = options.Rank,
            Scale = options.Scale,
            Dropout = options.Dropout,
        };
    }

    /// <summary>
    /// Puts a folder's adapters on a model, or, where the whole weights were trained, those weights in it.
    /// </summary>
    /// <param name="model">The model that they were trained on.</param>
    /// <param name="folder">A folder of mlx-lm's or of PEFT's.</param>
    /// <exception cref="FileNotFoundException">A file is not there.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is malformed, or the adapters do not fit the model.
    /// </exception>
    public static void ApplyTo(OpenElmModel model, string folder)
    {
        if (!PeftAdapters.Are(folder) && AdapterConfig.Read(folder).Type == FineTuneType.Full)
        {
            LoadWeights(model, MlxLmAdapters.FileIn(folder));
            return;
        }
        AdapterSet set = AdapterSet.Read(folder);
        set.CheckAgainst(model.Config.TensorShapes().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape));
        var modules = model.NamedModules().ToDictionary(entry => entry.Path, entry => entry.Module);
        using ArrayScope scope = new();
        foreach ((string path, Adapter adapter) in set.Adapters)
        {
            MlxArray a = MlxArray.From<float>(adapter.InputFactor, adapter.Inputs, adapter.Rank);
            MlxArray b = MlxArray.From<float>(adapter.OutputFactor, adapter.Rank, adapter.Outputs);
            MlxArray? m = adapter.Magnitudes is { } lengths ? MlxArray.From<float>(lengths) : null;
            model.Replace(path, AdapterLayers.Wrap(
                modules[path], a, b, m, adapter.Scale, adapter.Dropout, set.AdaptsTiedOutput));
        }
    }

    /// <summary>Fills parameters of a model from a file: adapters that are there already, or whole weights.</summary>
    /// <param name="model">The model, with adapters where the file has some.</param>
    /// <param name="path">A file that <see cref="Save"/> or mlx-lm wrote.</param>
    /// <exception cref="InvalidDataException">The model has no such tensor, or its shape differs.</exception>
    public static void LoadWeights(OpenElmModel model, string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        var parameters = model.NamedParameters().ToDictionary(entry => entry.Path, entry => entry.Parameter);
        var weights = new Dictionary<string, MlxArray>();
        foreach (TensorInfo tensor in file.Tensors.Values)
        {
            string name = OpenElmModel.CanonicalName(tensor.Name);
            if (!parameters.TryGetValue(name, out Parameter? parameter))
                throw new InvalidDataException(
                    $"{path}: the model has no tensor {tensor.Name}; these weights belong to another model.");
            if (!tensor.Shape.SequenceEqual(parameter.Value.Shape))
                throw new InvalidDataException(
                    $"{path}: {tensor.Name} is [{string.Join(", ", tensor.Shape)}], and the model needs " +
                    $"{Shapes.Text(parameter.Value.Shape)}.");
            weights[name] = TensorArrays.Read(file, tensor);
        }
        model.Load(weights);
    }

    /// <summary>
    /// Writes a model's adapters, or without any its trainable weights, under mlx-lm's names. The file is there
    /// only when it is complete.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="path">The file: <c>adapters.safetensors</c> in an adapter folder.</param>
    /// <exception cref="ArgumentException">The model has neither.</exception>
    public static void Save(OpenElmModel model, string path)
    {
        (string Name, MlxArray Value)[] tensors = [.. ParametersOf(model)
            .Select(entry => (OpenElmModel.MlxLmName(entry.Path), entry.Parameter.Value))];
        if (tensors.Length == 0)
            throw new ArgumentException(
                "The model has neither adapters nor weights that are trained; there is nothing to save.");
        using SafetensorsWriter writer = new(
            path,
            tensors.Select(tensor =>
                new TensorSpec(tensor.Name, TensorArrays.TypeOf(tensor.Value), tensor.Value.Shape)),
            new Dictionary<string, string> { ["format"] = "mlx" });
        foreach ((string name, MlxArray value) in tensors)
            value.ReadBytes((bytes, _) => writer.Write(name, bytes));
        writer.Commit();
    }

    private static IEnumerable<(string Path, Parameter Parameter)> ParametersOf(OpenElmModel model)
    {
        HashSet<string> adapted =
            [.. model.NamedModules().Where(entry => entry.Module is IAdapterLayer).Select(entry => entry.Path)];
        return adapted.Count == 0
            ? model.TrainableParameters()
            : model.NamedParameters().Where(entry =>
                entry.Path.LastIndexOf('.') is > 0 and var dot && adapted.Contains(entry.Path[..dot]));
    }

    private static AdapterConfig Unfreeze(OpenElmModel model, int first, LoraOptions options)
    {
        if (model.Config.Quantization is not null)
            throw new ArgumentException(
                "The model is quantised, and packed matrices cannot be trained: train adapters (lora, dora), or " +
                "convert it with mlx-convert --dequantize first.");
        model.Freeze();
        foreach ((string path, Parameter parameter) in model.NamedParameters())
            if (LoraTargets.LayerOf(path) >= first)
                parameter.IsTrainable = true;
        return new AdapterConfig { Type = FineTuneType.Full, LayerCount = options.LayerCount };
    }

    private static void CheckNumbers(LoraOptions options)
    {
        if (options.Rank < 1)
            throw new ArgumentException($"The rank is {options.Rank}; it must be at least 1.");
        if (!double.IsFinite(options.Scale))
            throw new ArgumentException($"The scale is {options.Scale}; it must be a number.");
        if (!(options.Dropout is >= 0 and < 1))
            throw new ArgumentException($"The dropout is {options.Dropout}; it must be at least 0 and below 1.");
    }

    private static void CheckRank(string path, Module module, int rank)
    {
        (int inputs, int outputs) = AdapterLayers.SizeOf(module);
        string shape = module is EmbeddingLayer ? $"[{inputs}, {outputs}]" : $"[{outputs}, {inputs}]";
        if (rank > Math.Min(inputs, outputs))
            throw new ArgumentException(
                $"The rank is {rank}, and {OpenElmModel.MlxLmName(path)} is a matrix of {shape}: choose at most " +
                $"{Math.Min(inputs, outputs)}, or name other modules.");
    }

    private static Module Adapted(Module module, LoraOptions options, MlxArray key)
    {
        (int inputs, int outputs) = AdapterLayers.SizeOf(module);
        double bound = 1 / Math.Sqrt(inputs);
        MlxArray a = MlxRandom.Uniform([inputs, options.Rank], -bound, bound, key: key);
        MlxArray b = MlxArray.Zeros([options.Rank, outputs]);
        MlxArray? m = options.Type == FineTuneType.Dora ? RowNorms.Of(AdapterLayers.DenseWeight(module)) : null;
        MlxArray.Eval(new[] { a, b, m }.OfType<MlxArray>());
        return AdapterLayers.Wrap(module, a, b, m, options.Scale, options.Dropout);
    }
}
