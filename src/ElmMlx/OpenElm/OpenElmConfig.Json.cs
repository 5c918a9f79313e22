using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ElmMlx.OpenElm;

// The two forms of config.json, written as Python's json.dumps(sort_keys, indent=4) writes them.
public sealed partial record OpenElmConfig
{
    /// <summary>The <c>config.json</c> of an mlx-lm (and Hugging Face) folder.</summary>
    public string ToMlxLmJson()
    {
        var fields = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach ((string name, string raw) in OtherFields)
            fields[name] = raw;
        fields.TryAdd("architectures", "[\"OpenELMForCausalLM\"]");
        fields.TryAdd("bos_token_id", "1");
        fields.TryAdd("eos_token_id", "2");
        fields["model_type"] = "\"openelm\"";
        AddArchitecture(fields, explicitHeads: true);
        if (ModelName is not "OpenELM")
            fields["model_name"] = Quote(ModelName);
        AddQuantization(fields, twice: true);
        return Write(fields);
    }

    /// <summary>
    /// The <c>config.json</c> of CoreNet's MLX port. Its own code knows four names; for another model the
    /// architecture's fields are written beside them, which ElmMlx reads back.
    /// </summary>
    public string ToCoreNetPortJson()
    {
        var fields = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["model_name"] = Quote(ModelName),
            ["vocab_size"] = Text(VocabularySize),
            ["max_context_length"] = Text(MaxContextLength),
        };
        bool known = TryFromName(ModelName, VocabularySize, out OpenElmConfig? standard) && standard.SameWidths(this) &&
            TieEmbeddings && RopeBase == standard.RopeBase && RmsNormEpsilon == standard.RmsNormEpsilon;
        if (!known)
            AddArchitecture(fields, explicitHeads: QueryMultipliers.Count == 0);
        AddQuantization(fields, twice: false);
        return Write(fields);
    }

    /// <summary>The form of an architecture file, as <see cref="FromArchitecture"/> reads it.</summary>
    public string ToArchitectureJson()
    {
        var fields = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["model_name"] = Quote(ModelName) };
        AddArchitecture(fields, explicitHeads: QueryMultipliers.Count == 0);
        return Write(fields);
    }

    private void AddArchitecture(SortedDictionary<string, string> fields, bool explicitHeads)
    {
        fields["activation_fn_name"] = Quote(Activation.ToString().ToLowerInvariant());
        fields["ffn_dim_divisor"] = Text(FeedForwardDivisor);
        fields["ffn_multipliers"] = List(FeedForwardMultipliers, PythonFloat);
        fields["ffn_with_glu"] = Flag(FeedForwardWithGlu);
        fields["head_dim"] = Text(HeadSize);
        fields["max_context_length"] = Text(MaxContextLength);
        fields["model_dim"] = Text(ModelSize);
        fields["normalization_layer_name"] = Quote("rms_norm");
        fields["normalize_qk_projections"] = Flag(NormalizeQueryKey);
        fields["num_gqa_groups"] = Text(QueryGroups);
        if (explicitHeads)
        {
            fields["num_query_heads"] = List(Layers, layer => Text(layer.QueryHeads));
            fields["num_kv_heads"] = List(Layers, layer => Text(layer.KeyValueHeads));
        }
        fields["num_transformer_layers"] = Text(Layers.Count);
        if (QueryMultipliers.Count == 1)
            fields["qkv_multipliers"] = PythonFloat(QueryMultipliers[0]);
        else if (QueryMultipliers.Count > 1)
            fields["qkv_multipliers"] = List(QueryMultipliers, PythonFloat);
        if (RmsNormEpsilon != 1e-6f)
            fields["rms_norm_eps"] = PythonFloat(double.Parse(RmsNormEpsilon.ToString("R")));
        fields["rope_freq_constant"] = RopeBase == MathF.Floor(RopeBase) ? Text((long)RopeBase) : PythonFloat(RopeBase);
        fields["rope_max_length"] = Text(RopeMaxLength);
        fields["share_input_output_layers"] = Flag(TieEmbeddings);
        fields["vocab_size"] = Text(VocabularySize);
        if (PaddingIndex is { } padding)
            fields["padding_index"] = Text(padding);
    }

    private void AddQuantization(SortedDictionary<string, string> fields, bool twice)
    {
        if (Quantization is not { } quantization)
            return;
        var text = new StringBuilder("{").Append(Settings(quantization.Default)[1..^1]);
        foreach ((string path, QuantizationSettings? settings) in quantization.Overrides)
            text.Append(',').Append(Quote(path)).Append(':').Append(settings is null ? "false" : Settings(settings));
        fields["quantization"] = text.Append('}').ToString();
        if (twice)
            fields["quantization_config"] = fields["quantization"];
    }

    private static string Settings(QuantizationSettings settings) =>
        $"{{\"group_size\":{settings.GroupSize},\"bits\":{settings.Bits},\"mode\":{Quote(settings.Mode)}}}";

    private static string Write(SortedDictionary<string, string> fields)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions { Indented = true, IndentSize = 4, NewLine = "\n" };
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            writer.WriteStartObject();
            foreach ((string name, string raw) in fields)
            {
                writer.WritePropertyName(name);
                using var value = JsonDocument.Parse(raw);
                WriteValue(writer, value.RootElement);
            }
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    // JsonElement.WriteTo keeps numbers as they are written (2.0 stays 2.0) and lays objects out anew.
    private static void WriteValue(Utf8JsonWriter writer, JsonElement value) => value.WriteTo(writer);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Flag(bool value) => value ? "true" : "false";

    private static string Quote(string text) => "\"" + JsonEncodedText.Encode(text) + "\"";

    private static string List<T>(IEnumerable<T> values, Func<T, string> text) =>
        $"[{string.Join(',', values.Select(text))}]";

    private static string PythonFloat(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().IndexOfAny(".eE") < 0 ? text + ".0" : text.Replace("E-", "e-", StringComparison.Ordinal);
    }
}
