using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Lora;

/// <summary>
/// PEFT's adapter folders, read: <c>adapter_model.safetensors</c> and <c>adapter_config.json</c>. A is [r, in] and
/// B [out, r] there; of an embedding A is [r, V] and B [D, r].
/// </summary>
internal static class PeftAdapters
{
    public const string FileName = "adapter_model.safetensors";
    public const string Prefix = "base_model.model.";

    private const string Pickled = "adapter_model.bin";

    // What follows the module's name, an adapter's own name between them or not.
    private static readonly (string Marker, Part Part)[] Markers =
    [
        (".lora_A", Part.A), (".lora_B", Part.B), (".lora_embedding_A", Part.EmbeddingA),
        (".lora_embedding_B", Part.EmbeddingB), (".lora_magnitude_vector", Part.Magnitude),
    ];

    private enum Part
    {
        A,
        B,
        EmbeddingA,
        EmbeddingB,
        Magnitude,
    }

    /// <summary>Whether a folder looks like PEFT's.</summary>
    public static bool Are(string folder) =>
        File.Exists(Path.Combine(folder, FileName)) || File.Exists(Path.Combine(folder, Pickled));

    /// <summary>Reads a folder.</summary>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is malformed, or says what has no meaning here.</exception>
    public static AdapterSet Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new FileNotFoundException(
                $"{folder} has {Pickled} and no {FileName}; save the adapters with safe_serialization=True.");
        PeftConfig config = PeftConfig.Read(folder);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        AdapterSet set = new(path) { BaseModel = config.BaseModel };
        foreach ((string module, Dictionary<Part, TensorInfo> parts) in Group(file, set.Notes))
            set.Add(Read(file, module, parts, config));
        return set.Adapters.Count > 0
            ? set
            : throw new InvalidDataException($"{path} holds no adapters (names with lora_A and lora_B).");
    }

    private static SortedDictionary<string, Dictionary<Part, TensorInfo>> Group(
        SafetensorsFile file, List<string> notes)
    {
        var modules = new SortedDictionary<string, Dictionary<Part, TensorInfo>>(StringComparer.Ordinal);
        foreach (TensorInfo tensor in file.Tensors.Values)
        {
            if (tensor.Name.EndsWith(".base_layer.weight", StringComparison.Ordinal))
            {
                notes.Add($"{tensor.Name} is the base model's own and is left out.");
                continue;
            }
            (string module, Part part) = Parse(tensor.Name, file.Path);
            if (!modules.TryGetValue(module, out var parts))
                modules.Add(module, parts = []);
            if (!parts.TryAdd(part, tensor))
                throw new InvalidDataException(
                    $"{file.Path}: {module} has more than one adapter ({parts[part].Name}, {tensor.Name}); save " +
                    "one alone.");
        }
        return modules;
    }

    private static (string Module, Part Part) Parse(string name, string path)
    {
        string bare = name;
        while (bare.StartsWith(Prefix, StringComparison.Ordinal))
            bare = bare[Prefix.Length..];
        foreach ((string marker, Part part) in Markers)
        {
            int at = bare.IndexOf(marker, StringComparison.Ordinal);
            if (at <= 0 || at + marker.Length is var end && end < bare.Length && bare[end] != '.')
                continue;
            if (bare.EndsWith(".bias", StringComparison.Ordinal))
                throw new InvalidDataException(
                    $"{path}: {name} is a bias, and OpenELM has none; these adapters belong to another model.");
            return (bare[..at], part);
        }
        throw new InvalidDataException(
            $"{path}: {name} is no part of a LoRA adapter; merge what was trained beside the adapters in PEFT " +
            "first.");
    }

    private static Adapter Read(
        SafetensorsFile file, string module, Dictionary<Part, TensorInfo> parts, PeftConfig config)
    {
        bool embedding = parts.ContainsKey(Part.EmbeddingA) || parts.ContainsKey(Part.EmbeddingB);
        TensorInfo a = Needed(embedding ? Part.EmbeddingA : Part.A);
        TensorInfo b = Needed(embedding ? Part.EmbeddingB : Part.B);
        if (a.Shape.Count != 2 || b.Shape.Count != 2 || a.Shape[0] != b.Shape[1] || a.Shape[0] == 0)
            throw new InvalidDataException($"{file.Path}: {a} and {b} do not multiply.");
        int rank = a.Shape[0];
        if (config.RankOf(module) != rank)
            throw new InvalidDataException(
                $"{file.Path}: {a} has rank {rank}, and {AdapterConfig.FileName} says {config.RankOf(module)}.");
        parts.TryGetValue(Part.Magnitude, out TensorInfo? m);
        if (m is not null != config.UseDora)
            throw new InvalidDataException(
                $"{file.Path}: {module} has {(m is null ? "no" : "a")} magnitude vector, and " +
                    $"{AdapterConfig.FileName} " +
                $"says use_dora: {(config.UseDora ? "true" : "false")}.");
        if (embedding && m is not null)
            throw new InvalidDataException(
                $"{file.Path}: {module} is an embedding with DoRA, of which PEFT learns one length a column and MLX " +
                "one a row; merge it in PEFT (merge_and_unload) and convert the result.");
        string path = OpenElmModel.CanonicalName(module);
        if (embedding != (path == "token_embeddings"))
            throw new InvalidDataException(
                $"{file.Path}: {a} is {(embedding ? "an embedding's" : "no embedding's")} adapter, and {module} of " +
                $"an OpenELM is {(embedding ? "no embedding" : "one")}; these adapters belong to another model.");
        float[] first = AdapterSet.ReadFloats(file, a), second = AdapterSet.ReadFloats(file, b);
        return new Adapter
        {
            Module = path,
            Rank = rank,
            Rows = embedding ? a.Shape[1] : b.Shape[0],
            Columns = embedding ? b.Shape[0] : a.Shape[1],
            // The embedding's factors are the other way round: A goes with the rows.
            RowFactor = embedding ? Adapter.Transpose(first, rank, a.Shape[1]) : second,
            ColumnFactor = embedding ? Adapter.Transpose(second, b.Shape[0], rank) : first,
            Scale = config.ScaleOf(module, rank),
            Magnitudes = m is null ? null : AdapterSet.ReadFloats(file, m),
            Dropout = config.Dropout,
        };

        TensorInfo Needed(Part part) => parts.TryGetValue(part, out TensorInfo? tensor)
            ? tensor
            : throw new InvalidDataException($"{file.Path}: {module} has no {Markers[(int)part].Marker[1..]}.");
    }
}
