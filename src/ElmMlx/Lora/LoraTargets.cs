using System.Globalization;
using System.Text.RegularExpressions;
using ElmMlx.Nn;
using ElmMlx.OpenElm;

namespace ElmMlx.Lora;

/// <summary>Finds the modules that get adapters.</summary>
internal sealed class LoraTargets
{
    private const string LayerPrefix = "layers.";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.25);

    private readonly (string Path, Module Module)[] _matrices;
    private readonly int _layerCount;

    public LoraTargets(OpenElmModel model)
    {
        _matrices = [.. model.NamedModules().Where(entry => entry.Module is LinearLayer or EmbeddingLayer)];
        _layerCount = model.Config.Layers.Count;
        if (_matrices.Any(entry => entry.Module is IAdapterLayer))
            throw new ArgumentException("The model has adapters already; fuse them, or load it without.");
    }

    /// <summary>The first of the last <paramref name="count"/> layers.</summary>
    /// <exception cref="ArgumentException">The model has fewer.</exception>
    public int FirstLayer(int count) => count > _layerCount
        ? throw new ArgumentException(
            $"num_layers is {count}, and the model has {_layerCount} layers: give at most {_layerCount}, or 0 for " +
            "all.")
        : count <= 0 ? 0 : _layerCount - count;

    /// <summary>The modules that the options name, in the model's order.</summary>
    /// <exception cref="ArgumentException">A name or the expression matches nothing.</exception>
    public IReadOnlyList<(string Path, Module Module)> Find(LoraOptions options)
    {
        int first = FirstLayer(options.LayerCount);
        if (options.Keys is not null && options.Pattern is not null)
            throw new ArgumentException("Name the modules either by keys or by a regular expression.");
        if (options.Pattern is { } pattern)
            return ByPattern(pattern, first);
        return options.Keys is { } keys
            ? ByKeys(keys, first)
            : [.. _matrices.Where(entry => LayerOf(entry.Path) >= first)];
    }

    /// <summary>The number of the layer that a module belongs to; −1 outside the layers.</summary>
    public static int LayerOf(string path) => path.StartsWith(LayerPrefix, StringComparison.Ordinal)
        ? int.Parse(
            path.AsSpan()[LayerPrefix.Length..path.IndexOf('.', LayerPrefix.Length)], CultureInfo.InvariantCulture)
        : -1;

    /// <summary>mlx-lm's key of a module: within its layer, or its whole name outside.</summary>
    public static string KeyOf(string path) => LayerOf(path) < 0
        ? OpenElmModel.MlxLmName(path)
        : path[(path.IndexOf('.', LayerPrefix.Length) + 1)..];

    private (string, Module)[] ByKeys(IReadOnlyList<string> keys, int first)
    {
        foreach (string key in keys)
            if (!_matrices.Any(entry => IsNamed(entry.Path, key)))
                throw new ArgumentException(
                    $"keys: no matrix of the model is called {key}; there are " +
                    $"{string.Join(", ", _matrices.Select(entry => KeyOf(entry.Path)).Distinct())}.");
        (string, Module)[] found = [.. _matrices.Where(entry =>
            keys.Contains(OpenElmModel.MlxLmName(entry.Path)) ||
            LayerOf(entry.Path) >= first && keys.Contains(KeyOf(entry.Path)))];
        return found.Length > 0 ? found : throw new ArgumentException(
            "keys is an empty list; leave it out for every matrix of the layers.");
    }

    private static bool IsNamed(string path, string key) => key == KeyOf(path) || key == OpenElmModel.MlxLmName(path);

    private (string, Module)[] ByPattern(string pattern, int first)
    {
        try
        {
            Regex expression = new(pattern, RegexOptions.CultureInvariant, Patience);
            (string, Module)[] found = [.. _matrices.Where(entry =>
                LayerOf(entry.Path) is var layer && (layer < 0 || layer >= first) &&
                expression.IsMatch(OpenElmModel.MlxLmName(entry.Path)))];
            return found.Length > 0 ? found : throw new ArgumentException(
                $"The regular expression '{pattern}' matches no matrix of layer {first} or later; their names are " +
                $"like {OpenElmModel.MlxLmName(_matrices.First(entry => LayerOf(entry.Path) >= first).Path)}.");
        }
        catch (RegexParseException e)
        {
            throw new ArgumentException($"The regular expression '{pattern}' is not understood: {e.Message}", e);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new ArgumentException(
                $"The regular expression '{pattern}' takes too long on one name; write a simpler one.", e);
        }
    }
}
