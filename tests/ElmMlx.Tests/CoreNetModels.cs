using ElmMlx.Checkpoints;
using ElmMlx.OpenElm;

namespace ElmMlx.Tests;

/// <summary>Models straight from CoreNet's checkpoints, without a folder between.</summary>
internal static class CoreNetModels
{
    /// <summary>The tensors of a <c>.pt</c> by name, in its own types.</summary>
    public static Dictionary<string, MlxArray> Tensors(string checkpoint)
    {
        using TorchSource source = TorchSource.Open(checkpoint);
        var tensors = new Dictionary<string, MlxArray>();
        foreach (SourceTensor tensor in source.Tensors.Values)
        {
            var bytes = new byte[tensor.ByteCount];
            source.Read(tensor, 0, bytes);
            tensors.Add(
                tensor.Name,
                MlxArray.FromBytes(bytes, DTypes.Parse(Weights.TensorTypes.Name(tensor.Type)), [.. tensor.Shape]));
        }
        return tensors;
    }

    /// <summary>A model in float32.</summary>
    public static OpenElmModel Load(string checkpoint, string architecture)
    {
        OpenElmModel model =
            OpenElmModel.FromTensors(OpenElmConfig.FromFile(architecture), Tensors(checkpoint), checkpoint);
        model.Cast(DType.Float32);
        return model;
    }
}
