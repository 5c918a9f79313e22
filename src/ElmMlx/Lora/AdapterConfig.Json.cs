using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ElmMlx.Weights;

namespace ElmMlx.Lora;

// The file as mlx-lm writes it: every option of the training, sorted, four blanks deep.
public sealed partial record AdapterConfig
{
    // What mlx-lm's command takes when nothing is said.
    private static readonly Dictionary<string, string> Defaults = new(StringComparer.Ordinal)
    {
        ["adapter_path"] = "\"adapters\"",
        ["batch_size"] = "4",
        ["clear_cache_threshold"] = "0",
        ["config"] = "null",
        ["data"] = "null",
        ["grad_accumulation_steps"] = "1",
        ["grad_checkpoint"] = "false",
        ["iters"] = "1000",
        ["learning_rate"] = "1e-05",
        ["lr_schedule"] = "null",
        ["mask_prompt"] = "false",
        ["max_seq_length"] = "2048",
        ["model"] = "null",
        ["optimizer"] = "\"adam\"",
        ["optimizer_config"] = """{"adam":{},"adamw":{},"muon":{},"sgd":{},"adafactor":{}}""",
        ["project_name"] = "null",
        ["report_to"] = "null",
        ["resume_adapter_file"] = "null",
        ["save_every"] = "100",
        ["seed"] = "0",
        ["steps_per_eval"] = "200",
        ["steps_per_report"] = "10",
        ["test"] = "false",
        ["test_batches"] = "500",
        ["train"] = "false",
        ["val_batches"] = "25",
    };

    /// <summary>This configuration with another field; null for <c>null</c>.</summary>
    public AdapterConfig With(string field, string? text) =>
        WithJson(field, text is null ? "null" : "\"" + JsonEncodedText.Encode(text) + "\"");

    /// <summary>This configuration with another field.</summary>
    public AdapterConfig With(string field, long number) =>
        WithJson(field, number.ToString(CultureInfo.InvariantCulture));

    /// <summary>This configuration with another field, written as Python writes a float.</summary>
    public AdapterConfig With(string field, double number) => WithJson(field, PythonFloat(number));

    /// <summary>This configuration with another field.</summary>
    public AdapterConfig With(string field, bool flag) => WithJson(field, flag ? "true" : "false");

    /// <summary>This configuration with another field, given as JSON.</summary>
    public AdapterConfig WithJson(string field, string json) =>
        this with
        {
            OtherFields = new Dictionary<string, string>(OtherFields, StringComparer.Ordinal) { [field] = json },
        };

    /// <summary>Another field's text; null when it is none.</summary>
    public string? Text(string field)
    {
        if (!OtherFields.TryGetValue(field, out string? json))
            return null;
        using var value = JsonDocument.Parse(json);
        return value.RootElement.ValueKind == JsonValueKind.String ? value.RootElement.GetString() : null;
    }

    /// <summary>The file's text.</summary>
    public string ToJson()
    {
        var fields = new SortedDictionary<string, string>(Defaults, StringComparer.Ordinal);
        foreach ((string name, string json) in OtherFields)
            fields[name] = json;
        fields["fine_tune_type"] = $"\"{Type.ToString().ToLowerInvariant()}\"";
        fields["num_layers"] = LayerCount.ToString(CultureInfo.InvariantCulture);
        fields["lora_parameters"] = Parameters();
        var buffer = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions { Indented = true, IndentSize = 4, NewLine = "\n" };
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            writer.WriteStartObject();
            foreach ((string name, string json) in fields)
            {
                writer.WritePropertyName(name);
                using var value = JsonDocument.Parse(json);
                value.RootElement.WriteTo(writer);      // numbers stay as they are written: 20.0
            }
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Writes the file into a folder, which is made if it is not there.</summary>
    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.WriteAllBytes(Path.Combine(folder, FileName), Encoding.UTF8.GetBytes(ToJson()));
    }

    /// <summary>A number as Python's json writes it: with a point or an exponent, so that it stays a float.</summary>
    internal static string PythonFloat(double value)
    {
        if (!double.IsFinite(value))
            throw new ArgumentException($"{value} cannot be written as JSON.");
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().IndexOfAny(".E") < 0 ? text + ".0" : text.Replace("E", "e", StringComparison.Ordinal);
    }

    private string Parameters()
    {
        if (Type == FineTuneType.Full)
            return "null";
        string keys = Keys is null
            ? ""
            : $"\"keys\":[{string.Join(',', Keys.Select(key => "\"" + JsonEncodedText.Encode(key) + "\""))}],";
        return $$"""{"dropout":{{PythonFloat(Dropout)}},{{keys}}"rank":{{Rank}},"scale":{{PythonFloat(Scale)}}}""";
    }
}
