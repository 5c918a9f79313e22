using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ElmMlx.Weights;

/// <summary>
/// Writes the weights of a model folder: one file, or shards when they are larger than a limit. Tensors go into shards
/// in the order of their names, so the same tensors give the same files.
/// </summary>
public sealed class WeightFilesWriter : IDisposable
{
    /// <summary>5 GiB a file, mlx-lm's limit.</summary>
    public const long DefaultShardBytes = 5L << 30;

    private readonly string _folder;
    private readonly string? _indexName;
    private readonly long _parameters;
    private readonly SortedDictionary<string, string> _fileOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SafetensorsWriter> _writers = new(StringComparer.Ordinal);

    /// <summary>Begins the files of a folder.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="stem">The file's name without extension: <c>model</c> or <c>weights</c>.</param>
    /// <param name="tensors">All tensors, in any order.</param>
    /// <param name="metadata">Texts for every file's <c>__metadata__</c>.</param>
    /// <param name="parameters">
    /// Number of the model's weights for the index; null writes an index only beside shards.
    /// </param>
    /// <param name="shardBytes">Most bytes a file; a single tensor may be larger.</param>
    public WeightFilesWriter(
        string folder, string stem, IEnumerable<TensorSpec> tensors, IReadOnlyDictionary<string,
        string>? metadata = null,
        long? parameters = null, long shardBytes = DefaultShardBytes)
    {
        var shards = new List<List<TensorSpec>> { new() };
        long size = 0;
        foreach (TensorSpec tensor in tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            if (size > 0 && size + tensor.ByteCount > shardBytes)
            {
                shards.Add([]);
                size = 0;
            }
            shards[^1].Add(tensor);
            size += tensor.ByteCount;
            TotalBytes += tensor.ByteCount;
        }
        _folder = folder;
        _parameters = parameters ?? 0;
        _indexName = parameters is not null || shards.Count > 1 ? stem + ".safetensors.index.json" : null;
        try
        {
            for (int i = 0; i < shards.Count; i++)
            {
                string name = shards.Count == 1
                    ? stem + ".safetensors"
                    : $"{stem}-{i + 1:00000}-of-{shards.Count:00000}.safetensors";
                _writers.Add(name, new SafetensorsWriter(Path.Combine(folder, name), shards[i], metadata));
                foreach (TensorSpec tensor in shards[i])
                    _fileOf.Add(tensor.Name, name);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Bytes of all tensors.</summary>
    public long TotalBytes { get; }

    /// <summary>Writes the next elements of a tensor.</summary>
    public void Write(string name, ReadOnlySpan<byte> bytes) => _writers[_fileOf[name]].Write(name, bytes);

    /// <summary>Completes all files, then the index.</summary>
    public void Commit()
    {
        foreach (SafetensorsWriter writer in _writers.Values)
            writer.Commit();
        if (_indexName is null)
            return;
        var buffer = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions
        {
            Indented = true,
            IndentSize = 4,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        using (var json = new Utf8JsonWriter(buffer, options))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");
            json.WriteNumber("total_size", TotalBytes);
            if (_parameters > 0)
                json.WriteNumber("total_parameters", _parameters);
            json.WriteEndObject();
            json.WriteStartObject("weight_map");
            foreach ((string tensor, string file) in _fileOf)
                json.WriteString(tensor, file);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        AtomicFile.WriteAllBytes(Path.Combine(_folder, _indexName), buffer.WrittenSpan);
    }

    /// <summary>Closes the files; those that are not complete are removed.</summary>
    public void Dispose()
    {
        foreach (SafetensorsWriter writer in _writers.Values)
            writer.Dispose();
    }
}
