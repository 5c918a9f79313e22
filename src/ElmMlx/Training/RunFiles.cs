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

    /// <summary>Whether the run goes on from a checkpoint.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>The folder of the newest checkpoint that this run has read or written; null for none.</summary>
    public string? NewestCheckpoint { get; private set; }

    /// <summary>The step of <see cref="NewestCheckpoint"/>.</summary>
    public long? SavedStep { get; private set; }

    private string BestFolder => Path.Combine(_folder.Path, "best");

    private string LogFile => Path.Combine(_folder.Path, "metrics.jsonl");

    /// <summary>Goes on from the newest whole checkpoint.</summary>
    /// <param name="force">Whether its settings may be others than those of this run.</param>
    /// <param name="load">Takes the checkpoint; its folder, for messages and for files of the caller's.</param>
    /// <returns>Its step, null where there is none, and a sentence about each newer one.</returns>
    /// <exception cref="ArgumentException">Settings differ; the message names them.</exception>
    /// <exception cref="InvalidDataException">There are checkpoints, and none is whole.</exception>
    public (long? Step, IReadOnlyList<string> Notes) Resume(bool force, Action<Checkpoint, string> load)
    {
        using var scope = new ArrayScope();
        (Checkpoint? checkpoint, string folder, IReadOnlyList<string> notes) = Latest(force);
        if (checkpoint is null)
            return (null, notes);
        load(checkpoint, folder);
        (IsResumed, NewestCheckpoint, SavedStep) = (true, folder, checkpoint.State.Step);
        return (SavedStep, notes);
    }

    /// <summary>Makes the folder ready for a new run, whose former content goes, or for one that goes on.</summary>
    /// <param name="step">The step that was reached; a run that is not resumed begins anew.</param>
    public void Begin(long step)
    {
        Directory.CreateDirectory(_folder.Path);
        if (!IsResumed)
        {
            _checkpoints.Clear();
            if (Directory.Exists(BestFolder))
                Directory.Delete(BestFolder, recursive: true);
        }
        foreach (string folder in new[] { _folder.Path, BestFolder }.Where(Directory.Exists))
            AtomicFile.Clean(folder);
        _checkpoints.Clean();
        _checkpoints.DiscardAfter(IsResumed ? step : 0);
        _metrics?.Dispose();
        _metrics = new MetricsLog(LogFile, IsResumed ? step : null);
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
        NewestCheckpoint = _checkpoints.Write(
            checkpoint.State.Step, _folder.KeepLast,
            partial => checkpoint.Write(partial, _folder.WeightsFile, _folder.WriteBeside + writeMore));
        SavedStep = checkpoint.State.Step;
        if (_folder.KeepsNewestBeside)
            Guard(
                $"The weights of step {checkpoint.State.Step} could not be written to {_folder.Path}",
                () => ArrayFile.Write(
                    Path.Combine(_folder.Path, _folder.WeightsFile), checkpoint.Weights, Checkpoint.WeightsMetadata));
        return NewestCheckpoint;
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
                $"No checkpoint of {_folder.Path} can be used ({string.Join(" ", notes)}); start again without " +
                    "--resume.");
    }

    private void CheckSettings(IReadOnlyDictionary<string, string> former)
    {
        string[] differences = [.. former.Keys.Union(_folder.Settings.Keys).Order(StringComparer.Ordinal)
            .Where(name => former.GetValueOrDefault(name) != _folder.Settings.GetValueOrDefault(name))
            .Select(name => $"{name} was {former.GetValueOrDefault(name) ?? "not set"} and is " +
                $"{_folder.Settings.GetValueOrDefault(name) ?? "not set"}")];
        if (differences.Length > 0)
            throw new ArgumentException(
                $"The run in {_folder.Path} was begun with other settings: {string.Join("; ", differences)}. Give " +
                "the former ones, or --force to go on all the same.");
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
