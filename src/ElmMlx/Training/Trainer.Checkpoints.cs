namespace ElmMlx.Training;

// What a run leaves on disk, and how it goes on from there.
public sealed partial class Trainer
{
    private const string GradientPrefix = "gradient:";
    private readonly RunFiles? _files;

    /// <summary>Goes on from the newest whole checkpoint of the run's folder.</summary>
    /// <param name="force">Whether to go on although settings differ.</param>
    /// <returns>
    /// The step, null where there is no checkpoint yet, and a sentence about each newer one that could not be used.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// Settings differ from those of the checkpoint; the message names them. Nothing has changed then.
    /// </exception>
    /// <exception cref="InvalidDataException">There are checkpoints, and none of them is whole.</exception>
    public (long? Step, IReadOnlyList<string> Notes) Resume(bool force = false) => _files is null
        ? throw new InvalidOperationException("A run that writes nothing cannot be resumed.")
        : _files.Resume(force, Load);

    private string Save()
    {
        using var scope = new ArrayScope();
        Dictionary<string, MlxArray> arrays = Checkpoint.ArraysOf(_optimizer);
        for (int i = 0; i < _window.Sums.Count; i++)
            arrays[GradientPrefix + _parameters[i].Path] = _window.Sums[i];
        return _files!.Save(new Checkpoint
        {
            State = _state with { WindowWeight = _window.Weight },
            Settings = _options.Settings,
            Weights = NamedWeights(),
            Arrays = arrays,
        });
    }

    private void Load(Checkpoint checkpoint, string folder)
    {
        // Everything is looked at before anything is changed.
        MlxArray[] weights = [.. _parameters.Select(entry =>
            Checkpoint.Find(checkpoint.Weights, _options.TensorName(entry.Path), entry.Parameter.Value, folder)
                .AsType(entry.Parameter.Value.DType))];
        bool isInWindow = checkpoint.Arrays.Keys.Any(name => name.StartsWith(GradientPrefix, StringComparison.Ordinal));
        MlxArray[] sums = !isInWindow ? [] : [.. _parameters.Select(entry =>
            Checkpoint.Find(checkpoint.Arrays, GradientPrefix + entry.Path, entry.Parameter.Value, folder))];
        checkpoint.LoadInto(_optimizer, folder);
        MlxArray.Eval(weights);
        for (int i = 0; i < weights.Length; i++)
            _parameters[i].Parameter.Replace(weights[i]);
        _state = checkpoint.State with { IsFinished = checkpoint.State.IsFinished && !CanGoOn(checkpoint.State) };
        _window.Clear();
        if (isInWindow)
            _window.Load(sums, checkpoint.State.WindowWeight);
    }

    // A run that was done goes on when it is given more iterations; one that lost its patience, with more of that.
    private bool CanGoOn(TrainingState state) => state.Step < _options.Iterations
        && state.EvaluationsSinceBest < (_options.Patience ?? int.MaxValue);

    private Dictionary<string, MlxArray> NamedWeights() =>
        _parameters.ToDictionary(entry => _options.TensorName(entry.Path), entry => entry.Parameter.Value);
}
