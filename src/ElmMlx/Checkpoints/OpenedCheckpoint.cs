using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>
/// An input that is understood: its tensors are known to be those of its configuration, and adapters are told apart
/// from the weights they belong to.
/// </summary>
internal sealed class OpenedCheckpoint : IDisposable
{
    private readonly Dictionary<string, SourceTensor> _weights = new(StringComparer.Ordinal);

    private OpenedCheckpoint(CheckpointSource source) => Source = source;

    public CheckpointSource Source { get; }

    public OpenElmConfig Config { get; private set; } = null!;

    public CoreNetYaml? Yaml { get; private set; }

    /// <summary>Adapters to merge or to keep; null when there are none.</summary>
    public AdapterSet? Adapters { get; private set; }

    /// <summary>Whole weights that were trained and take the place of the input's; null when there are none.</summary>
    public CheckpointSource? Replacements { get; private set; }

    public List<string> Notes { get; } = [];

    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is malformed, or its tensors are not those of the configuration.
    /// </exception>
    public static OpenedCheckpoint Open(ConvertOptions options)
    {
        var result = new OpenedCheckpoint(OpenSource(options.Input, options.Weights));
        try
        {
            result.Understand(options);
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>A weight's rows, dequantised or packed as they are.</summary>
    public TensorRows Rows(string name) => Replacements?.Tensors.GetValueOrDefault(name) is { } replacement
        ? new StoredRows(Replacements, replacement)
        : new StoredRows(Source, _weights[name]);

    /// <summary>Whether a matrix is quantised.</summary>
    /// <param name="module">CoreNet's path.</param>
    public bool IsQuantized(string module) => _weights.ContainsKey(module + ".scales");

    /// <summary>A matrix's rows in a floating type, whether it is quantised or not.</summary>
    /// <param name="name">CoreNet's name.</param>
    /// <param name="packedType">The type of packed ones; null for that of their scales.</param>
    public TensorRows FloatingRows(string name, TensorType? packedType = null)
    {
        string module = name.EndsWith(".weight", StringComparison.Ordinal) ? name[..^".weight".Length] : name;
        if (!IsQuantized(module))
            return Rows(name);
        QuantizationSettings settings = Config.Quantization!.For(module);
        return new DequantizedRows(
            Rows(name), Rows(module + ".scales"),
            _weights.ContainsKey(module + ".biases") ? Rows(module + ".biases") : null,
            Columns(module, settings), settings, packedType);
    }

    /// <summary>The type of the input's matrix, or that in which its packed rows are handed out.</summary>
    public TensorType FloatingType(string name)
    {
        string module = name.EndsWith(".weight", StringComparison.Ordinal) ? name[..^".weight".Length] : name;
        return IsQuantized(module) ? FloatingRows(name).Type : _weights[name].Type;
    }

    public bool Contains(string name) => _weights.ContainsKey(name);

    public void Dispose()
    {
        Replacements?.Dispose();
        Source.Dispose();
    }

    private int Columns(string module, QuantizationSettings settings) =>
        checked((int)((long)_weights[module + ".weight"].Shape[1] * 32 / settings.Bits));

    private static CheckpointSource OpenSource(string input, WeightsChoice choice)
    {
        if (Directory.Exists(input))
        {
            if (choice != WeightsChoice.Model)
                throw new ArgumentException("--weights chooses among the weights of a training checkpoint; a model " +
                    "folder has only one set.");
            return FolderSource.Open(input);
        }
        if (!File.Exists(input))
            throw new FileNotFoundException($"There is no file or folder {input}.");
        return TorchSource.Open(input, choice);
    }

    private void Understand(ConvertOptions options)
    {
        Yaml = options.ConfigYaml is null ? null : CoreNetYaml.Read(Existing(options.ConfigYaml, "--config-yaml"));
        if (IsTied(options))
            Source.DropRepeatedHead();
        foreach (SourceTensor tensor in Source.Tensors.Values)
        {
            if (CoreNetAdapters.IsAdapterTensor(tensor.Name))
                continue;
            string name = CoreNetAdapters.BaseName(tensor.Name);
            if (!_weights.TryAdd(name, tensor))
                throw new InvalidDataException($"{Source.Path}: {name} stands there both with and without base_layer.");
        }
        Config = Source is FolderSource folder ? FolderConfig(folder, options) : CheckpointConfig(options);
        CheckTensors();
        ReadAdapters(options);
        Notes.AddRange(Source.Notes);
    }

    // Only an architecture or a config.json can untie the output layer.
    private bool IsTied(ConvertOptions options) =>
        Source is FolderSource folder ? folder.Config.TieEmbeddings
        : options.Architecture is null
            || OpenElmConfig.FromFile(Existing(options.Architecture, "--architecture")).TieEmbeddings;

    private OpenElmConfig FolderConfig(FolderSource folder, ConvertOptions options)
    {
        if (Yaml is not null && options.Adapter is null || options.Architecture is not null)
            throw new ArgumentException($"{folder.Path} is a model folder, whose config.json describes it; leave " +
                "--config-yaml and --architecture away.");
        return folder.Config;
    }

    private OpenElmConfig CheckpointConfig(ConvertOptions options)
    {
        var shapes = _weights.ToDictionary(entry => entry.Key, entry => entry.Value.Shape.ToArray());
        int rows = shapes.TryGetValue("token_embeddings.weight", out int[]? embedding) && embedding.Length == 2
            ? embedding[0]
            : 0;
        OpenElmConfig config;
        if (options.Architecture is not null)
        {
            config = OpenElmConfig.FromFile(Existing(options.Architecture, "--architecture"));
            if (Yaml?.ModelName is { } name && name != config.ModelName)
                Notes.Add($"{Yaml.Path} calls the model {name}, {options.Architecture} calls it {config.ModelName}.");
        }
        else if (Yaml?.ModelName is { } name &&
            OpenElmConfig.TryFromName(name, Yaml.VocabularySize ?? Math.Max(1, rows), out OpenElmConfig? known))
        {
            config = known;
        }
        else
        {
            config = OpenElmConfig.InferFromShapes(shapes, Source.Path);
            bool recognised = OpenElmConfig.KnownNames.Contains(config.ModelName);
            Notes.Add(
                (Yaml?.ModelName is { } unknown ? $"The name {unknown} is not one that CoreNet's code knows, so " +
                    "the" : "The") +
                " sizes are read from the tensors' " +
                    $"shapes{(recognised ? ": they are those of " + config.ModelName : "")}.");
            if (Yaml?.ModelName is { } kept && !recognised)
                config = config with { ModelName = kept };
        }
        return WithYaml(config).Checked(Yaml?.Path ?? Source.Path);
    }

    private OpenElmConfig WithYaml(OpenElmConfig config)
    {
        if (Yaml is null)
            return config;
        if (Yaml.VocabularySize is { } vocabulary)
            config = config with { VocabularySize = vocabulary };
        if (Yaml.MaxContextLength is { } context)
            config = config with { MaxContextLength = context };
        return config with { PaddingIndex = Yaml.PaddingIndex ?? config.PaddingIndex };
    }

    // Names the first tensor that disagrees, in CoreNet's order, and the size that would fit.
    private void CheckTensors()
    {
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, int[] shape) in Config.TensorShapes())
        {
            expected.Add(name);
            if (!_weights.TryGetValue(name, out SourceTensor? tensor))
                throw new InvalidDataException($"{Source.Path}: the tensor {name} is missing, and {Describe()} needs " +
                    $"it{Fitting()}.");
            string module = name[..^".weight".Length];
            int[] actual = [.. tensor.Shape];
            if (IsQuantized(module))
            {
                if (Config.Quantization is null)
                    throw new InvalidDataException($"{Source.Path}: {module} is quantised, but config.json has no " +
                        "quantization.");
                if (tensor.Shape.Count != 2 || tensor.Type != TensorType.UInt32)
                    throw new InvalidDataException($"{Source.Path}: {tensor} is not a quantised matrix.");
                QuantizationSettings settings = Config.Quantization.For(module);
                actual = [tensor.Shape[0], Columns(module, settings)];
                CheckPacked(module, shape, settings, expected);
            }
            else if (!tensor.Type.IsFloating())
            {
                throw new InvalidDataException($"{Source.Path}: {tensor} has elements of {tensor.Type.Name()}, which " +
                    "weights do not have.");
            }
            if (!actual.SequenceEqual(shape))
                throw new InvalidDataException(
                    $"{Source.Path}: {name} is [{string.Join(", ", actual)}], and {Describe()} needs " +
                        $"[{string.Join(", ", shape)}]{Fitting()}.");
        }
        foreach (string name in _weights.Keys)
            if (!expected.Contains(name))
                throw new InvalidDataException($"{Source.Path}: the tensor {name} is no part of " +
                    $"{Describe()}{Fitting()}.");
    }

    private void CheckPacked(string module, int[] shape, QuantizationSettings settings, HashSet<string> expected)
    {
        foreach (string part in (string[])[".scales", ".biases"])
        {
            if (!_weights.TryGetValue(module + part, out SourceTensor? tensor))
            {
                if (settings.Mode == "affine")
                    throw new InvalidDataException($"{Source.Path}: the tensor {module + part} is missing.");
                continue;
            }
            expected.Add(module + part);
            if (!tensor.Shape.SequenceEqual([shape[0], shape[1] / settings.GroupSize]))
                throw new InvalidDataException(
                    $"{Source.Path}: {tensor} does not fit groups of {settings.GroupSize} over " +
                        $"[{string.Join(", ", shape)}].");
        }
    }

    private string Describe() => Source is FolderSource ? "its config.json" : Config.ModelName;

    private string Fitting()
    {
        if (Source is FolderSource)
            return "";
        string? name =
            OpenElmConfig.NameThatFits(_weights.ToDictionary(entry => entry.Key, entry => entry.Value.Shape.ToArray()));
        if (name is null)
            return "; check --config-yaml and --architecture";
        return name == Config.ModelName && Yaml is not null ? "; check vocab_size in " +
            $"{Yaml.Path}" : $"; the sizes of its tensors are those of {name}";
    }

    private void ReadAdapters(ConvertOptions options)
    {
        bool own = Source.Tensors.Keys.Any(CoreNetAdapters.IsAdapterTensor);
        if (own && options.Adapter is not null)
            throw new ArgumentException($"{Source.Path} holds adapters of its own; merge them first, then use " +
                "--adapter on the result.");
        if (own)
        {
            Adapters = CoreNetAdapters.Read(Source, Yaml);
        }
        else if (options.Adapter is { } path)
        {
            if (!File.Exists(path) && !Directory.Exists(path))
                throw new FileNotFoundException(
                    $"The adapters {path} are not there; name the folder that fine-tuning wrote.");
            if (Directory.Exists(path) && !PeftAdapters.Are(path) && AdapterConfig.Read(path).Type == FineTuneType.Full)
            {
                Replacements = new SafetensorsSource(MlxLmAdapters.FileIn(path));
                CheckReplacements();
            }
            else if (Directory.Exists(path) || path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            {
                Adapters = AdapterSet.Read(path);
            }
            else
            {
                using TorchSource source = TorchSource.Open(path);
                if (!source.Tensors.Keys.Any(CoreNetAdapters.IsAdapterTensor))
                    throw new InvalidDataException($"{path} holds no adapters (names with lora_A and lora_B).");
                Adapters = CoreNetAdapters.Read(source, Yaml);
            }
        }
        Adapters?.CheckAgainst(Config.TensorShapes().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape));
    }

    private void CheckReplacements()
    {
        foreach (SourceTensor tensor in Replacements!.Tensors.Values)
        {
            if (!_weights.TryGetValue(tensor.Name, out SourceTensor? weight))
                throw new InvalidDataException(
                    $"{Replacements.Path}: the model has no tensor {OpenElmModel.MlxLmName(tensor.Name)}; these " +
                        "weights belong to another model.");
            if (!tensor.Shape.SequenceEqual(weight.Shape) || tensor.Type.IsFloating() != weight.Type.IsFloating())
                throw new InvalidDataException(
                    $"{Replacements.Path}: {OpenElmModel.MlxLmName(tensor.Name)} is " +
                        $"[{string.Join(", ", tensor.Shape)}] " +
                        $"{tensor.Type.Name()}, and the model's is [{string.Join(", ", weight.Shape)}] " +
                            $"{weight.Type.Name()}; these " +
                        "weights belong to another model.");
        }
    }

    private static string Existing(string path, string option) =>
        File.Exists(path) ? path : throw new FileNotFoundException($"The file {path} ({option}) is not there.");
}
