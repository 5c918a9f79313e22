using ElmMlx.Lora;

namespace ElmMlx.Checkpoints;

/// <summary>CoreNet's adapters: tensors of a checkpoint, whose scale stands in the YAML.</summary>
internal static class CoreNetAdapters
{
    private const string BaseSuffix = ".base_layer.weight";

    /// <summary>Whether a tensor of a checkpoint is part of CoreNet's adapters.</summary>
    public static bool IsAdapterTensor(string name) =>
        name.Contains(".lora_A.", StringComparison.Ordinal) || name.Contains(".lora_B.", StringComparison.Ordinal) ||
        name.Contains(".lora_embedding_A.", StringComparison.Ordinal)
            || name.Contains(".lora_embedding_B.", StringComparison.Ordinal) ||
        name.Contains(".lora_magnitude_vector.", StringComparison.Ordinal);

    /// <summary>
    /// A wrapped module's weight is called <c>base_layer.weight</c>; this is its name without the wrapping.
    /// </summary>
    public static string BaseName(string name) =>
        name.EndsWith(BaseSuffix, StringComparison.Ordinal) ? name[..^BaseSuffix.Length] + ".weight" : name;

    /// <summary>Reads CoreNet's adapters.</summary>
    /// <param name="source">A checkpoint with adapter tensors.</param>
    /// <param name="yaml">Its configuration, which alone knows the scale.</param>
    /// <exception cref="InvalidDataException">
    /// The configuration is missing or another one's, or tensors do not fit.
    /// </exception>
    public static AdapterSet Read(CheckpointSource source, CoreNetYaml? yaml)
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
            string bare = embedding ? adapterName : adapterName.EndsWith(
                ".weight", StringComparison.Ordinal) ? adapterName[..^7] : adapterName;
            source.Tensors.TryGetValue($"{module}.lora_magnitude_vector.{bare}", out SourceTensor? magnitude);
            if (magnitude is null)
                source.Tensors.TryGetValue($"{module}.lora_magnitude_vector.{bare}.weight", out magnitude);
            set.Add(ReadModule(source, yaml, module, embedding, tensor, b, magnitude));
        }
        return set;
    }

    private static Adapter ReadModule(
        CheckpointSource source, CoreNetYaml yaml, string module, bool embedding, SourceTensor a, SourceTensor b,
        SourceTensor? magnitude)
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
        return new Adapter
        {
            Module = module,
            Rank = rank,
            Rows = rows,
            Columns = columns,
            Scale = rule.Scale,
            Dropout = rule.Dropout,
            Magnitudes = magnitudes,
            RowFactor = embedding ? Adapter.Transpose(first, rank, rows) : second,
            ColumnFactor = embedding ? Adapter.Transpose(second, columns, rank) : first,
        };
    }
}
