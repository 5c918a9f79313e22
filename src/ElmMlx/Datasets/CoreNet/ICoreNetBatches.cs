using System.Text.Json;

namespace ElmMlx.Datasets;

/// <summary>Batches for ever, with a place from which they go on.</summary>
internal interface ICoreNetBatches : IDisposable
{
    /// <summary>What became of the documents so far.</summary>
    DataCounts Counts { get; }

    /// <summary>Times that the files have been gone through.</summary>
    int Epoch { get; }

    /// <summary>The next batch.</summary>
    CoreNetBatch Next();

    /// <summary>Everything that the next batches depend on, beside the options, as members of an object.</summary>
    void WriteState(Utf8JsonWriter json);
}
