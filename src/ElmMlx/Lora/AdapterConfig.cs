using System.Text.Json;

namespace ElmMlx.Lora;

/// <summary>
/// mlx-lm's <c>adapter_config.json</c>: which adapters a model has, and beside that all options of the training,
/// which are kept and written but mean nothing here.
/// </summary>
public sealed partial record AdapterConfig
{
    /// <summary>The file's name.</summary>
    public const string FileName = "adapter_config.json";

    private const int MaxRank = 65536;

    /// <summary>What was trained.</summary>
    public FineTuneType Type { get; init; }

    /// <summary>Columns of A, r; zero where the weights themselves were trained.</summary>
    public int Rank { get; init; }

    /// <summary>Factor of the adapter's part; multiplies directly.</summary>
    public double Scale { get; init; }

    /// <summary>Probability of dropout in training.</summary>
    public double Dropout { get; init; }

    /// <summary>As in <see cref="LoraOptions.Keys"/>; null for every matrix of the layers.</summary>
    public IReadOnlyList<string>? Keys { get; init; }

    /// <summary>The last so many layers have adapters; 0 or less: all.</summary>
    public int LayerCount { get; init; } = 16;

    /// <summary>Every other field by its name, as JSON text.</summary>
    public IReadOnlyDictionary<string, string> OtherFields { get; init; } = new Dictionary<string, string>();

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    /// <exception cref="InvalidDataException">It is not what mlx-lm writes.</exception>
    public static AdapterConfig Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        using JsonDocument document = Open(path);
        return Read(document.RootElement, path);
    }

    /// <summary>The file of a folder, whose root is an object.</summary>
    internal static JsonDocument Open(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException(
                $"{Path.GetDirectoryName(path)} has no {FileName}; name the folder that fine-tuning wrote.");
        const long limit = 16 << 20;
        if (new FileInfo(path).Length > limit)
            throw new InvalidDataException($"{path} is larger than a configuration can be (16 MiB).");
        try
        {
            var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 32 });
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            document.Dispose();
            throw new InvalidDataException($"{path} is not a JSON object.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not valid JSON (line {e.LineNumber + 1}).", e);
        }
    }

    private static AdapterConfig Read(JsonElement json, string path)
    {
        FineTuneType type = TypeOf(json, path);
        var config = new AdapterConfig
        {
            Type = type,
            LayerCount = json.TryGetProperty("num_layers", out JsonElement layers)
                ? Whole(layers, "num_layers", path)
                : 0,
            OtherFields = json.EnumerateObject()
                .Where(field => field.Name is not ("fine_tune_type" or "lora_parameters" or "num_layers"))
                .GroupBy(field => field.Name)
                .ToDictionary(field => field.Key, field => field.Last().Value.GetRawText(), StringComparer.Ordinal),
        };
        if (type == FineTuneType.Full)
            return config;
        if (!json.TryGetProperty("lora_parameters", out JsonElement parameters) ||
            parameters.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{path}: lora_parameters, with rank and scale, is missing.");
        if (!parameters.TryGetProperty("rank", out JsonElement rank) || rank.ValueKind != JsonValueKind.Number ||
            !rank.TryGetInt32(out int r) || r is < 1 or > MaxRank)
            throw new InvalidDataException(
                $"{path}: lora_parameters.rank must be a whole number from 1 to {MaxRank}.");
        return config with
        {
            Rank = r,
            Scale = Number(parameters, "scale", path) ??
                throw new InvalidDataException($"{path}: lora_parameters.scale must be a number."),
            Dropout = Number(parameters, "dropout", path) ?? 0,
            Keys = KeysOf(parameters, path),
        };
    }

    private static FineTuneType TypeOf(JsonElement json, string path)
    {
        string? name = "lora";
        if (json.TryGetProperty("fine_tune_type", out JsonElement value))
            name = value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText();
        return name switch
        {
            "lora" => FineTuneType.Lora,
            "dora" => FineTuneType.Dora,
            "full" => FineTuneType.Full,
            _ => throw new InvalidDataException(
                $"{path}: fine_tune_type is '{name}'; lora, dora and full are known."),
        };
    }

    private static string[]? KeysOf(JsonElement parameters, string path)
    {
        if (!parameters.TryGetProperty("keys", out JsonElement keys) || keys.ValueKind == JsonValueKind.Null)
            return null;
        if (keys.ValueKind != JsonValueKind.Array ||
            keys.EnumerateArray().Any(key => key.ValueKind != JsonValueKind.String))
            throw new InvalidDataException($"{path}: lora_parameters.keys must be a list of names.");
        return [.. keys.EnumerateArray().Select(key => key.GetString()!)];
    }

    private static int Whole(JsonElement value, string name, string path) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number)
            ? number
            : throw new InvalidDataException($"{path}: {name} must be a whole number.");

    private static double? Number(JsonElement parameters, string name, string path)
    {
        if (!parameters.TryGetProperty(name, out JsonElement value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number))
            return number;
        throw new InvalidDataException($"{path}: lora_parameters.{name} must be a number.");
    }
}
