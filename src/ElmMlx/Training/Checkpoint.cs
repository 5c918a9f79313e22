using ElmMlx.Optimizers;
using ElmMlx.Weights;

namespace ElmMlx.Training;

/// <summary>
/// A checkpoint: the trained weights in a file of their own, everything else that is made of numbers as
/// <c>state.safetensors</c>, and <c>training.json</c> with the place, the settings, and the size and hash of every
/// file.
/// </summary>
internal sealed record Checkpoint
{
    /// <summary>What MLX's files say about themselves.</summary>
    public static readonly IReadOnlyDictionary<string, string> WeightsMetadata =
        new Dictionary<string, string> { ["format"] = "mlx" };

    private const string StateFile = "state.safetensors", Manifest = "training.json", OptimizerPrefix = "optimizer:";

    /// <summary>The place.</summary>
    public required TrainingState State { get; init; }

    /// <summary>The settings that the run was started with.</summary>
    public required IReadOnlyDictionary<string, string> Settings { get; init; }

    /// <summary>The trained weights by their names in files.</summary>
    public required IReadOnlyDictionary<string, MlxArray> Weights { get; init; }

    /// <summary>Optimizer state, float32 copies and sums of gradients, each under the name that it was given.</summary>
    public required IReadOnlyDictionary<string, MlxArray> Arrays { get; init; }

    /// <summary>Writes everything into a folder, the manifest last.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="weightsFile">Name of the file with the weights.</param>
    /// <param name="writeBeside">Adds files of the caller's, which the manifest lists too.</param>
    public void Write(string folder, string weightsFile, Action<string>? writeBeside = null)
    {
        ArrayFile.Write(Path.Combine(folder, weightsFile), Weights, WeightsMetadata);
        ArrayFile.Write(Path.Combine(folder, StateFile), Arrays);
        writeBeside?.Invoke(folder);
        var files = Directory.EnumerateFiles(folder)
            .Select(CheckpointManifest.Entry.Of)
            .OrderBy(file => file.Name, StringComparer.Ordinal)
            .ToList();
        AtomicFile.WriteAllBytes(
            Path.Combine(folder, Manifest), new CheckpointManifest(State, Settings, files).ToJson());
    }

    /// <summary>Reads the place and the settings of a checkpoint.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="weightsFile">Name of the file with the weights.</param>
    /// <exception cref="InvalidDataException">
    /// It is none of ours, or a file is not as it was written; says which.
    /// </exception>
    public static CheckpointManifest Inspect(string folder, string weightsFile)
    {
        string path = Path.Combine(folder, Manifest);
        if (!File.Exists(path))
            throw new InvalidDataException($"{folder} has no {Manifest}, so it is no checkpoint of a training run.");
        var manifest = CheckpointManifest.Read(path);
        foreach (string required in (string[])[weightsFile, StateFile])
            if (!manifest.Files.Any(file => file.Name == required))
                throw new InvalidDataException($"{path} does not list {required}.");
        foreach (CheckpointManifest.Entry file in manifest.Files)
            file.Check(folder);
        return manifest;
    }

    /// <summary>Reads a checkpoint whose files <see cref="Inspect"/> has checked.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="manifest">What <see cref="Inspect"/> gave.</param>
    /// <param name="weightsFile">Name of the file with the weights.</param>
    public static Checkpoint Read(string folder, CheckpointManifest manifest, string weightsFile) => new()
    {
        State = manifest.State,
        Settings = manifest.Settings,
        Weights = ArrayFile.Read(Path.Combine(folder, weightsFile)),
        Arrays = ArrayFile.Read(Path.Combine(folder, StateFile)),
    };

    /// <summary>An optimizer's state as <see cref="Arrays"/> have it.</summary>
    public static Dictionary<string, MlxArray> ArraysOf(Optimizer optimizer) =>
        optimizer.State.ToDictionary(
            entry => OptimizerPrefix + entry.Key, entry => entry.Value, StringComparer.Ordinal);

    /// <summary>Gives an optimizer the state that a checkpoint has of it.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="folder">The checkpoint's folder, for messages.</param>
    /// <exception cref="ArgumentException">The state is not this optimizer's; nothing has changed then.</exception>
    public void LoadInto(Optimizer optimizer, string folder)
    {
        try
        {
            optimizer.LoadState(Arrays
                .Where(entry => entry.Key.StartsWith(OptimizerPrefix, StringComparison.Ordinal))
                .ToDictionary(entry => entry.Key[OptimizerPrefix.Length..], entry => entry.Value));
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"{folder} cannot be gone on from: {e.Message}", e);
        }
    }

    /// <summary>One of a checkpoint's arrays.</summary>
    /// <param name="arrays">The checkpoint's.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="wanted">An array of the shape that it must have.</param>
    /// <param name="folder">The checkpoint's folder, for messages.</param>
    /// <exception cref="ArgumentException">It is not there, or has another shape.</exception>
    public static MlxArray Find(
        IReadOnlyDictionary<string, MlxArray> arrays, string name, MlxArray wanted, string folder)
    {
        if (!arrays.TryGetValue(name, out MlxArray? found))
            throw new ArgumentException($"{folder} has no {name}: it belongs to a run that trained something else.");
        return found.Shape.AsSpan().SequenceEqual(wanted.Shape)
            ? found
            : throw new ArgumentException(
                $"{folder}: {name} is {found.Describe()}, and this run trains {wanted.Describe()} there.");
    }
}
