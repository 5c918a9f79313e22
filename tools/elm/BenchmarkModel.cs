using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Tools.Elm;

/// <summary>What is measured: the model of a folder, or random weights of a shape.</summary>
internal sealed class BenchmarkModel : IDisposable
{
    private readonly string? _path;
    private readonly DType? _type;
    private readonly int? _bits;
    private OpenElmModel? _loaded;

    private BenchmarkModel(OpenElmConfig config, string? path, DType? type, int? bits)
    {
        Config = config;
        _path = path;
        _type = type;
        _bits = bits;
    }

    /// <summary>The sizes.</summary>
    public OpenElmConfig Config { get; }

    /// <summary>Element type or bits of the weights.</summary>
    public required string Format { get; init; }

    /// <summary>Bits that the weights are to be quantised to.</summary>
    public int? Bits => _bits;

    /// <summary>The model, made when it is first asked for.</summary>
    public OpenElmModel Loaded => _loaded ??= Create();

    /// <summary>Bytes of the weights; null before they are loaded.</summary>
    public long? WeightBytes => _loaded?.ByteCount;

    /// <summary>Random weights.</summary>
    /// <param name="config">The shape.</param>
    /// <param name="type">Their type.</param>
    /// <param name="bits">Bits to quantise them to, groups of 64.</param>
    public static BenchmarkModel Random(OpenElmConfig config, DType type, int? bits) =>
        new(config, null, type, bits) { Format = FormatOf(bits, type.Name()) };

    /// <summary>A folder's weights.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="type">The type to convert them to.</param>
    /// <param name="bits">Bits to quantise them to, groups of 64.</param>
    public static BenchmarkModel OfFolder(string path, DType? type, int? bits)
    {
        using ModelFolder folder = ModelFolder.Open(path);
        var config = OpenElmConfig.FromFile(folder.ConfigurationPath);
        string stored = folder.Weights.Tensors.First(tensor => tensor.Type.IsFloating()).Type.Name();
        return new(config, path, type, bits)
        {
            Format = FormatOf(bits ?? config.Quantization?.Default.Bits, type?.Name() ?? stored),
        };
    }

    /// <summary>
    /// A folder with the model: its own, or a temporary one with random weights that is deleted with the result.
    /// </summary>
    /// <param name="isPlain">Whether random weights are to be written without quantising them.</param>
    public BenchmarkFolder Folder(bool isPlain = false)
    {
        if (_path is not null)
            return BenchmarkFolder.Existing(_path);
        using OpenElmModel model = isPlain ? CreatePlain() : Create();
        return BenchmarkFolder.Write(model);
    }

    /// <summary>Loads the model of a folder with this one's type and bits.</summary>
    public OpenElmModel Load(string path) =>
        _path is null ? OpenElmModel.Load(path) : Quantized(OpenElmModel.Load(path, _type));

    public void Dispose() => _loaded?.Dispose();

    private OpenElmModel Create()
    {
        OpenElmModel model = _path is null ? Quantized(CreatePlain()) : Load(_path);
        MlxMemory.ResetPeak();      // making random numbers takes more than keeping them
        return model;
    }

    private OpenElmModel CreatePlain() => OpenElmModel.Random(Config, _type!.Value);

    private OpenElmModel Quantized(OpenElmModel model)
    {
        if (_bits is { } bits)
        {
            model.Quantize(new OpenElmQuantization(new QuantizationSettings(64, bits)));
            model.Eval();
        }

        return model;
    }

    private static string FormatOf(int? bits, string type) => bits is null ? type : $"{bits}-bit";
}
