using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>Writes adapters as mlx-lm's: <c>adapters.safetensors</c> and <c>adapter_config.json</c>.</summary>
internal static class AdapterFile
{
    /// <param name="folder">The folder to make.</param>
    /// <param name="set">The adapters.</param>
    /// <param name="layers">The model's number of layers.</param>
    /// <exception cref="ArgumentException">The format cannot say what the adapters are.</exception>
    public static void Write(string folder, AdapterSet set, int layers)
    {
        Adapter[] adapters = [.. set.Adapters.Values];
        bool dora = adapters[0].Magnitudes is not null;
        if (adapters.Any(adapter => adapter.Magnitudes is not null != dora))
            throw new ArgumentException("The adapters are partly DoRA and partly LoRA, which mlx-lm's format cannot " +
                "say; leave --keep-adapter away to merge them.");
        if (adapters.Any(adapter => adapter.Rank != adapters[0].Rank))
            throw new ArgumentException("The adapters have different ranks, which mlx-lm's format cannot say; leave " +
                "--keep-adapter away to merge them.");
        double scale = adapters[0].Scale;
        Directory.CreateDirectory(folder);
        var tensors = new Dictionary<string, (int[] Shape, float[] Values)>(StringComparer.Ordinal);
        foreach (Adapter adapter in adapters)
        {
            string module = TensorNames.ToMlxLm(adapter.Module);
            // One scale for all: what differs goes into the second factor.
            float[] rowFactor = adapter.Scale == scale
                ? adapter.RowFactor
                : [.. adapter.RowFactor.Select(value => (float)(value * (adapter.Scale / scale)))];
            float[] first = adapter.IsEmbedding ? rowFactor : AdapterSet.Transpose(adapter.ColumnFactor, adapter.Rank, adapter.Columns);
            float[] second = adapter.IsEmbedding ? adapter.ColumnFactor : AdapterSet.Transpose(rowFactor, adapter.Rows, adapter.Rank);
            int inputs = adapter.IsEmbedding ? adapter.Rows : adapter.Columns;
            int outputs = adapter.IsEmbedding ? adapter.Columns : adapter.Rows;
            tensors.Add(module + ".lora_a", ([inputs, adapter.Rank], first));
            tensors.Add(module + ".lora_b", ([adapter.Rank, outputs], second));
            if (adapter.Magnitudes is { } magnitudes)
                tensors.Add(module + ".m", ([magnitudes.Length], magnitudes));
        }
        using (var writer = new SafetensorsWriter(
            Path.Combine(folder, "adapters.safetensors"),
            tensors.Select(entry => new TensorSpec(entry.Key, TensorType.Float32, entry.Value.Shape)),
            new Dictionary<string, string> { ["format"] = "mlx" }))
        {
            foreach ((string name, (_, float[] values)) in tensors)
                writer.Write(name, MemoryMarshal.AsBytes(values.AsSpan()));
            writer.Commit();
        }
        AtomicFile.WriteAllBytes(Path.Combine(folder, "adapter_config.json"), Configuration(adapters, dora, scale, layers));
    }

    private static ReadOnlySpan<byte> Configuration(Adapter[] adapters, bool dora, double scale, int layers)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, IndentSize = 4, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("fine_tune_type", dora ? "dora" : "lora");
            json.WriteStartObject("lora_parameters");
            json.WriteNumber("dropout", adapters[0].Dropout);
            json.WriteStartArray("keys");
            foreach (string key in adapters.Select(Key).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
                json.WriteStringValue(key);
            json.WriteEndArray();
            json.WriteNumber("rank", adapters[0].Rank);
            json.WriteNumber("scale", scale);
            json.WriteEndObject();
            json.WriteNumber("num_layers", layers);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan;
    }

    // Inside a layer mlx-lm counts from the layer on; elsewhere it wants the whole path.
    private static string Key(Adapter adapter)
    {
        string[] parts = adapter.Module.Split('.');
        return parts is ["layers", _, ..] ? string.Join('.', parts[2..]) : TensorNames.ToMlxLm(adapter.Module);
    }
}
