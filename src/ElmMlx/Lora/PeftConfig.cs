using System.Text.Json;
using System.Text.RegularExpressions;

namespace ElmMlx.Lora;

/// <summary>What is needed of PEFT's <c>adapter_config.json</c>; what cannot be had here is refused.</summary>
internal sealed class PeftConfig
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.25);

    // Beginnings that leave the base weights as they are; the others take their share out of them.
    private static readonly string[] HarmlessBeginnings = ["gaussian", "eva", "orthogonal"];

    // Fields whose use changes what an adapter is, and what they mean.
    private static readonly (string Field, string Meaning)[] Refused =
    [
        ("modules_to_save", "whole modules that were trained beside the adapters"),
        ("layer_replication", "layers that are repeated"),
        ("trainable_token_indices", "single rows of the embedding that were trained"),
        ("target_parameters", "adapters on bare parameters"),
        ("alora_invocation_tokens", "adapters that some tokens switch on"),
        ("use_qalora", "adapters of pooled inputs"),
        ("lora_bias", "biases, which OpenELM has not"),
    ];

    private readonly JsonElement _json;
    private readonly string _path;

    private PeftConfig(JsonElement json, string path)
    {
        _json = json;
        _path = path;
    }

    public bool UseDora => Flag("use_dora");

    public double Dropout => Number("lora_dropout", 0);

    /// <summary>The name of the model that the adapters were trained on, if it is said.</summary>
    public string? BaseModel =>
        _json.TryGetProperty("base_model_name_or_path", out JsonElement name) && name.ValueKind == JsonValueKind.String
            ? name.GetString()
            : null;

    /// <summary>Reads and checks the file of a folder.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or says what has no meaning here.</exception>
    public static PeftConfig Read(string folder)
    {
        string path = Path.Combine(folder, AdapterConfig.FileName);
        using JsonDocument document = AdapterConfig.Open(path);
        var config = new PeftConfig(document.RootElement.Clone(), path);
        config.Check();
        return config;
    }

    /// <summary>r of a module.</summary>
    /// <param name="module">mlx-lm's (and Hugging Face's) name.</param>
    public double RankOf(string module) => Pattern("rank_pattern", module) ?? Number("r", 8);

    /// <summary>The factor of a module's adapter.</summary>
    /// <param name="module">mlx-lm's (and Hugging Face's) name.</param>
    /// <param name="rank">r.</param>
    public double ScaleOf(string module, int rank) => LoraOptions.ScaleOf(
        Pattern("alpha_pattern", module) ?? Number("lora_alpha", 8), rank, Flag("use_rslora"));

    private void Check()
    {
        string? type = _json.TryGetProperty("peft_type", out JsonElement value) ? value.ToString() : "LORA";
        if (type != "LORA")
            throw new InvalidDataException($"{_path}: peft_type is {type}; only LORA adapters are read.");
        foreach ((string field, string meaning) in Refused)
            if (_json.TryGetProperty(field, out value) && !IsEmpty(value))
                throw new InvalidDataException(
                    $"{_path}: {field} is {value.GetRawText()}, which stands for {meaning}; that cannot be read, so " +
                    "merge the adapters in PEFT (merge_and_unload) and convert the result.");
        if (_json.TryGetProperty("bias", out value) && value.ToString() is not ("none" or ""))
            throw new InvalidDataException(
                $"{_path}: bias is {value}, and OpenELM has no biases; these adapters belong to another model.");
        if (_json.TryGetProperty("init_lora_weights", out value) && value.ValueKind == JsonValueKind.String &&
            !HarmlessBeginnings.Contains(value.GetString()!.ToLowerInvariant()))
            throw new InvalidDataException(
                $"{_path}: init_lora_weights is {value}, which changed the base weights before the training; convert " +
                "the adapters to plain LoRA in PEFT (path_initial_model_for_weight_conversion) first.");
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };

    private bool Flag(string name) => _json.TryGetProperty(name, out JsonElement value) && value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False or JsonValueKind.Null => false,
        _ => throw new InvalidDataException($"{_path}: {name} must be true or false."),
    };

    private double Number(string name, double otherwise) =>
        _json.TryGetProperty(name, out JsonElement value) ? Number(value, name) : otherwise;

    private double Number(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number)
            ? number
            : throw new InvalidDataException($"{_path}: {name} must be a number.");

    // The first entry whose expression matches the end of the name, as PEFT looks it up.
    private double? Pattern(string field, string module)
    {
        if (!_json.TryGetProperty(field, out JsonElement entries) || entries.ValueKind == JsonValueKind.Null)
            return null;
        if (entries.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{_path}: {field} must be an object.");
        foreach (JsonProperty entry in entries.EnumerateObject())
            if (Matches(entry.Name, module, field))
                return Number(entry.Value, $"{field}.{entry.Name}");
        return null;
    }

    private bool Matches(string pattern, string module, string field)
    {
        try
        {
            return Regex.IsMatch(module, $@"\A(?:.*\.)?(?:{pattern})\z", RegexOptions.CultureInvariant, Patience);
        }
        catch (Exception e) when (e is RegexParseException or RegexMatchTimeoutException)
        {
            throw new InvalidDataException(
                $"{_path}: the regular expression '{pattern}' in {field} is not understood.", e);
        }
    }
}
