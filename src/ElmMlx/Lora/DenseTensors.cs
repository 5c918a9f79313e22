using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Lora;

/// <summary>The tensors of a model folder in float32, one at a time, packed matrices too.</summary>
internal sealed class DenseTensors : IDisposable
{
    private readonly ModelFolder _folder;
    private readonly Dictionary<string, TensorInfo> _tensors;

    private DenseTensors(ModelFolder folder)
    {
        _folder = folder;
        Config = OpenElmConfig.FromFile(folder.ConfigurationPath);
        _tensors = folder.Weights.Tensors.ToDictionary(
            tensor => OpenElmModel.CanonicalName(tensor.Name), StringComparer.Ordinal);
        ModelWeights.Check(
            Config,
            _tensors.ToDictionary(
                entry => entry.Key, entry => new TensorShape(folder.TypeOf(entry.Value), entry.Value.Shape)),
            folder.Path);
    }

    /// <summary>The sizes.</summary>
    public OpenElmConfig Config { get; }

    /// <summary>The folder.</summary>
    public string Path => _folder.Path;

    /// <exception cref="InvalidDataException">The tensors are not those of the configuration.</exception>
    public static DenseTensors Open(string path)
    {
        ModelFolder folder = ModelFolder.Open(path);
        try
        {
            return new DenseTensors(folder);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>A tensor's elements.</summary>
    /// <param name="name">CoreNet's name.</param>
    public float[] Read(string name)
    {
        using ArrayScope scope = new();
        MlxArray value = _folder.Read(_tensors[name]);
        string module = name[..^".weight".Length];
        if (_tensors.TryGetValue(module + ".scales", out TensorInfo? scales))
        {
            (int groupSize, int bits, string mode) = Config.Quantization!.For(module);
            MlxArray? biases = _tensors.TryGetValue(module + ".biases", out TensorInfo? tensor)
                ? Floats(_folder.Read(tensor))
                : null;
            value = Quantized.Dequantize(value, Floats(_folder.Read(scales)), biases, groupSize, bits, mode);
        }
        return value.AsType(DType.Float32).ToArray<float>();

        // Elements are computed in the type of their scales: wider ones lose nothing on the way.
        static MlxArray Floats(MlxArray array) => array.DType.IsFloating() ? array.AsType(DType.Float32) : array;
    }

    public void Dispose() => _folder.Dispose();
}
