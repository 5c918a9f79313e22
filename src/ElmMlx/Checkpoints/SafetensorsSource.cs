using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>One safetensors file with some of a model's tensors: what training of whole weights leaves.</summary>
internal sealed class SafetensorsSource : CheckpointSource
{
    private readonly SafetensorsFile _file;
    private readonly Dictionary<string, TensorInfo> _stored = new(StringComparer.Ordinal);

    public SafetensorsSource(string path)
    {
        _file = SafetensorsFile.Open(path);
        foreach (TensorInfo tensor in _file.Tensors.Values)
        {
            string name = OpenElmModel.CanonicalName(tensor.Name);
            Add(new SourceTensor(name, tensor.Type, tensor.Shape));
            _stored.Add(name, tensor);
        }
    }

    public override string Path => _file.Path;

    public override string Description => "safetensors file";

    public override void Read(SourceTensor tensor, long offset, Span<byte> destination) =>
        _file.Read(_stored[tensor.Name], offset, destination);

    public override void Dispose() => _file.Dispose();
}
