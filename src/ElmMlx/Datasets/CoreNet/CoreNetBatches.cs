using System.Text.Json;
using ElmMlx.Text;

namespace ElmMlx.Datasets;

/// <summary>
/// Batches as CoreNet's loader makes them: a batch comes whole from one worker, and the workers, each with files of its
/// own, take turns.
/// </summary>
internal sealed class CoreNetBatches : ICoreNetBatches
{
    private readonly RowStream[] _workers;
    private readonly int _batchSize;
    private int _turn;

    /// <param name="options">The files, and how rows are made.</param>
    /// <param name="tokenizer">Encodes texts.</param>
    /// <param name="rank">This process among those that train together.</param>
    /// <param name="processes">How many those are.</param>
    /// <param name="state">What <see cref="WriteState"/> wrote; null to begin.</param>
    /// <exception cref="InvalidDataException">A file's name or the state is not as it should be.</exception>
    public CoreNetBatches(
        CoreNetDataOptions options, Tokenizer tokenizer, int rank = 0, int processes = 1, JsonElement? state = null)
    {
        _batchSize = options.BatchSize;
        _workers = new RowStream[Math.Max(options.Workers, 1)];
        JsonElement[]? stored = state is null ? null : [.. state.Value.GetProperty("workers").EnumerateArray()];
        if (stored is not null && stored.Length != _workers.Length)
            throw new InvalidDataException(
                $"The place in the data is that of {stored.Length} workers, and there are {_workers.Length}.");
        _turn = state?.GetProperty("turn").GetInt32() ?? 0;
        for (int i = 0; i < _workers.Length; i++)
        {
            var order = FileOrder.Of(
                options, rank * _workers.Length + i, processes * _workers.Length, isTraining: true);
            _workers[i] = stored is null
                ? new RowStream(order, options, tokenizer)
                : new RowStream(
                    order, options, tokenizer, DataPosition.Read(stored[i].GetProperty("position")),
                    DataCounts.Read(stored[i].GetProperty("counts")));
        }
    }

    /// <summary>Every row of the files once, in their order, for measuring; the last batch may be smaller.</summary>
    /// <exception cref="InvalidDataException">A document cannot be read, or none passes the filters.</exception>
    public static IEnumerable<CoreNetBatch> Once(CoreNetDataOptions options, Tokenizer tokenizer)
    {
        using RowStream rows = new(FileOrder.Of(options, 0, 1, isTraining: false), options, tokenizer);
        var batch = new List<CoreNetRow>(options.BatchSize);
        for (CoreNetRow row = rows.Next(); row.Epoch == 0; row = rows.Next())
        {
            batch.Add(row);
            if (batch.Count < options.BatchSize)
                continue;
            yield return new CoreNetBatch([.. batch]);
            batch.Clear();
        }
        if (batch.Count > 0)
            yield return new CoreNetBatch(batch);
    }

    /// <inheritdoc/>
    public DataCounts Counts => DataCounts.Sum(_workers.Select(worker => worker.Counts));

    /// <summary>The furthest worker's epoch.</summary>
    public int Epoch => _workers.Max(worker => worker.Position.Epoch);

    /// <exception cref="InvalidDataException">
    /// A document cannot be read, or none of a worker's passes the filters.
    /// </exception>
    public CoreNetBatch Next()
    {
        RowStream worker = _workers[_turn];
        _turn = (_turn + 1) % _workers.Length;
        var rows = new CoreNetRow[_batchSize];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = worker.Next();
        return new CoreNetBatch(rows);
    }

    /// <inheritdoc/>
    public void WriteState(Utf8JsonWriter json)
    {
        json.WriteNumber("turn", _turn);
        json.WriteStartArray("workers");
        foreach (RowStream worker in _workers)
        {
            json.WriteStartObject();
            json.WriteStartObject("position");
            worker.Position.Write(json);
            json.WriteEndObject();
            json.WriteStartObject("counts");
            worker.Counts.Write(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    public void Dispose()
    {
        foreach (RowStream worker in _workers)
            worker.Dispose();
    }
}
