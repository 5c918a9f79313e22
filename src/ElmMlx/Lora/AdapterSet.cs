using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Lora;

/// <summary>The adapters of a model by module, whichever tool wrote them.</summary>
internal sealed class AdapterSet
{
    private readonly SortedDictionary<string, Adapter> _adapters = new(StringComparer.Ordinal);

    public AdapterSet(string source) => Source = source;

    /// <summary>Where they come from.</summary>
    public string Source { get; }

    /// <summary>By CoreNet's path of the module.</summary>
    public IReadOnlyDictionary<string, Adapter> Adapters => _adapters;

    /// <summary>
    /// Whether a tied output layer has the embedding's adapter too: mlx-lm's has, that of CoreNet and PEFT has not.
    /// </summary>
    public bool AdaptsTiedOutput { get; init; }

    /// <summary>The model that they were trained on, if it is said.</summary>
    public string? BaseModel { get; init; }

    /// <summary>What a person should know about reading them.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>For the report: <c>LoRA</c>, <c>DoRA</c> or both, with the rank.</summary>
    public string Description
    {
        get
        {
            int dora = _adapters.Values.Count(adapter => adapter.Magnitudes is not null);
            string kind = dora == 0 ? "LoRA" : dora == _adapters.Count ? "DoRA" : "DoRA and LoRA";
            string ranks = string.Join("/", _adapters.Values.Select(adapter => adapter.Rank).Distinct().Order());
            return $"{kind} of rank {ranks} on {_adapters.Count} modules";
        }
    }

    /// <summary>Reads mlx-lm's or PEFT's adapters.</summary>
    /// <param name="path">The folder, or the file of tensors in it.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is malformed, or holds something else.</exception>
    public static AdapterSet Read(string path)
    {
        if (Path.GetFileName(path) == PeftAdapters.FileName)
            path = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return PeftAdapters.Are(path) ? PeftAdapters.Read(path) : MlxLmAdapters.Read(path);
    }

    /// <exception cref="InvalidDataException">The module has one already.</exception>
    public void Add(Adapter adapter)
    {
        if (!_adapters.TryAdd(adapter.Module, adapter))
            throw new InvalidDataException($"{Source}: {adapter.Module} has more than one adapter, and only one can " +
                "be used.");
    }

    /// <summary>Whether every adapter fits a matrix of the model.</summary>
    /// <param name="shapes">By CoreNet's name of the tensor.</param>
    /// <exception cref="InvalidDataException">Names the first that does not.</exception>
    public void CheckAgainst(IReadOnlyDictionary<string, int[]> shapes)
    {
        foreach (Adapter adapter in _adapters.Values)
        {
            string name = OpenElmModel.MlxLmName(adapter.Module);
            if (!shapes.TryGetValue(adapter.Module + ".weight", out int[]? shape))
                throw new InvalidDataException(
                    $"{Source}: the model has no layer {name}; these adapters belong to another model.");
            if (shape.Length != 2 || shape[0] != adapter.Rows || shape[1] != adapter.Columns)
                throw new InvalidDataException(
                    $"{Source}: {name}.lora_a is [{adapter.Inputs}, {adapter.Rank}] and lora_b [{adapter.Rank}, " +
                    $"{adapter.Outputs}], for a matrix of [{adapter.Rows}, {adapter.Columns}], and the model's is " +
                    $"[{string.Join(", ", shape)}]; these adapters belong to another model.");
            if (adapter.Magnitudes is { } m && m.Length != adapter.Rows)
                throw new InvalidDataException($"{Source}: the magnitudes of {name} are {m.Length}, and its weight " +
                    $"has {adapter.Rows} rows.");
        }
    }

    /// <summary>A tensor's elements in float32.</summary>
    /// <exception cref="InvalidDataException">They are not floating.</exception>
    public static float[] ReadFloats(SafetensorsFile file, TensorInfo tensor)
    {
        if (!tensor.Type.IsFloating())
            throw new InvalidDataException($"{file.Path}: {tensor} is not floating.");
        var bytes = new byte[checked((int)tensor.ByteCount)];
        file.Read(tensor, bytes);
        var floats = new float[tensor.ElementCount];
        TensorCast.ToFloats(tensor.Type, bytes, floats);
        return floats;
    }
}
