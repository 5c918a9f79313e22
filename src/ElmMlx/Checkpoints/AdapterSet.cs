using System.Text.Json;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>The adapters of a model by module: from CoreNet's PEFT, whose scale stands in the YAML, or from mlx-lm's files.</summary>
internal sealed class AdapterSet
{
    private const string BaseSuffix = ".base_layer.weight";

    private readonly Dictionary<string, Adapter> _adapters = new(StringComparer.Ordinal);

    private AdapterSet(string source) => Source = source;

    /// <summary>Where they come from.</summary>
    public string Source { get; }

    public IReadOnlyDictionary<string, Adapter> Adapters => _adapters;

    /// <summary>For the report: <c>LoRA</c>, <c>DoRA</c> or both, with the rank.</summary>
    public string Description
    {
        get
        {
            int dora = _adapters.Values.Count(adapter => adapter.Magnitudes is not null);
            string kind = dora == 0 ? "LoRA" : dora == _adapters.Count ? "DoRA" : "DoRA and LoRA";
            string ranks = string.Join("/", _adapters.Values.Select(adapter => adapter.Rank).Distinct().Order());
            return $"{kind} of rank {ranks} on {_adapters.Count} modules";
        }
    }

    /// <summary>Whether a tensor of a checkpoint is part of CoreNet's adapters.</summary>
    public static bool IsAdapterTensor(string name) =>
        name.Contains(".lora_A.", StringComparison.Ordinal) || name.Contains(".lora_B.", StringComparison.Ordinal) ||
        name.Contains(".lora_embedding_A.", StringComparison.Ordinal) || name.Contains(".lora_embedding_B.", StringComparison.Ordinal) ||
        name.Contains(".lora_magnitude_vector.", StringComparison.Ordinal);

    /// <summary>A wrapped module's weight is called <c>base_layer.weight</c>; this is its name without the wrapping.</summary>
    public static string BaseName(string name) =>
        name.EndsWith(BaseSuffix, StringComparison.Ordinal) ? name[..^BaseSuffix.Length] + ".weight" : name;

    /// <summary>Reads CoreNet's adapters.</summary>
    /// <param name="source">A checkpoint with adapter tensors.</param>
    /// <param name="yaml">Its configuration, which alone knows the scale.</param>
    /// <exception cref="InvalidDataException">The configuration is missing or another one's, or tensors do not fit.</exception>
    public static AdapterSet FromCoreNet(CheckpointSource source, CoreNetYaml? yaml)
    {
        var set = new AdapterSet(source.Path);
        if (yaml is null)
            throw new InvalidDataException(
                $"{source.Path} holds LoRA adapters, and their scale stands only in the configuration: give it with " +
                    "--config-yaml FILE.");
        foreach (SourceTensor tensor in source.Tensors.Values)
        {
            bool embedding = tensor.Name.Contains(".lora_embedding_A.", StringComparison.Ordinal);
            if (!embedding && !tensor.Name.Contains(".lora_A.", StringComparison.Ordinal))
                continue;
            string marker = embedding ? ".lora_embedding_A." : ".lora_A.";
            int at = tensor.Name.IndexOf(marker, StringComparison.Ordinal);
            string module = tensor.Name[..at];
            string adapterName = tensor.Name[(at + marker.Length)..];
            string other = module + marker.Replace("_A.", "_B.", StringComparison.Ordinal) + adapterName;
            SourceTensor b = source.Tensors.GetValueOrDefault(other)
                ?? throw new InvalidDataException($"{source.Path}: {tensor.Name} is there, but {other} is missing.");
            string bare = embedding ? adapterName : adapterName.EndsWith(".weight", StringComparison.Ordinal) ? adapterName[..^7] : adapterName;
            source.Tensors.TryGetValue($"{module}.lora_magnitude_vector.{bare}", out SourceTensor? magnitude);
            if (magnitude is null)
                source.Tensors.TryGetValue($"{module}.lora_magnitude_vector.{bare}.weight", out magnitude);
            set.AddCoreNet(source, yaml, module, embedding, tensor, b, magnitude);
        }
        return set;
    }

    private void AddCoreNet(
        CheckpointSource source, CoreNetYaml yaml, string module, bool embedding, SourceTensor a, SourceTensor b, SourceTensor? magnitude)
    {
        if (a.Shape.Count != 2 || b.Shape.Count != 2 || a.Shape[0] != b.Shape[1] || a.Shape[0] == 0)
            throw new InvalidDataException($"{source.Path}: {a} and {b} do not multiply.");
        int rank = a.Shape[0];
        CoreNetLoraRule rule = yaml.LoraRules.FirstOrDefault(rule => rule.Matches(module))
            ?? throw new InvalidDataException(
                $"{source.Path} has an adapter on {module}, and model.lora.config of {yaml.Path} has no entry for " +
                    "it; is it the configuration of this checkpoint?");
        if (rule.Rank != rank)
            throw new InvalidDataException(
                $"{source.Path}: {a.Name} has rank {rank}, and {yaml.Path} says r: {rule.Rank}; is it the " +
                    "configuration of this checkpoint?");
        if (rule.UseDora != magnitude is not null)
            throw new InvalidDataException(
                $"{source.Path}: {module} has {(magnitude is null ? "no" : "a")} magnitude vector, and {yaml.Path} " +
                    $"says use_dora: {(rule.UseDora ? "true" : "false")}.");
        // The embedding's factors are the other way round: A [r, vocabulary] goes with the rows.
        int rows = embedding ? a.Shape[1] : b.Shape[0];
        int columns = embedding ? b.Shape[0] : a.Shape[1];
        float[] first = source.ReadFloats(a);
        float[] second = source.ReadFloats(b);
        float[]? magnitudes = magnitude is null ? null : source.ReadFloats(magnitude);
        if (magnitudes is not null && magnitudes.Length != rows)
            throw new InvalidDataException($"{source.Path}: {magnitude} has {magnitudes.Length} elements, and the " +
                $"weight {rows} rows.");
        Add(new Adapter
        {
            Module = module,
            Rank = rank,
            Rows = rows,
            Columns = columns,
            Scale = rule.Scale,
            Dropout = rule.Dropout,
            Magnitudes = magnitudes,
            RowFactor = embedding ? Transpose(first, rank, rows) : second,
            ColumnFactor = embedding ? Transpose(second, columns, rank) : first,
        });
    }

    /// <summary>Reads mlx-lm's <c>adapters.safetensors</c> and the <c>adapter_config.json</c> beside it.</summary>
    /// <param name="path">The folder, or the file in it.</param>
    public static AdapterSet FromMlxLm(string path)
    {
        string folder = Directory.Exists(path) ? path : System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        string weights = Directory.Exists(path) ? System.IO.Path.Combine(path, "adapters.safetensors") : path;
        string configuration = System.IO.Path.Combine(folder, "adapter_config.json");
        foreach (string needed in (string[])[weights, configuration])
            if (!File.Exists(needed))
                throw new FileNotFoundException($"The adapter's file {needed} is missing.");
        double scale = ReadScale(configuration);
        var set = new AdapterSet(path);
        using SafetensorsFile file = SafetensorsFile.Open(weights);
        foreach (TensorInfo a in file.Tensors.Values)
        {
            if (!a.Name.EndsWith(".lora_a", StringComparison.Ordinal))
                continue;
            string module = a.Name[..^".lora_a".Length];
            TensorInfo b = file[module + ".lora_b"];
            if (a.Shape.Count != 2 || b.Shape.Count != 2 || a.Shape[1] != b.Shape[0] || a.Shape[1] == 0)
                throw new InvalidDataException($"{weights}: {a} and {b} do not multiply.");
            string name = TensorNames.ToCoreNet(module);
            bool embedding = name == "token_embeddings";
            int rank = a.Shape[1];
            // lora_a is [in, r] and lora_b [r, out]; for the embedding [vocabulary, r] and [r, width].
            float[] first = ReadFloats(file, a), second = ReadFloats(file, b);
            int rows = embedding ? a.Shape[0] : b.Shape[1], columns = embedding ? b.Shape[1] : a.Shape[0];
            set.Add(new Adapter
            {
                Module = name,
                Rank = rank,
                Rows = rows,
                Columns = columns,
                Scale = scale,
                Magnitudes = file.Tensors.TryGetValue(module + ".m", out TensorInfo? m) ? ReadFloats(file, m) : null,
                RowFactor = embedding ? first : Transpose(second, rank, rows),
                ColumnFactor = embedding ? second : Transpose(first, columns, rank),
            });
        }
        return set.Adapters.Count > 0 ? set : throw new InvalidDataException(
            $"{weights} has no low-rank adapters (names ending in .lora_a); full weights cannot be merged with " +
                "--adapter.");
    }

    /// <summary>Whether every adapter fits a tensor of the model.</summary>
    public void CheckAgainst(IReadOnlyDictionary<string, int[]> shapes)
    {
        foreach (Adapter adapter in _adapters.Values)
        {
            if (!shapes.TryGetValue(adapter.Module + ".weight", out int[]? shape))
                throw new InvalidDataException($"{Source}: the adapter's module {adapter.Module} is no part of the " +
                    "model.");
            if (shape.Length != 2 || shape[0] != adapter.Rows || shape[1] != adapter.Columns)
                throw new InvalidDataException(
                    $"{Source}: the adapter of {adapter.Module} is for a weight of [{adapter.Rows}, " +
                        $"{adapter.Columns}], and the model's is [{string.Join(", ", shape)}].");
            if (adapter.Magnitudes is { } m && m.Length != adapter.Rows)
                throw new InvalidDataException($"{Source}: the magnitudes of {adapter.Module} are {m.Length}, and " +
                    $"its weight has {adapter.Rows} rows.");
        }
    }

    /// <summary>[rows, columns] to [columns, rows].</summary>
    public static float[] Transpose(float[] matrix, int rows, int columns)
    {
        var result = new float[matrix.Length];
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
                result[column * rows + row] = matrix[row * columns + column];
        return result;
    }

    private void Add(Adapter adapter)
    {
        if (!_adapters.TryAdd(adapter.Module, adapter))
            throw new InvalidDataException($"{Source}: {adapter.Module} has more than one adapter, and only one can " +
                "be converted.");
    }

    private static double ReadScale(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 16 });
            JsonElement root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("lora_parameters", out JsonElement parameters) &&
                parameters.ValueKind == JsonValueKind.Object && parameters.TryGetProperty("scale", out JsonElement scale) &&
                scale.ValueKind == JsonValueKind.Number && double.IsFinite(scale.GetDouble()))
                return scale.GetDouble();
            throw new InvalidDataException($"{path} has no lora_parameters.scale.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not valid JSON.", e);
        }
    }

    private static float[] ReadFloats(SafetensorsFile file, TensorInfo tensor)
    {
        if (!tensor.Type.IsFloating())
            throw new InvalidDataException($"{file.Path}: {tensor} is not floating.");
        var bytes = new byte[checked((int)tensor.ByteCount)];
        file.Read(tensor, bytes);
        var floats = new float[tensor.ElementCount];
        TensorCast.ToFloats(tensor.Type, bytes, floats);
        return floats;
    }
}
