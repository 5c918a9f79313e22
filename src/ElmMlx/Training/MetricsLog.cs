using System.Buffers;
using System.Text.Json;
using ElmMlx.Weights;
using Microsoft.Win32.SafeHandles;

namespace ElmMlx.Training;

/// <summary>
/// <c>metrics.jsonl</c>: one object a step, in order, each step once. A line is in the file before the checkpoint of
/// its step is made, so a resumed run drops the lines behind its checkpoint and writes them again.
/// </summary>
internal sealed class MetricsLog : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly ArrayBufferWriter<byte> _line = new();
    private long _length;

    /// <summary>Opens the log of a run.</summary>
    /// <param name="path">The file; it need not exist.</param>
    /// <param name="step">The step that the run goes on from; null for a new run.</param>
    public MetricsLog(string path, long? step)
    {
        byte[] kept = step is { } last && File.Exists(path) ? LinesUpTo(last, File.ReadAllBytes(path)) : [];
        AtomicFile.WriteAllBytes(path, kept);
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        _length = kept.Length;
    }

    /// <summary>Adds a step's line.</summary>
    public void Append(TrainingReport report)
    {
        _line.Clear();
        using (Utf8JsonWriter json = new(_line))
        {
            json.WriteStartObject();
            json.WriteNumber("step", report.Step);
            Write(json, "train_loss", report.TrainLoss);
            Write(json, "val_loss", report.ValidationLoss);
            foreach ((string name, double mean) in report.TrainFigures)
                Write(json, "train_" + name, mean);
            foreach ((string name, double mean) in report.ValidationFigures)
                Write(json, "val_" + name, mean);
            Write(json, "learning_rate", report.LearningRate);
            Write(json, "grad_norm", report.GradientNorm);
            json.WriteNumber("tokens", report.Tokens);
            Write(json, "tokens_per_second", report.TokensPerSecond);
            json.WriteNumber("memory_bytes", report.MemoryBytes);
            if (report.IsSkipped)
                json.WriteBoolean("skipped", true);
            json.WriteEndObject();
        }
        _line.Write("\n"u8);
        RandomAccess.Write(_file, _line.WrittenSpan, _length);
        _length += _line.WrittenCount;
    }

    /// <summary>Makes the lines survive a power failure.</summary>
    public void Flush() => RandomAccess.FlushToDisk(_file);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // JSON has no NaN and no infinity.
    private static void Write(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }

    // Whole lines from the beginning, until one is torn, out of order, or of a later step.
    private static byte[] LinesUpTo(long step, byte[] log)
    {
        int kept = 0;
        long previous = -1;
        while (log.AsSpan(kept).IndexOf((byte)'\n') is >= 0 and int length)
        {
            if (StepOf(log.AsMemory(kept, length)) is not { } found || found <= previous || found > step)
                break;
            previous = found;
            kept += length + 1;
        }
        return log[..kept];
    }

    private static long? StepOf(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("step", out JsonElement step) && step.TryGetInt64(out long number)
                    ? number
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
