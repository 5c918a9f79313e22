using System.Collections;

namespace ElmMlx.OpenElm;

/// <summary>The caches of all layers of a model: what a prompt has left behind.</summary>
public sealed class PromptCache : IReadOnlyList<LayerCache>, IDisposable
{
    private readonly LayerCache[] _layers;

    /// <summary>A cache of the given layers, which it owns.</summary>
    public PromptCache(IEnumerable<LayerCache> layers) => _layers = [.. layers];

    /// <summary>An empty cache for a model.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="maxSize">
    /// When given, only the first four and the latest tokens are kept, this many together.
    /// </param>
    public static PromptCache For(OpenElmConfig config, int? maxSize = null) => new(
        config.Layers.Select(_ => maxSize is { } size ? (LayerCache)new RotatingKvCache(size) : new KvCache()));

    /// <summary>Number of layers.</summary>
    public int Count => _layers.Length;

    /// <summary>One layer's cache.</summary>
    public LayerCache this[int layer] => _layers[layer];

    /// <summary>Tokens seen so far.</summary>
    public int Offset => _layers.Length == 0 ? 0 : _layers[0].Offset;

    /// <summary>Bytes of all buffers.</summary>
    public long ByteCount => _layers.Sum(layer => layer.ByteCount);

    /// <summary>Whether the last tokens can be taken back.</summary>
    public bool IsTrimmable => _layers.All(layer => layer.IsTrimmable);

    /// <summary>Forgets the last tokens in every layer.</summary>
    /// <param name="count">How many.</param>
    public void Trim(int count)
    {
        foreach (LayerCache layer in _layers)
            layer.Trim(count);
    }

    /// <summary>Quantises every exact cache; quantised ones stay.</summary>
    /// <param name="groupSize">Elements that share one scale: 32, 64 or 128.</param>
    /// <param name="bits">Bits an element.</param>
    /// <exception cref="InvalidOperationException">
    /// A layer has a rotating cache, which has no quantised form.
    /// </exception>
    public void Quantize(int groupSize, int bits)
    {
        for (int i = 0; i < _layers.Length; i++)
        {
            if (_layers[i] is RotatingKvCache)
                throw new InvalidOperationException(
                    "A cache of bounded size cannot be quantised; leave out either --max-kv-size or " +
                    "--kv-bits.");
            if (_layers[i] is not KvCache exact)
                continue;
            _layers[i] = exact.ToQuantized(groupSize, bits);
            exact.Dispose();
        }
    }

    /// <summary>Evaluates all buffers.</summary>
    public void Eval() => MlxArray.Eval(_layers.SelectMany(layer => layer.Buffers));

    /// <inheritdoc/>
    public IEnumerator<LayerCache> GetEnumerator() => ((IEnumerable<LayerCache>)_layers).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (LayerCache layer in _layers)
            layer.Dispose();
    }
}
