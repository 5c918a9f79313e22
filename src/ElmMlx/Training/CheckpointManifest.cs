using System.Buffers;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ElmMlx.Training;

/// <summary>A checkpoint's <c>training.json</c>.</summary>
/// <param name="State">The place.</param>
/// <param name="Settings">The settings of the run.</param>
/// <param name="Files">The checkpoint's other files.</param>
internal sealed record CheckpointManifest(
    TrainingState State, IReadOnlyDictionary<string, string> Settings, IReadOnlyList<CheckpointManifest.Entry> Files)
{
    private const string Format = "elm-mlx training checkpoint";
    private const int Version = 1;
    private const long MaxBytes = 16 << 20;

    /// <summary>A file, as it was written.</summary>
    internal sealed record Entry(string Name, long Bytes, string Hash)
    {
        public static Entry Of(string path) => new(Path.GetFileName(path), new FileInfo(path).Length, HashOf(path));

        /// <exception cref="InvalidDataException">The file is not there any more, or another one is.</exception>
        public void Check(string folder)
        {
            string path = Path.Combine(folder, Name);
            if (!File.Exists(path))
                throw new InvalidDataException($"{folder} lacks {Name}.");
            long length = new FileInfo(path).Length;
            if (length != Bytes)
                throw new InvalidDataException($"{path} has {length} bytes, and {Bytes} were written.");
            if (HashOf(path) != Hash)
                throw new InvalidDataException($"{path} is not as it was written: its hash differs.");
        }

        private static string HashOf(string path)
        {
            using FileStream stream = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
    }

    /// <summary>The file's content.</summary>
    public ReadOnlySpan<byte> ToJson()
    {
        ArrayBufferWriter<byte> buffer = new();
        JsonWriterOptions options = new()
        {
            Indented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        using (Utf8JsonWriter json = new(buffer, options))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteNumber("version", Version);
            WriteState(json);
            json.WriteStartObject("settings");
            foreach ((string name, string value) in Settings.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                json.WriteString(name, value);
            json.WriteEndObject();
            json.WriteStartObject("files");
            foreach (Entry file in Files)
            {
                json.WriteStartObject(file.Name);
                json.WriteNumber("bytes", file.Bytes);
                json.WriteString("sha256", file.Hash);
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan;
    }

    /// <exception cref="InvalidDataException">It is not what <see cref="ToJson"/> gave.</exception>
    public static CheckpointManifest Read(string path)
    {
        if (new FileInfo(path).Length > MaxBytes)
            throw new InvalidDataException($"{path} is larger than a checkpoint's description can be (16 MiB).");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 8 });
            JsonElement json = document.RootElement;
            if (json.GetProperty("format").GetString() != Format)
                throw new InvalidDataException($"{path} does not describe a checkpoint of a training run.");
            if (json.GetProperty("version").GetInt32() != Version)
                throw new InvalidDataException($"{path} was written by another version of this program.");
            var settings = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (JsonProperty setting in json.GetProperty("settings").EnumerateObject())
                settings[setting.Name] = setting.Value.GetString()!;
            return new CheckpointManifest(ReadState(json.GetProperty("state"), path), settings, [..
                from file in json.GetProperty("files").EnumerateObject()
                where Path.GetFileName(file.Name) == file.Name
                select new Entry(
                    file.Name, file.Value.GetProperty("bytes").GetInt64(),
                    file.Value.GetProperty("sha256").GetString()!)]);
        }
        catch (Exception e) when (
            e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{path} is damaged: it is not the description that a checkpoint has.", e);
        }
    }

    private void WriteState(Utf8JsonWriter json)
    {
        json.WriteStartObject("state");
        json.WriteNumber("step", State.Step);
        json.WriteNumber("epoch", State.Epoch);
        json.WriteNumber("batch", State.Batch);
        json.WriteNumber("tokens", State.Tokens);
        json.WriteNumber("batches_in_window", State.BatchesInWindow);
        json.WriteNumber("window_weight", State.WindowWeight);
        json.WriteNumber("skipped_batches", State.SkippedBatches);
        json.WriteNumber("skipped_in_a_row", State.SkippedInARow);
        if (State.BestLoss is { } best)
            json.WriteNumber("best_loss", best);
        json.WriteNumber("best_step", State.BestStep);
        json.WriteNumber("evaluations_since_best", State.EvaluationsSinceBest);
        json.WriteBoolean("finished", State.IsFinished);
        json.WriteEndObject();
    }

    private static TrainingState ReadState(JsonElement json, string path)
    {
        TrainingState state = new()
        {
            Step = json.GetProperty("step").GetInt64(),
            Epoch = json.GetProperty("epoch").GetInt32(),
            Batch = json.GetProperty("batch").GetInt32(),
            Tokens = json.GetProperty("tokens").GetInt64(),
            BatchesInWindow = json.GetProperty("batches_in_window").GetInt32(),
            WindowWeight = json.GetProperty("window_weight").GetDouble(),
            SkippedBatches = json.GetProperty("skipped_batches").GetInt64(),
            SkippedInARow = json.GetProperty("skipped_in_a_row").GetInt32(),
            BestLoss = json.TryGetProperty("best_loss", out JsonElement best) ? best.GetDouble() : null,
            BestStep = json.GetProperty("best_step").GetInt64(),
            EvaluationsSinceBest = json.GetProperty("evaluations_since_best").GetInt32(),
            IsFinished = json.GetProperty("finished").GetBoolean(),
        };
        return state.Step >= 0 && state.Epoch >= 0 && state.Batch >= 0
            ? state
            : throw new InvalidDataException($"{path} is damaged: it gives a place before the beginning.");
    }
}
