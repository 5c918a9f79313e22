using System.Text.Json;

namespace ElmMlx.Weights;

/// <summary>
/// The safetensors files of one model folder as one set of tensors: a single file, or shards with an index that is
/// checked against them (every tensor exactly once, in the file that the index names, and no file outside the folder).
/// </summary>
public sealed class WeightFiles : IDisposable
{
    /// <summary>The index that Hugging Face and mlx-lm write beside shards.</summary>
    public const string IndexName = "model.safetensors.index.json";

    private const int MaxFiles = 10_000;
    private const long MaxIndexBytes = 100_000_000;

    private readonly Dictionary<string, SafetensorsFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (SafetensorsFile File, TensorInfo Tensor)> _tensors =
        new(StringComparer.Ordinal);

    private WeightFiles()
    {
    }

    /// <summary>
    /// Opens the weights of a folder: <c>model.safetensors</c>, <c>weights.safetensors</c>, or shards.
    /// </summary>
    /// <exception cref="InvalidDataException">A file is malformed, or files and index disagree.</exception>
    /// <exception cref="FileNotFoundException">The folder holds no weights.</exception>
    public static WeightFiles Open(string folder)
    {
        var result = new WeightFiles();
        try
        {
            string index = Path.Combine(folder, IndexName);
            if (File.Exists(index))
                result.OpenIndexed(folder, index);
            else
                foreach (string file in Find(folder))
                    result.Add(file, Path.Combine(folder, file));
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>The tensors by name, whichever file holds them.</summary>
    public IEnumerable<TensorInfo> Tensors => _tensors.Values.Select(entry => entry.Tensor);

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Contains(string name) => _tensors.ContainsKey(name);

    /// <summary>The file that holds a tensor, and what it says about it.</summary>
    /// <exception cref="InvalidDataException">No file holds it.</exception>
    public (SafetensorsFile File, TensorInfo Tensor) this[string name] => _tensors.TryGetValue(name, out var entry)
        ? entry
        : throw new InvalidDataException($"The tensor {name} is missing from " +
            $"{string.Join(", ", _files.Values.Select(file => file.Path))}.");

    /// <summary>The open files.</summary>
    public IEnumerable<SafetensorsFile> Files => _files.Values;

    /// <summary>Closes all files.</summary>
    public void Dispose()
    {
        foreach (SafetensorsFile file in _files.Values)
            file.Dispose();
    }

    private static string[] Find(string folder)
    {
        foreach (string name in (string[])["model.safetensors", "weights.safetensors"])
            if (File.Exists(Path.Combine(folder, name)))
                return [name];
        string[] shards = [.. Directory.EnumerateFiles(folder, "model*.safetensors")
            .Select(Path.GetFileName).Order(StringComparer.Ordinal)!];
        return shards.Length > 0 ? shards : throw new FileNotFoundException(
            $"{folder} holds no weights: there is no model.safetensors, weights.safetensors or {IndexName}.");
    }

    private void Add(string name, string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        _files.Add(name, file);
        foreach (TensorInfo tensor in file.Tensors.Values)
            if (!_tensors.TryAdd(tensor.Name, (file, tensor)))
                throw new InvalidDataException($"{path}: the tensor {tensor.Name} stands in " +
                    $"{_tensors[tensor.Name].File.Path} too.");
    }

    private void OpenIndexed(string folder, string index)
    {
        var map = ReadIndex(index);
        foreach (string name in map.Values.Distinct(StringComparer.Ordinal))
        {
            if (_files.Count == MaxFiles)
                throw new InvalidDataException($"{index} names more than {MaxFiles} files.");
            if (name.Length == 0 || name != Path.GetFileName(name) || name.Contains('\\') || name is "." or "..")
                throw new InvalidDataException($"{index} names the file '{name}', which does not lie in the folder.");
            string path = Path.Combine(folder, name);
            if (!File.Exists(path))
                throw new InvalidDataException($"{index} names the file {name}, which is missing; download the model " +
                    "again.");
            Add(name, path);
        }
        foreach ((string tensor, string name) in map)
            if (!_files[name].Tensors.ContainsKey(tensor))
                throw new InvalidDataException($"{index} says that {name} holds {tensor}, which it does not.");
        foreach (string tensor in _tensors.Keys)
            if (!map.ContainsKey(tensor))
                throw new InvalidDataException($"{_tensors[tensor].File.Path} holds {tensor}, which {IndexName} does " +
                    "not list.");
    }

    private static Dictionary<string, string> ReadIndex(string index)
    {
        if (new FileInfo(index).Length > MaxIndexBytes)
            throw new InvalidDataException($"{index} is larger than an index can be.");
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var document =
                JsonDocument.Parse(File.ReadAllBytes(index), new JsonDocumentOptions { MaxDepth = 16 });
            if (document.RootElement.ValueKind != JsonValueKind.Object ||
                !document.RootElement.TryGetProperty("weight_map", out JsonElement entries)
                    || entries.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{index} has no weight_map.");
            foreach (JsonProperty entry in entries.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String)
                    throw new InvalidDataException($"{index}: the entry of {entry.Name} is not a file's name.");
                if (!map.TryAdd(entry.Name, entry.Value.GetString()!))
                    throw new InvalidDataException($"{index} lists {entry.Name} twice.");
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{index} is not valid JSON.", e);
        }
        return map;
    }
}
