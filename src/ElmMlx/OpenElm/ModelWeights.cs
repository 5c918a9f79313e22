using ElmMlx.Nn;

namespace ElmMlx.OpenElm;

/// <summary>The tensors of one model, from which its modules are built.</summary>
internal sealed class ModelWeights
{
    private readonly OpenElmConfig _config;
    private readonly IReadOnlyDictionary<string, MlxArray> _tensors;

    public ModelWeights(OpenElmConfig config, IReadOnlyDictionary<string, MlxArray> tensors)
    {
        _config = config;
        _tensors = tensors;
    }

    public LinearLayer Linear(string path) =>
        Packed(path) is { } packed ? new QuantizedLinear(packed) : new Linear(_tensors[path + ".weight"]);

    public EmbeddingLayer Embedding(string path) =>
        Packed(path) is { } packed ? new QuantizedEmbedding(packed) : new Embedding(_tensors[path + ".weight"]);

    public RmsNorm Norm(string path, float epsilon) => new(_tensors[path + ".weight"], epsilon);

    /// <summary>
    /// Checks names and shapes before a module is made: nothing missing, nothing left over.
    /// </summary>
    /// <param name="config">The sizes that the tensors must have.</param>
    /// <param name="tensors">By CoreNet's name.</param>
    /// <param name="source">What to call the tensors in errors.</param>
    /// <exception cref="InvalidDataException">They are not this model's.</exception>
    public static void Check(OpenElmConfig config, IReadOnlyDictionary<string, TensorShape> tensors, string source)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, int[] shape) in config.TensorShapes())
        {
            known.Add(name);
            if (!tensors.TryGetValue(name, out TensorShape tensor))
                throw new InvalidDataException(
                    $"{source}: the tensor {name} is missing; the file is not complete, or config.json " +
                    "is another model's.");
            string path = name[..^".weight".Length];
            if (tensors.ContainsKey(path + ".scales"))
                CheckPacked(config, tensors, path, shape, known, source);
            else if (!tensor.Type.IsFloating())
                throw new InvalidDataException(
                    $"{source}: {name} is {tensor.Type.Name()}, and there is no {path}.scales that " +
                    "would explain it.");
            else
                Require(name, tensor, shape, source);
        }
        foreach (string name in tensors.Keys)
            if (!known.Contains(name))
                throw new InvalidDataException(
                    $"{source}: the tensor {name} is no part of the model that config.json describes.");
    }

    private static void CheckPacked(
        OpenElmConfig config, IReadOnlyDictionary<string, TensorShape> tensors, string path, int[] shape,
        HashSet<string> known, string source)
    {
        if (shape.Length != 2)
            throw new InvalidDataException(
                $"{source}: {path}.scales is there, but {path} is no matrix that can be quantised.");
        if (config.Quantization is null)
            throw new InvalidDataException(
                $"{source}: {path} is quantised, and config.json does not say how (its entry " +
                "quantization is missing).");
        (int groupSize, int bits, string mode) = config.Quantization.For(path);
        if (shape[1] % groupSize != 0 || (long)shape[1] * bits % 32 != 0)
            throw new InvalidDataException(
                $"{source}: {path} has {shape[1]} columns, which groups of {groupSize} do not divide.");
        TensorShape weight = tensors[path + ".weight"];
        if (weight.Type != DType.UInt32)
            throw new InvalidDataException(
                $"{source}: {path}.weight is {weight.Type.Name()}; a quantised matrix is uint32.");
        Require(path + ".weight", weight, [shape[0], (int)((long)shape[1] * bits / 32)], source);
        string[] beside = mode == "affine" ? [".scales", ".biases"] : [".scales"];
        foreach (string name in beside)
        {
            if (!tensors.TryGetValue(path + name, out TensorShape tensor))
                throw new InvalidDataException(
                    $"{source}: the tensor {path}{name} is missing; the file is not complete.");
            Require(path + name, tensor, [shape[0], shape[1] / groupSize], source);
            known.Add(path + name);
        }
    }

    private static void Require(string name, TensorShape tensor, int[] shape, string source)
    {
        if (!tensor.Shape.SequenceEqual(shape))
            throw new InvalidDataException(
                $"{source}: {name} is [{string.Join(", ", tensor.Shape)}], and the model that " +
                $"config.json describes needs [{string.Join(", ", shape)}].");
    }

    private PackedMatrix? Packed(string path)
    {
        if (!_tensors.TryGetValue(path + ".scales", out MlxArray? scales))
            return null;
        (int groupSize, int bits, string mode) = _config.Quantization!.For(path);
        return new PackedMatrix(
            _tensors[path + ".weight"], scales, _tensors.GetValueOrDefault(path + ".biases"), groupSize, bits, mode);
    }
}
