using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Lora;

/// <summary>PEFT's adapter folders, written: for Hugging Face's OpenELM, whose modules have mlx-lm's names.</summary>
internal static class PeftWriter
{
    /// <summary>Writes a folder.</summary>
    /// <param name="folder">The folder to make.</param>
    /// <param name="set">The adapters.</param>
    /// <exception cref="ArgumentException">PEFT cannot have such adapters.</exception>
    public static void Write(string folder, AdapterSet set)
    {
        Adapter[] adapters = [.. set.Adapters.Values];
        bool dora = adapters[0].Magnitudes is not null;
        if (adapters.Any(adapter => adapter.Magnitudes is not null != dora))
            throw new ArgumentException(
                "The adapters are partly DoRA and partly LoRA, which PEFT's format cannot say; " +
                "merge them into the model instead.");
        if (adapters.FirstOrDefault(adapter => adapter.IsEmbedding && dora) is not null)
            throw new ArgumentException(
                "The embedding has a DoRA adapter, of which PEFT learns one length a column and MLX one a row; " +
                "merge it into the model instead (elm fuse).");
        Directory.CreateDirectory(folder);
        WriteTensors(Path.Combine(folder, PeftAdapters.FileName), adapters);
        AtomicFile.WriteAllBytes(Path.Combine(folder, AdapterConfig.FileName), Configuration(set, adapters, dora));
    }

    /// <summary>The alpha that a rank divides back into the scale, exactly where a number does.</summary>
    public static double AlphaOf(double scale, int rank)
    {
        double alpha = scale * rank;
        foreach (double near in (double[])[alpha, Math.BitIncrement(alpha), Math.BitDecrement(alpha)])
            if (LoraOptions.ScaleOf(near, rank, rankStabilised: false) == scale)
                return near;
        return alpha;
    }

    private static void WriteTensors(string path, Adapter[] adapters)
    {
        var tensors = new List<(string Name, int[] Shape, float[] Values)>();
        foreach (Adapter adapter in adapters)
        {
            string module = NameOf(adapter);
            (string a, string b) = adapter.IsEmbedding
                ? (".lora_embedding_A", ".lora_embedding_B")
                : (".lora_A.weight", ".lora_B.weight");
            float[] first = Adapter.Transpose(adapter.InputFactor, adapter.Inputs, adapter.Rank);
            float[] second = Adapter.Transpose(adapter.OutputFactor, adapter.Rank, adapter.Outputs);
            tensors.Add((module + a, [adapter.Rank, adapter.Inputs], first));
            tensors.Add((module + b, [adapter.Outputs, adapter.Rank], second));
            if (adapter.Magnitudes is { } magnitudes)
                tensors.Add((module + ".lora_magnitude_vector", [magnitudes.Length], magnitudes));
        }
        using SafetensorsWriter writer = new(
            path, tensors.Select(tensor => new TensorSpec(tensor.Name, TensorType.Float32, tensor.Shape)),
            new Dictionary<string, string> { ["format"] = "pt" });
        foreach ((string name, _, float[] values) in tensors)
            writer.Write(name, MemoryMarshal.AsBytes(values.AsSpan()));
        writer.Commit();
    }

    private static string NameOf(Adapter adapter) => PeftAdapters.Prefix + OpenElmModel.MlxLmName(adapter.Module);

    // The fields that every version of PEFT with DoRA knows, sorted, two blanks deep.
    private static ReadOnlySpan<byte> Configuration(AdapterSet set, Adapter[] adapters, bool dora)
    {
        int rank = adapters[0].Rank;
        double scale = adapters[0].Scale;
        var buffer = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions { Indented = true, IndentSize = 2, NewLine = "\n" };
        using (var json = new Utf8JsonWriter(buffer, options))
        {
            json.WriteStartObject();
            json.WriteStartObject("alpha_pattern");
            foreach (Adapter adapter in adapters.Where(a => a.Rank != rank || a.Scale != scale))
                WriteAlpha(json, PatternOf(adapter), adapter.Scale, adapter.Rank);
            json.WriteEndObject();
            json.WriteNull("auto_mapping");
            json.WriteString("base_model_name_or_path", set.BaseModel);
            json.WriteString("bias", "none");
            json.WriteBoolean("fan_in_fan_out", false);
            json.WriteBoolean("inference_mode", true);
            json.WriteBoolean("init_lora_weights", true);
            json.WriteNull("layers_pattern");
            json.WriteNull("layers_to_transform");
            WriteAlpha(json, "lora_alpha", scale, rank);
            json.WriteNumber("lora_dropout", adapters[0].Dropout);
            json.WriteNull("modules_to_save");
            json.WriteString("peft_type", "LORA");
            json.WriteNumber("r", rank);
            json.WriteStartObject("rank_pattern");
            foreach (Adapter adapter in adapters.Where(a => a.Rank != rank))
                json.WriteNumber(PatternOf(adapter), adapter.Rank);
            json.WriteEndObject();
            json.WriteNull("revision");
            json.WriteStartArray("target_modules");
            foreach (Adapter adapter in adapters)
                json.WriteStringValue(OpenElmModel.MlxLmName(adapter.Module));
            json.WriteEndArray();
            json.WriteString("task_type", "CAUSAL_LM");
            json.WriteBoolean("use_dora", dora);
            json.WriteBoolean("use_rslora", false);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan;
    }

    // A whole name is a regular expression of itself, and older versions of PEFT look it up as it stands.
    private static string PatternOf(Adapter adapter) => OpenElmModel.MlxLmName(adapter.Module);

    // A whole number is written as one: PEFT declares alpha as an integer.
    private static void WriteAlpha(Utf8JsonWriter json, string name, double scale, int rank)
    {
        double alpha = AlphaOf(scale, rank);
        if (alpha == Math.Truncate(alpha) && Math.Abs(alpha) < 1L << 53)
            json.WriteNumber(name, (long)alpha);
        else
            json.WriteNumber(name, alpha);
    }
}
