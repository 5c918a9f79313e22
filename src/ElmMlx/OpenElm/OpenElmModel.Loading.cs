using ElmMlx.Nn;
using ElmMlx.Weights;

namespace ElmMlx.OpenElm;

// Model folders of either layout.
public sealed partial class OpenElmModel
{
    private const string Prefix = "transformer.";

    /// <summary>
    /// Loads a model folder: mlx-lm's layout (and Hugging Face's) or that of CoreNet's MLX port.
    /// </summary>
    /// <param name="folder">The folder with <c>config.json</c> and the weights.</param>
    /// <param name="type">When given, floating-point tensors are converted to it.</param>
    /// <exception cref="FileNotFoundException">
    /// The folder, its configuration or its weights are not there.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// A file is malformed, or the tensors are not those of the configuration.
    /// </exception>
    public static OpenElmModel Load(string folder, DType? type = null)
    {
        using ModelFolder files = ModelFolder.Open(folder);
        return Load(files, type);
    }

    /// <summary>Loads a model folder that is open already; it may be closed afterwards.</summary>
    /// <inheritdoc cref="Load(string, DType?)"/>
    public static OpenElmModel Load(ModelFolder folder, DType? type = null)
    {
        OpenElmConfig config = OpenElmConfig.FromFile(folder.ConfigurationPath);
        var names = new Dictionary<string, TensorInfo>(StringComparer.Ordinal);
        foreach (TensorInfo tensor in folder.Weights.Tensors)
            if (!names.TryAdd(CanonicalName(tensor.Name), tensor))
                throw new InvalidDataException(
                    $"{folder.Path}: the tensor {CanonicalName(tensor.Name)} stands there twice, with " +
                    $"and without the prefix {Prefix}");
        if (config.TieEmbeddings && names.ContainsKey("classifier.weight"))
            throw new InvalidDataException(
                $"{folder.Path}: there is an output layer (lm_head or classifier), and config.json says " +
                "that it is shared with the embedding (share_input_output_layers).");
        ModelWeights.Check(
            config,
            names.ToDictionary(
                entry => entry.Key, entry => new TensorShape(folder.TypeOf(entry.Value), entry.Value.Shape)),
            folder.Path);

        var tensors = new Dictionary<string, MlxArray>(StringComparer.Ordinal);
        foreach ((TensorInfo tensor, MlxArray array) in folder.ReadAll())
        {
            MlxArray value = Owned.Take(array);
            if (type is { } wanted && value.DType != wanted && value.DType.IsFloating())
            {
                MlxArray converted = Owned.Take(value.AsType(wanted));
                converted.Eval();
                value.Dispose();
                value = converted;
            }
            tensors.Add(CanonicalName(tensor.Name), value);
        }
        return new OpenElmModel(config, new ModelWeights(config, tensors));
    }

    /// <summary>
    /// CoreNet's name of a tensor or module that mlx-lm calls <c>transformer.…</c> or <c>lm_head…</c>.
    /// </summary>
    public static string CanonicalName(string name)
    {
        if (name.StartsWith(Prefix, StringComparison.Ordinal))
            return name[Prefix.Length..];
        const string head = "lm_head";
        bool isHead = name == head || name.StartsWith(head + ".", StringComparison.Ordinal);
        return isHead ? "classifier" + name[head.Length..] : name;
    }

    /// <summary>mlx-lm's name of a tensor or module that CoreNet calls <c>layers…</c> or <c>classifier…</c>.</summary>
    public static string MlxLmName(string name)
    {
        const string head = "classifier";
        bool isHead = name == head || name.StartsWith(head + ".", StringComparison.Ordinal);
        return isHead ? "lm_head" + name[head.Length..] : Prefix + name;
    }
}
