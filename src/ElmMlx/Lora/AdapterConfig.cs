using System.Text.Json;

namespace ElmMlx.Lora;

/// <summary>What is needed from mlx-lm's <c>adapter_config.json</c> to use adapters.</summary>
/// <param name="FineTuneType"><c>lora</c>, <c>dora</c> or <c>full</c>.</param>
/// <param name="Rank">Columns of A, r; zero for <c>full</c>.</param>
/// <param name="Scale">Factor of the adapter's part; multiplies directly.</param>
public sealed record AdapterConfig(string FineTuneType, int Rank, float Scale)
{
    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    /// <exception cref="InvalidDataException">It is not what mlx-lm writes.</exception>
    public static AdapterConfig Read(string folder)
    {
        string path = Path.Combine(folder, "adapter_config.json");
        if (!File.Exists(path))
            throw new FileNotFoundException(
                $"{folder} has no adapter_config.json; name the folder that fine-tuning wrote.");
        const long limit = 16 << 20;
        if (new FileInfo(path).Length > limit)
            throw new InvalidDataException($"{path} is larger than a configuration can be (16 MiB).");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 32 });
            return Read(document.RootElement, path);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is not valid JSON (line {e.LineNumber + 1}).", e);
        }
    }

    private static AdapterConfig Read(JsonElement json, string path)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{path} is not a JSON object.");
        string type = "lora";
        if (json.TryGetProperty("fine_tune_type", out JsonElement value) && value.ValueKind == JsonValueKind.String)
            type = value.GetString()!;
        if (type == "full")
            return new AdapterConfig(type, 0, 0);
        if (type is not ("lora" or "dora"))
            throw new InvalidDataException(
                $"{path}: fine_tune_type is '{type}'; lora, dora and full are known.");
        if (!json.TryGetProperty("lora_parameters", out JsonElement parameters) ||
            parameters.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{path}: lora_parameters, with rank and scale, is missing.");
        if (!parameters.TryGetProperty("rank", out JsonElement rank) || rank.ValueKind != JsonValueKind.Number ||
            !rank.TryGetInt32(out int r) || r is < 1 or > 65536)
            throw new InvalidDataException(
                $"{path}: lora_parameters.rank must be a whole number from 1 to 65536.");
        if (!parameters.TryGetProperty("scale", out JsonElement scale) || scale.ValueKind != JsonValueKind.Number ||
            !scale.TryGetDouble(out double s) || !double.IsFinite(s))
            throw new InvalidDataException($"{path}: lora_parameters.scale must be a number.");
        return new AdapterConfig(type, r, (float)s);
    }
}
