using System.Text.Json;
using ElmMlx.Datasets;

namespace ElmMlx.Tests;

/// <summary>The batches of CoreNet's training traces, in their order; nothing follows the last.</summary>
internal sealed class GoldenBatches : ICoreNetBatches
{
    private readonly int[] _samples, _targets;      // [43, 4, 48]
    private int _next;

    /// <param name="state">What <see cref="WriteState"/> wrote; null to begin.</param>
    public GoldenBatches(JsonElement? state)
    {
        using Weights.SafetensorsFile file = GoldenArrays.Open("pretrain/train_batches.safetensors");
        _samples = [.. file.Doubles("samples").Select(id => (int)id)];
        _targets = [.. file.Doubles("targets").Select(id => (int)id)];
        _next = state?.GetProperty("next").GetInt32() ?? 0;
    }

    public DataCounts Counts => new();

    public int Epoch => 0;

    public CoreNetBatch Next()
    {
        const int rows = 4, length = 48;
        int first = _next++ * rows;
        return new CoreNetBatch([.. Enumerable.Range(first, rows).Select(row => new CoreNetRow(
            [.. _samples.AsSpan(row * length, length), _targets[(row + 1) * length - 1]], 0, "train_batches", row,
            0))]);
    }

    public void WriteState(Utf8JsonWriter json) => json.WriteNumber("next", _next);

    public void Dispose()
    {
    }
}
