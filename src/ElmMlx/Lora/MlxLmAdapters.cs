using System.Runtime.InteropServices;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Lora;

/// <summary>mlx-lm's adapter folders: <c>adapters.safetensors</c> and <c>adapter_config.json</c>.</summary>
internal static class MlxLmAdapters
{
    public const string FileName = "adapters.safetensors";

    /// <summary>Reads low-rank adapters.</summary>
    /// <param name="path">The folder, or the file in it.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is malformed, or holds whole weights.</exception>
    public static AdapterSet Read(string path)
    {
        string folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        AdapterConfig config = AdapterConfig.Read(folder);
        if (config.Type == FineTuneType.Full)
            throw new InvalidDataException(
                $"{path} holds whole weights (fine_tune_type full), and adapters were expected.");
        using SafetensorsFile file = SafetensorsFile.Open(Directory.Exists(path) ? FileIn(folder) : path);
        AdapterSet set = new(file.Path) { AdaptsTiedOutput = true, BaseModel = config.Text("model") };
        foreach (string module in Modules(file))
            set.Add(Read(file, module, config));
        return set.Adapters.Count > 0
            ? set
            : throw new InvalidDataException($"{file.Path} holds no adapters (names that end in .lora_a).");
    }

    /// <summary>The weights' file of a folder.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public static string FileIn(string folder)
    {
        string path = Path.Combine(folder, FileName);
        return File.Exists(path) ? path : throw new FileNotFoundException(
            $"{folder} has no {FileName}; name the folder that fine-tuning wrote.");
    }

    /// <summary>Writes a folder.</summary>
    /// <param name="folder">The folder to make.</param>
    /// <param name="set">The adapters; ranks and scales may differ, and are made one.</param>
    /// <param name="layers">The model's number of layers; null when it is not known.</param>
    /// <exception cref="ArgumentException">They are partly DoRA and partly LoRA.</exception>
    public static void Write(string folder, AdapterSet set, int? layers)
    {
        AdapterConfig config = ConfigOf(set, layers);
        var tensors = new SortedDictionary<string, (int[] Shape, float[] Values)>(StringComparer.Ordinal);
        foreach (Adapter adapter in set.Adapters.Values.Select(a => a.WithScale(config.Scale).WithRank(config.Rank)))
        {
            string module = OpenElmModel.MlxLmName(adapter.Module);
            tensors.Add(module + ".lora_a", ([adapter.Inputs, adapter.Rank], adapter.InputFactor));
            tensors.Add(module + ".lora_b", ([adapter.Rank, adapter.Outputs], adapter.OutputFactor));
            if (adapter.Magnitudes is { } magnitudes)
                tensors.Add(module + ".m", ([magnitudes.Length], magnitudes));
        }
        Directory.CreateDirectory(folder);
        WriteTensors(Path.Combine(folder, FileName), tensors);
        config.Write(folder);
    }

    /// <summary>Writes float32 tensors, with the metadata that MLX's own files have.</summary>
    public static void WriteTensors(string path, IReadOnlyDictionary<string, (int[] Shape, float[] Values)> tensors)
    {
        using SafetensorsWriter writer = new(
            path, tensors.Select(entry => new TensorSpec(entry.Key, TensorType.Float32, entry.Value.Shape)),
            new Dictionary<string, string> { ["format"] = "mlx" });
        foreach ((string name, (_, float[] values)) in tensors)
            writer.Write(name, MemoryMarshal.AsBytes(values.AsSpan()));
        writer.Commit();
    }

    /// <summary>The configuration with which mlx-lm puts adapters on these modules, and perhaps on more that stay
    /// as they were.</summary>
    /// <param name="modules">CoreNet's paths.</param>
    /// <param name="layers">The model's number of layers; null when it is not known.</param>
    public static AdapterConfig Covering(IEnumerable<string> modules, int? layers)
    {
        const int all = -1;
        string[] paths = [.. modules];
        int? first = paths.Select(LoraTargets.LayerOf).Where(layer => layer >= 0).Select(layer => (int?)layer)
            .DefaultIfEmpty(layers - 1).Min();
        return new AdapterConfig
        {
            Keys = [.. paths.Select(LoraTargets.KeyOf).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            LayerCount = layers - first ?? all,
        };
    }

    // One rank and one scale for all: mlx-lm's format knows no others.
    private static AdapterConfig ConfigOf(AdapterSet set, int? layers)
    {
        Adapter[] adapters = [.. set.Adapters.Values];
        bool dora = adapters[0].Magnitudes is not null;
        if (adapters.Any(adapter => adapter.Magnitudes is not null != dora))
            throw new ArgumentException("The adapters are partly DoRA and partly LoRA, which mlx-lm's format cannot " +
                "say; merge them into the model instead.");
        AdapterConfig covering = Covering(set.Adapters.Keys, layers);
        if (set.BaseModel is { } model)
            covering = covering.With("model", model);
        return covering with
        {
            Type = dora ? FineTuneType.Dora : FineTuneType.Lora,
            Rank = adapters.Max(adapter => adapter.Rank),
            Scale = adapters[0].Scale,
            Dropout = adapters[0].Dropout,
        };
    }

    private static SortedSet<string> Modules(SafetensorsFile file)
    {
        var modules = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string name in file.Tensors.Keys)
        {
            int dot = name.LastIndexOf('.');
            if (dot < 0 || name[dot..] is not (".lora_a" or ".lora_b" or ".m"))
                throw new InvalidDataException(
                    $"{file.Path}: {name} is no part of an adapter; they are named lora_a, lora_b and m.");
            modules.Add(name[..dot]);
        }
        return modules;
    }

    private static Adapter Read(SafetensorsFile file, string module, AdapterConfig config)
    {
        TensorInfo a = file[module + ".lora_a"], b = file[module + ".lora_b"];
        if (a.Shape.Count != 2 || b.Shape.Count != 2 || a.Shape[1] != b.Shape[0] || a.Shape[1] == 0)
            throw new InvalidDataException($"{file.Path}: {a} and {b} do not multiply.");
        if (a.Shape[1] != config.Rank)
            throw new InvalidDataException(
                $"{file.Path}: {a} has rank {a.Shape[1]}, and {AdapterConfig.FileName} says {config.Rank}.");
        bool dora = config.Type == FineTuneType.Dora;
        if (file.Tensors.TryGetValue(module + ".m", out TensorInfo? m) != dora)
            throw new InvalidDataException(
                $"{file.Path}: {AdapterConfig.FileName} says {config.Type.ToString().ToLowerInvariant()}, and " +
                $"{module}.m {(dora ? "is missing" : "is there")}.");
        return Adapter.FromFactors(
            OpenElmModel.CanonicalName(module), a.Shape[1],
            AdapterSet.ReadFloats(file, a), AdapterSet.ReadFloats(file, b), config.Scale,
            m is null ? null : AdapterSet.ReadFloats(file, m), config.Dropout);
    }
}
