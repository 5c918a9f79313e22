using ElmMlx.Checkpoints.Torch;

namespace ElmMlx.Checkpoints;

/// <summary>A CoreNet checkpoint: a plain state dict, an averaged or EMA one, or one of training with both.</summary>
internal sealed class TorchSource : CheckpointSource
{
    private const string DataParallelPrefix = "module.";

    private readonly TorchArchive _archive;
    private readonly Dictionary<string, TorchTensor> _stored = new(StringComparer.Ordinal);
    private readonly string _kind;

    private TorchSource(TorchArchive archive, WeightsChoice choice)
    {
        _archive = archive;
        (PickleDict state, _kind) = Choose(archive, choice);
        var tensors = state.Entries.Where(entry => entry.Value is TorchTensor).ToArray();
        foreach (KeyValuePair<object, object?> entry in state.Entries)
            if (entry.Value is not TorchTensor)
                Notes.Add($"'{entry.Key}' is not a tensor and is left out.");
        if (tensors.Length == 0)
            throw new InvalidDataException($"{Path}: there are no tensors in it; a checkpoint of weights is a " +
                "dictionary of names and tensors.");
        bool prefixed = tensors.All(
            entry => entry.Key is string name && name.StartsWith(DataParallelPrefix, StringComparison.Ordinal));
        if (prefixed)
            Notes.Add("The names began with 'module.', as data parallel training leaves them; the prefix is removed.");
        foreach (KeyValuePair<object, object?> entry in tensors)
        {
            if (entry.Key is not string name)
                throw new InvalidDataException($"{Path}: a tensor's name is the number {entry.Key}.");
            name = prefixed ? name[DataParallelPrefix.Length..] : name;
            var tensor = (TorchTensor)entry.Value!;
            Add(new SourceTensor(
                name, tensor.Type, [.. tensor.Shape.Select(dimension => (int)dimension)], tensor.IsContiguous));
            _stored.Add(name, tensor);
        }
    }

    public static TorchSource Open(string path, WeightsChoice choice = WeightsChoice.Model)
    {
        TorchArchive archive = TorchArchive.Open(path);
        try
        {
            return new TorchSource(archive, choice);
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    public override string Path => _archive.Path;

    public override string Description => $"PyTorch {_kind} ({_archive.Container} container)";

    public override void Read(SourceTensor tensor, long offset, Span<byte> destination) =>
        _archive.Read(_stored[tensor.Name], offset, destination);

    public override void Dispose() => _archive.Dispose();

    private static (PickleDict State, string Kind) Choose(TorchArchive archive, WeightsChoice choice)
    {
        PickleDict root = archive.Root;
        bool training = root["model_state_dict"] is PickleDict;
        if (choice == WeightsChoice.Ema)
            return root["ema_state_dict"] is PickleDict ema
                ? (ema, "training checkpoint, weights of the moving average")
                : throw new InvalidDataException(
                    $"{archive.Path}: there is no ema_state_dict in it{(training ? ", only model_state_dict" : "")}; " +
                        "leave --weights ema away.");
        if (!training)
            return root["state_dict"] is PickleDict wrapped
                ? (wrapped, "checkpoint, entry state_dict")
                : (root, "state dict");
        string kind = root["ema_state_dict"] is PickleDict
            ? "training checkpoint, weights of the model (--weights ema takes the moving average)"
            : "training checkpoint, weights of the model";
        return ((PickleDict)root["model_state_dict"]!, kind);
    }
}
