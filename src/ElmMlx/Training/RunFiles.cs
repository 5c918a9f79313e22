using System.Globalization;
using ElmMlx.Weights;

namespace ElmMlx.Training;

/// <summary>
/// The files of a run: <c>checkpoints/</c> to go on from, <c>best/</c> with the weights of the lowest validation loss,
/// <c>metrics.jsonl</c>, and, where it is asked for, the newest weights beside them.
/// </summary>
internal sealed class RunFiles : IDisposable
{
    private readonly RunFolder _folder;
    private readonly CheckpointFiles _checkpoints;
    private MetricsLog? _metrics;

    public RunFiles(RunFolder folder)
    {
        _folder = folder;
        _checkpoints = new CheckpointFiles(folder.Path);
    }

    private string BestFolder => Path.Combine(_folder.Path, "best");

    private string LogFile => Path.Combine(_folder.Path, "metrics.jsonl");

    /// <summary>Makes the folder ready for a new run, whose former content goes, or for one that goes on.</summary>
    /// <param name="step">The step to go on from; null for a new run.</param>
    public void Begin(long? step)
    {
        Directory.CreateDirectory(_folder.Path);
        if (step is null)
        {
            _checkpoints.Clear();
            if (Directory.Exists(BestFolder))
                Directory.Delete(BestFolder, recursive: true);
        }
        foreach (string folder in new[] { _folder.Path, BestFolder }.Where(Directory.Exists))
            AtomicFile.Clean(folder);
        _checkpoints.Clean();
        _checkpoints.DiscardAfter(step ?? 0);
        _metrics?.Dispose();
        _metrics = new MetricsLog(LogFile, step);
    }

    /// <summary>Adds a step's line.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Append(TrainingReport report) => Guard(
        $"The line of step {report.Step} could not be added to {LogFile}", () => _metrics!.Append(report));

    /// <summary>Writes the weights of the lowest validation loss.</summary>
    /// <exception cref="IOException">They could not be written; the former ones stand.</exception>
    public void WriteBest(IReadOnlyDictionary<string, MlxArray> weights, long step, double loss) => Guard(
        $"The best weights, of step {step}, could not be written to {BestFolder}", () =>
        {
            Directory.CreateDirectory(BestFolder);
            _folder.WriteBeside?.Invoke(BestFolder);
            var metadata = new Dictionary<string, string>(Checkpoint.WeightsMetadata)
            {
                ["step"] = step.ToString(CultureInfo.InvariantCulture),
                ["val_loss"] = loss.ToString(CultureInfo.InvariantCulture),
            };
            ArrayFile.Write(Path.Combine(BestFolder, _folder.WeightsFile), weights, metadata);
        });

    /// <summary>Writes a checkpoint, and then the weights beside the checkpoints.</summary>
    /// <param name="checkpoint">What it holds.</param>
    /// <param name="writeMore">Adds files that only checkpoints have.</param>
    /// <returns>The checkpoint's folder.</returns>
    public string Save(Checkpoint checkpoint, Action<string>? writeMore = null)
    {
        _metrics!.Flush();
        string folder = _checkpoints.Write(
            checkpoint.State.Step, _folder.KeepLast,
            partial => checkpoint.Write(partial, _folder.WeightsFile, _folder.WriteBeside + writeMore));
        if (_folder.KeepsNewestBeside)
            Guard(
                $"The weights of step {checkpoint.State.Step} could not be written to {_folder.Path}",
                () => ArrayFile.Write(
                    Path.Combine(_folder.Path, _folder.WeightsFile), checkpoint.Weights, Checkpoint.WeightsMetadata));
        return folder;
    }

    /// <summary>The newest checkpoint that is whole, with a sentence about each newer one.</summary>
    /// <param name="force">Whether its settings may be others than those of this run.</param>
    /// <exception cref="ArgumentException">Settings differ; the message names them.</exception>
    /// <exception cref="InvalidDataException">There are checkpoints, and none is whole.</exception>
    public (Checkpoint? Checkpoint, string Folder, IReadOnlyList<string> Notes) Latest(bool force)
    {
        var notes = new List<string>();
        foreach (string folder in _checkpoints.Steps().Select(_checkpoints.FolderOf))
        {
            try
            {
                CheckpointManifest manifest = Checkpoint.Inspect(folder, _folder.WeightsFile);
                if (!force)
                    CheckSettings(manifest.Settings);
                return (Checkpoint.Read(folder, manifest, _folder.WeightsFile), folder, notes);
            }
            catch (Exception e) when (e is InvalidDataException or IOException)
            {
                notes.Add($"{folder} is not used: {e.Message}");
            }
        }
        return notes.Count == 0
            ? (null, "", notes)
            : throw new InvalidDataException(
                $"No checkpoint of {_folder.Path} can be used ({string.Join(" ", notes)}); start again without --resume.");
    }

    private void CheckSettings(IReadOnlyDictionary<string, string> former)
    {
        string[] differences = [.. former.Keys.Union(_folder.Settings.Keys).Order(StringComparer.Ordinal)
            .Where(name => former.GetValueOrDefault(name) != _folder.Settings.GetValueOrDefault(name))
            .Select(name => $"{name} was {former.GetValueOrDefault(name) ?? "not set"} and is " +
                $"{_folder.Settings.GetValueOrDefault(name) ?? "not set"}")];
        if (differences.Length > 0)
            throw new ArgumentException(
                $"The run in {_folder.Path} was begun with other settings: {string.Join("; ", differences)}. Give the former " +
                "ones, or --force to go on all the same.");
    }

    /// <inheritdoc/>
    public void Dispose() => _metrics?.Dispose();

    private void Guard(string failure, Action write)
    {
        try
        {
            write();
        }
        catch (Exception problem) when (CheckpointFiles.IsFailure(problem))
        {
            throw _checkpoints.Failure(failure, problem);
        }
    }
}
