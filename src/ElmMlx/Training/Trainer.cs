using System.Diagnostics;
using ElmMlx.Datasets;
using ElmMlx.Nn;
using ElmMlx.Optimizers;

namespace ElmMlx.Training;

/// <summary>
/// The loop: batches, a loss, its gradient, an optimizer; evaluations and checkpoints on the way. It knows parameters,
/// and not what they belong to. A step is a batch, as an iteration of mlx-lm's is.
/// </summary>
/// <remarks>
/// Nothing that decides the future is hidden: parameters, the optimizer's state, gradients that wait for an update, and
/// the numbers of <see cref="TrainingState"/> are in every checkpoint; everything else follows from the settings.
/// </remarks>
public sealed partial class Trainer : IDisposable
{
    private readonly IReadOnlyList<(string Path, Parameter Parameter)> _parameters;
    private readonly Parameter[] _differentiated;
    private readonly Optimizer _optimizer;
    private readonly BatchLoss _loss;
    private readonly BatchLoss _validationLoss;
    private readonly IBatchSource _batches;
    private readonly IBatchSource? _validation;
    private readonly TrainingOptions _options;
    private readonly GradientWindow _window = new();
    private TrainingState _state = new();

    /// <summary>A run from the beginning; <see cref="Resume"/> moves it to a checkpoint.</summary>
    /// <param name="parameters">What is trained, with paths: a model's trainable parameters.</param>
    /// <param name="optimizer">
    /// Changes them; it stays the caller's. It computes in float32 whatever the parameters' type.
    /// </param>
    /// <param name="loss">What is to be made small.</param>
    /// <param name="batches">What is trained on.</param>
    /// <param name="validation">What evaluations measure; null for none.</param>
    /// <param name="options">How long, and what is kept.</param>
    /// <param name="validationLoss">What evaluations measure it with, where that is not the loss of training.</param>
    /// <exception cref="ArgumentException">There is nothing to train, or an option is impossible.</exception>
    public Trainer(
        IEnumerable<(string Path, Parameter Parameter)> parameters, Optimizer optimizer, BatchLoss loss,
        IBatchSource batches, IBatchSource? validation, TrainingOptions options, BatchLoss? validationLoss = null)
    {
        _parameters = [.. parameters];
        if (_parameters.Count == 0)
            throw new ArgumentException(
                "There is no parameter to train: all of the model is frozen.", nameof(parameters));
        options.Check();
        _differentiated = [.. _parameters.Select(entry => entry.Parameter)];
        _optimizer = optimizer;
        _loss = loss;
        _validationLoss = validationLoss ?? loss;
        _batches = batches;
        _validation = validation;
        _options = options;
        _optimizer.Precision = OptimizerPrecision.Float32Master;
        _files = options.Folder is { } folder ? new RunFiles(new RunFolder(folder)
        {
            KeepLast = options.KeepLast,
            Settings = options.Settings,
            WriteBeside = options.WriteBeside,
        }) : null;
    }

    /// <summary>Finished steps.</summary>
    public long Step => _state.Step;

    /// <summary>
    /// Trains until the iterations are done, the validation loss no longer falls, or it is asked to stop.
    /// </summary>
    /// <param name="progress">Told after every step, on this thread.</param>
    /// <param name="cancellation">Ends the run after the step that is under way; a checkpoint is made then.</param>
    /// <exception cref="InvalidOperationException">
    /// Too many batches in a row gave NaN or infinity; says which, and the learning rate.
    /// </exception>
    /// <exception cref="IOException">A checkpoint could not be written; the former one stands.</exception>
    public TrainingResult Run(
        IProgress<TrainingReport>? progress = null, CancellationToken cancellation = default)
    {
        MlxMemory.ResetPeak();
        _files?.Begin(_state.Step);
        if (_files is not { IsResumed: true } && _validation is not null && !cancellation.IsCancellationRequested)
            Finish(Evaluate(NewReport()), progress, cancellation);
        while (!_state.IsFinished && _state.Step < _options.Iterations && !cancellation.IsCancellationRequested)
        {
            TrainingReport report = TrainOneBatch();
            if (_validation is not null
                && (_state.Step % _options.StepsPerEvaluation == 0 || _state.Step == _options.Iterations))
                report = Evaluate(report);
            Finish(report, progress, cancellation);
        }
        if (_files is not null && cancellation.IsCancellationRequested && (_files.SavedStep ?? 0) < _state.Step)
            Save();     // it was asked to stop while the last report was shown
        return Result();
    }

    /// <summary>Frees what the run holds; parameters and optimizer stay.</summary>
    public void Dispose()
    {
        _window.Dispose();
        _files?.Dispose();
    }

    private TrainingReport TrainOneBatch()
    {
        var clock = Stopwatch.StartNew();
        using var scope = new ArrayScope();
        (int epoch, int number) = (_state.Epoch, _state.Batch);
        using Batch batch = _batches.Get(epoch, number);
        long step = _state.Step + 1;
        LossSum counted = null!;
        (MlxArray[] values, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(_differentiated, () =>
        {
            counted = _loss(batch, step);
            return [counted.Sum, .. counted.Figures.Select(figure => figure.Sum)];
        });
        (long weight, long tokens) = (counted.Weight, counted.Tokens);
        MlxArray norm = GradientClipping.Norm(gradients);
        MlxArray.Eval([.. values, norm, .. gradients]);
        double loss = values[0].Item<float>() / (double)weight;
        bool isBad = weight > 0 && !(double.IsFinite(loss) && float.IsFinite(norm.Item<float>()));

        bool isLastOfEpoch = number + 1 == _batches.BatchesPerEpoch;
        _state = _state with
        {
            Step = step,
            Epoch = isLastOfEpoch ? epoch + 1 : epoch,
            Batch = isLastOfEpoch ? 0 : number + 1,
            Tokens = _state.Tokens + (isBad ? 0 : tokens),
            BatchesInWindow = _state.BatchesInWindow + 1,
            SkippedBatches = _state.SkippedBatches + (isBad ? 1 : 0),
            SkippedInARow = isBad ? _state.SkippedInARow + 1 : 0,
        };
        double learningRate = _optimizer.LearningRate.At(_optimizer.Step);
        if (_state.SkippedInARow > _options.MaxSkippedInARow)
            throw new InvalidOperationException(Explain(loss, batch, learningRate));
        MlxArray? meanNorm = null;
        if (!isBad && weight > 0)
        {
            if (_window.IsEmpty)
                meanNorm = norm / (float)weight;        // while the window has no other batch
            Add(gradients, weight);
        }
        double? appliedNorm = null;
        if (_state.BatchesInWindow >= _options.GradientAccumulationSteps || step == _options.Iterations)
            appliedNorm = Update(meanNorm);
        if (_options.ClearCacheThreshold is { } threshold && MlxMemory.CacheBytes > threshold)
            MlxMemory.ClearCache();
        double seconds = clock.Elapsed.TotalSeconds;
        return NewReport() with
        {
            TrainLoss = weight > 0 ? loss : null,
            TrainFigures = weight > 0
                ? [.. counted.Figures.Select(
                    (figure, i) => (figure.Name, values[i + 1].Item<float>() / (double)weight))]
                : [],
            LearningRate = learningRate,
            GradientNorm = appliedNorm,
            StepTokens = (int)tokens,
            StepWeight = weight,
            TokensPerSecond = tokens / seconds,
            Epoch = epoch,
            IsSkipped = isBad,
        };
    }

    private void Add(MlxArray[] gradients, long weight)
    {
        if (_options.AveragesBatchMeans)
            _window.Add([.. gradients.Select(gradient => gradient.AsType(DType.Float32) * (1f / weight))], 1);
        else
            _window.Add(gradients, weight);
    }

    // Takes the norm of the window's gradient where it is known. Returns it, as it was before clipping; null where
    // every batch since the last update was left out.
    private double? Update(MlxArray? norm)
    {
        _state = _state with { BatchesInWindow = 0 };
        if (_window.IsEmpty)
            return null;
        MlxArray[] gradients = _window.Mean();
        norm ??= GradientClipping.Norm(gradients);
        if (_options.ClipGradientNorm is { } most)
            gradients = GradientClipping.ToNorm(gradients, norm, most);
        _optimizer.Update(_parameters, gradients);
        MlxArray.Eval(
            [norm, .. _differentiated.Select(parameter => parameter.Value), .. _optimizer.State.Values]);
        _window.Clear();
        return norm.Item<float>();
    }

    private TrainingReport Evaluate(TrainingReport report)
    {
        var clock = Stopwatch.StartNew();
        HeldOutMean held = HeldOutLoss.Measure(_validation!, _validationLoss, _options.ValidationBatches);
        double loss = held.Loss;
        bool isBest = loss < (_state.BestLoss ?? double.PositiveInfinity);
        _state = isBest
            ? _state with { BestLoss = loss, BestStep = _state.Step, EvaluationsSinceBest = 0 }
            : _state with { EvaluationsSinceBest = _state.EvaluationsSinceBest + 1 };
        if (isBest)
            _files?.WriteBest(NamedWeights(), _state.Step, loss);
        return report with
        {
            ValidationLoss = loss,
            ValidationFigures = held.Figures,
            IsBest = isBest,
            ValidationSeconds = clock.Elapsed.TotalSeconds,
        };
    }

    // Writes what the step leaves behind: its line, then its checkpoint.
    private void Finish(TrainingReport report, IProgress<TrainingReport>? progress, CancellationToken cancellation)
    {
        bool isPatienceOver = _state.EvaluationsSinceBest >= (_options.Patience ?? int.MaxValue);
        _state = _state with { IsFinished = isPatienceOver || _state.Step >= _options.Iterations };
        _files?.Append(report);
        bool isSaving = _state.IsFinished || cancellation.IsCancellationRequested
            || _state.Step > 0 && _state.Step % _options.SaveEvery == 0;
        if (isSaving && _files is not null)
            report = report with { SavedCheckpoint = Save() };
        progress?.Report(report);
    }

    private TrainingReport NewReport() => new()
    {
        Step = _state.Step,
        TotalSteps = _options.Iterations,
        Tokens = _state.Tokens,
        MemoryBytes = MlxMemory.PeakBytes,
        LearningRate = _optimizer.LearningRate.At(_optimizer.Step),
    };

    private TrainingResult Result() => new()
    {
        End = _state.Step >= _options.Iterations ? TrainingEnd.Finished
            : _state.IsFinished ? TrainingEnd.StoppedEarly
            : TrainingEnd.Interrupted,
        Step = _state.Step,
        Tokens = _state.Tokens,
        SkippedBatches = _state.SkippedBatches,
        BestLoss = _state.BestLoss,
        BestStep = _state.BestStep,
        Checkpoint = _files?.NewestCheckpoint,
    };

    private string Explain(double loss, Batch batch, double learningRate)
    {
        const int shown = 4;
        string[] rows = [.. batch.Rows.Select(_batches.Place).Distinct()];
        string places =
            string.Join("; ", rows.Take(shown)) + (rows.Length > shown ? $"; and {rows.Length - shown} more" : "");
        string what = double.IsFinite(loss) ? "a gradient is infinite or NaN" : "the loss is infinite or NaN";
        string times = _state.SkippedInARow > 1 ? $" for {_state.SkippedInARow} batches in a row" : "";
        return FormattableString.Invariant(
            $"Step {_state.Step}: {what}{times} (rows: {places}; learning rate {learningRate:g4}). ") +
            "Lower the learning rate, clip the gradient, or look at these rows; the last checkpoint stands.";
    }
}
