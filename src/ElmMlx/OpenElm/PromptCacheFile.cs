using System.Globalization;
using ElmMlx.Weights;

namespace ElmMlx.OpenElm;

// mlx-lm flattens three lists into one safetensors file. Tensors: "layer.0" keys, "layer.1" values
// (quantised: a third number, 0 packed, 1 scales, 2 biases). Texts: "0.layer" the meta state, "1.key" the
// caller's, "2.layer" the class.

/// <summary>Prompt caches in mlx-lm's file format.</summary>
public static class PromptCacheFile
{
    private const int MaxLayers = 1024;

    /// <summary>Writes a cache.</summary>
    /// <param name="path">The file; one of that name is replaced.</param>
    /// <param name="cache">At least one token.</param>
    /// <param name="metadata">
    /// The caller's texts; mlx-lm writes <c>model</c> and <c>tokenizer_config</c>.
    /// </param>
    /// <exception cref="InvalidOperationException">The cache has seen no token.</exception>
    public static void Save(string path, PromptCache cache, IReadOnlyDictionary<string, string>? metadata = null)
    {
        if (cache.Offset == 0)
            throw new InvalidOperationException(
                $"There is nothing to write to {path}: the cache has seen no token.");
        using var scope = new ArrayScope();
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        var arrays = new Dictionary<string, MlxArray>(StringComparer.Ordinal);
        for (int i = 0; i < cache.Count; i++)
        {
            LayerCache layer = cache[i];
            foreach ((string suffix, MlxArray array) in layer.State())
                arrays.Add($"{i}.{suffix}", array);
            IReadOnlyList<int> meta = layer.MetaState;
            if (meta.Count == 0)
                texts.Add($"0.{i}", "");
            for (int j = 0; j < meta.Count; j++)
                texts.Add($"0.{i}.{j}", meta[j].ToString(CultureInfo.InvariantCulture));
            texts.Add($"2.{i}", layer.MlxLmName);
        }
        foreach ((string key, string value) in metadata ?? new Dictionary<string, string>())
            texts.Add("1." + key, value);
        MlxArray.Eval(arrays.Values);
        using var writer = new SafetensorsWriter(
            path,
            arrays.Select(entry => new TensorSpec(entry.Key, TensorArrays.TypeOf(entry.Value), entry.Value.Shape)),
            texts);
        foreach ((string name, MlxArray array) in arrays)
            writer.Write(name, array.ToBytes());
        writer.Commit();
    }

    /// <summary>Reads a cache.</summary>
    /// <param name="path">A file that this class or mlx-lm has written.</param>
    /// <param name="config">The model that the cache must belong to.</param>
    /// <returns>The cache, and the caller's texts.</returns>
    /// <exception cref="InvalidDataException">The file is malformed, or belongs to another model.</exception>
    public static (PromptCache Cache, IReadOnlyDictionary<string, string> Metadata) Load(
        string path, OpenElmConfig config)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        int count = 0;
        while (count < MaxLayers && file.Metadata.ContainsKey($"2.{count}"))
            count++;
        if (count == 0)
            throw new InvalidDataException(
                $"{path} is not a prompt cache: its metadata names no cache class (2.0).");
        if (count != config.Layers.Count)
            throw new InvalidDataException(
                $"{path} has caches for {count} layers, and the model has {config.Layers.Count}; the " +
                "file belongs to another model.");
        var layers = new List<LayerCache>();
        try
        {
            for (int i = 0; i < count; i++)
                layers.Add(new LayerReader(file, config, i).Read());
            if (layers.Any(layer => layer.Offset != layers[0].Offset))
                throw new InvalidDataException($"{path}: the layers have seen different numbers of tokens.");
        }
        catch
        {
            layers.ForEach(layer => layer.Dispose());
            throw;
        }
        var metadata = file.Metadata.Where(entry => entry.Key.StartsWith("1.", StringComparison.Ordinal))
            .ToDictionary(entry => entry.Key[2..], entry => entry.Value);
        return (new PromptCache(layers), metadata);
    }

    private sealed class LayerReader
    {
        private readonly SafetensorsFile _file;
        private readonly OpenElmConfig _config;
        private readonly int _layer;

        public LayerReader(SafetensorsFile file, OpenElmConfig config, int layer)
        {
            _file = file;
            _config = config;
            _layer = layer;
        }

        public LayerCache Read()
        {
            using var scope = new ArrayScope();
            string name = _file.Metadata[$"2.{_layer}"];
            switch (name)
            {
                case "KVCache":
                    {
                        MlxArray keys = Array("0", _config.HeadSize);
                        return new KvCache(keys, Array("1", _config.HeadSize, keys.Dim(2)));
                    }
                case "RotatingKVCache":
                    {
                        MlxArray keys = Array("0", _config.HeadSize);
                        MlxArray values = Array("1", _config.HeadSize, keys.Dim(2));
                        int keep = Number(0), maxSize = Number(1), offset = Number(2), index = Number(3);
                        int tokens = keys.Dim(2);
                        if (keep >= maxSize || tokens > offset || index > tokens || tokens < offset && index < keep ||
                            tokens < Math.Min(offset, maxSize) && tokens != offset)
                            throw new InvalidDataException(
                                $"{_file.Path}: the rotating cache of layer {_layer} cannot hold {tokens} " +
                                $"tokens with keep {keep}, size {maxSize}, offset {offset} and index {index}.");
                        return new RotatingKvCache(keys, values, keep, maxSize, offset, index);
                    }
                case "QuantizedKVCache":
                    return Quantized();
                default:
                    throw new InvalidDataException(
                        $"{_file.Path}: the cache class '{name}' of layer {_layer} is not known; " +
                        "KVCache, RotatingKVCache and QuantizedKVCache are.");
            }
        }

        private QuantizedKvCache Quantized()
        {
            int offset = Number(0), groupSize = Number(1), bits = Number(2);
            if (groupSize is not (32 or 64 or 128) || bits is not (2 or 3 or 4 or 5 or 6 or 8) ||
                _config.HeadSize % groupSize != 0)
                throw new InvalidDataException(
                    $"{_file.Path}: layer {_layer} is quantised with {bits} bits in groups of " +
                    $"{groupSize}, which does not fit a head size of {_config.HeadSize}.");
            var arrays = new MlxArray[6];
            for (int i = 0; i < 6; i++)
            {
                int width = i % 3 == 0 ? _config.HeadSize * bits / 32 : _config.HeadSize / groupSize;
                arrays[i] = Array($"{i / 3}.{i % 3}", width, i == 0 ? null : arrays[0].Dim(2), packed: i % 3 == 0);
            }
            if (offset < 1 || offset > arrays[0].Dim(2))
                throw new InvalidDataException(
                    $"{_file.Path}: layer {_layer} says {offset} tokens and holds {arrays[0].Dim(2)}.");
            return new QuantizedKvCache(arrays[..3], arrays[3..], offset, groupSize, bits);
        }

        private MlxArray Array(string suffix, int width, int? tokens = null, bool packed = false)
        {
            TensorInfo tensor = _file[$"{_layer}.{suffix}"];
            int heads = _config.Layers[_layer].KeyValueHeads;
            bool fits = tensor.Shape.Count == 4 && tensor.Shape[0] >= 1 && tensor.Shape[1] == heads &&
                tensor.Shape[2] >= 1 && tensor.Shape[3] == width && (tokens is null || tensor.Shape[2] == tokens) &&
                (packed ? tensor.Type == TensorType.UInt32 : tensor.Type.IsFloating());
            if (!fits)
                throw new InvalidDataException(
                    $"{_file.Path}: {tensor} is not what layer {_layer} of this model keeps ({heads} " +
                    $"key heads, width {width}); the file belongs to another model.");
            return TensorArrays.Read(_file, tensor);
        }

        private int Number(int index)
        {
            string key = $"0.{_layer}.{index}";
            return _file.Metadata.TryGetValue(key, out string? text) &&
                int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                ? number
                : throw new InvalidDataException(
                    $"{_file.Path}: the metadata {key} of the prompt cache is missing or no number.");
        }
    }
}
