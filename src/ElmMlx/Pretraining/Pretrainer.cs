using System.Diagnostics;
using System.Text.Json;
using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Text;
using ElmMlx.Training;

namespace ElmMlx.Pretraining;

/// <summary>
/// The loop of pretraining: batches, updates in CoreNet's order, evaluations and checkpoints on the way. A step is an
/// update.
/// </summary>
/// <remarks>
/// Nothing that decides the future is hidden: weights, moments, the moving average, every worker's place in the data
/// and the numbers of <see cref="TrainingState"/> are in every checkpoint; everything else follows from the recipe.
/// </remarks>
public sealed partial class Pretrainer : IDisposable
{
    private readonly PretrainingRecipe _recipe;
    private readonly PretrainingOptions _options;
    private readonly Func<JsonElement?, ICoreNetBatches> _open;
    private readonly Lazy<Tokenizer> _tokenizer;
    private readonly OpenElmModel _model;
    private readonly CoreNetUpdate _updates;
    private ICoreNetBatches _batches;
    private TrainingState _state = new();

    /// <summary>A run from the beginning; <see cref="Resume"/> moves it to a checkpoint.</summary>
    /// <param name="recipe">Everything that decides the numbers.</param>
    /// <param name="options">What is measured and kept.</param>
    /// <exception cref="ArgumentException">The vocabulary is smaller than the tokenizer's.</exception>
    /// <exception cref="InvalidDataException">A file is not what the recipe says.</exception>
    public Pretrainer(PretrainingRecipe recipe, PretrainingOptions options)
        : this(recipe, options, null)
    {
    }

    /// <param name="recipe">Everything that decides the numbers.</param>
    /// <param name="options">What is measured and kept.</param>
    /// <param name="open">Makes the batches from what they wrote, null to begin; null reads the recipe's files.</param>
    internal Pretrainer(
        PretrainingRecipe recipe, PretrainingOptions options, Func<JsonElement?, ICoreNetBatches>? open)
    {
        _recipe = recipe;
        _options = options;
        _tokenizer = new Lazy<Tokenizer>(() => Load(recipe));
        _open = open ?? (state => new CoreNetBatches(recipe.Data, _tokenizer.Value, state: state));
        _batches = _open(null);
        _model = StartingWeights.Create(recipe);
        _updates = new CoreNetUpdate(_model, recipe);
        _files = options.Folder is { } folder ? new RunFiles(FolderOf(folder)) : null;
    }

    /// <summary>Finished updates.</summary>
    public long Step => _state.Step;

    /// <summary>What became of the documents so far.</summary>
    public DataCounts Counts => _batches.Counts;

    /// <summary>Trains until the updates are done or it is asked to stop.</summary>
    /// <param name="progress">Told after every update, on this thread.</param>
    /// <param name="cancellation">Ends the run after the update that is under way; a checkpoint is made then.</param>
    /// <exception cref="InvalidDataException">A document cannot be read, or none passes the filters.</exception>
    /// <exception cref="InvalidOperationException">
    /// Too many updates in a row gave NaN or infinity; says which, and the learning rate.
    /// </exception>
    /// <exception cref="IOException">A checkpoint could not be written; the former one stands.</exception>
    public TrainingResult Run(
        IProgress<TrainingReport>? progress = null, CancellationToken cancellation = default)
    {
        MlxMemory.ResetPeak();
        _files?.Begin(_state.Step);
        if (_files is not { IsResumed: true }
            && _options.Validation is not null
            && !cancellation.IsCancellationRequested)
            Finish(Evaluate(NewReport()), progress);
        while (_state.Step < _recipe.Updates && !cancellation.IsCancellationRequested)
        {
            TrainingReport report = TrainOnce();
            if (_options.Validation is not null && IsTime(_options.EvaluateEvery))
                report = Evaluate(report);
            Finish(report, progress);
        }
        bool hasBegun = _state.Step > 0 || _state.BestLoss is not null;
        if (_files is not null && hasBegun && _files.SavedStep != _state.Step)
            Save();
        return new TrainingResult
        {
            End = _state.Step >= _recipe.Updates ? TrainingEnd.Finished : TrainingEnd.Interrupted,
            Step = _state.Step,
            Tokens = _state.Tokens,
            SkippedBatches = _state.SkippedBatches,
            BestLoss = _state.BestLoss,
            BestStep = _state.BestStep,
            Checkpoint = _files?.NewestCheckpoint,
        };
    }

    /// <summary>Frees the model and what else the run holds.</summary>
    public void Dispose()
    {
        _updates.Dispose();
        _model.Dispose();
        _batches.Dispose();
        _files?.Dispose();
    }

    private static Tokenizer Load(PretrainingRecipe recipe)
    {
        var tokenizer = Tokenizer.Load(recipe.TokenizerPath);
        return PretrainingReader.VocabularyProblem(recipe.Model, tokenizer) is { } problem
            ? throw new ArgumentException($"The model's vocabulary {problem}.")
            : tokenizer;
    }

    // Each so many updates, and after the last one.
    private bool IsTime(long every) =>
        _state.Step >= _recipe.Updates || every > 0 && _state.Step > 0 && _state.Step % every == 0;

    private TrainingReport TrainOnce()
    {
        var clock = Stopwatch.StartNew();
        using var scope = new ArrayScope();
        CoreNetBatch[] batches = [.. Enumerable.Range(0, _recipe.AccumulationSteps).Select(_ => _batches.Next())];
        double learningRate = _updates.Optimizer.LearningRate.At(_updates.Optimizer.Step);
        (MlxArray[] gradients, MicroLoss[] losses) = _updates.Gradients([.. batches.Select(MicroBatchOf)]);
        double norm = losses.All(loss => float.IsFinite(loss.Total)) ? _updates.Apply(gradients) : double.NaN;
        bool isBad = !double.IsFinite(norm);
        long tokens = losses.Sum(loss => (long)loss.Tokens);
        double loss = losses.Sum(loss => (double)loss.Total * loss.Tokens) / tokens;
        _state = _state with
        {
            Step = _state.Step + 1,
            Epoch = _batches.Epoch,
            Tokens = _state.Tokens + (isBad ? 0 : tokens),
            SkippedBatches = _state.SkippedBatches + (isBad ? 1 : 0),
            SkippedInARow = isBad ? _state.SkippedInARow + 1 : 0,
        };
        if (_state.SkippedInARow > _options.MaxSkippedInARow)
            throw new InvalidOperationException(Explain(losses, batches, learningRate));
        return NewReport() with
        {
            TrainLoss = tokens > 0 ? loss : null,
            LearningRate = learningRate,
            GradientNorm = isBad ? null : norm,
            StepTokens = (int)tokens,
            StepWeight = tokens,
            TokensPerSecond = tokens / clock.Elapsed.TotalSeconds,
            IsSkipped = isBad,
        };
    }

    private MicroBatch MicroBatchOf(CoreNetBatch batch) => new(
        batch.Inputs(), batch.Targets(),
        batch.Rows.Sum(row => row.Ids.AsSpan(1).Length - row.Ids.AsSpan(1).Count(_recipe.IgnoreIndex)));

    private TrainingReport Evaluate(TrainingReport report)
    {
        var clock = Stopwatch.StartNew();
        IEnumerable<CoreNetBatch> batches = CoreNetBatches.Once(_options.Validation!, _tokenizer.Value);
        double sum = 0;
        long tokens = 0;
        foreach (CoreNetBatch batch in _options.ValidationBatches < 0
            ? batches
            : batches.Take(_options.ValidationBatches))
        {
            using var scope = new ArrayScope();
            MicroLoss loss = _updates.Measure(MicroBatchOf(batch));
            sum += (double)loss.Total * loss.Tokens;
            tokens += loss.Tokens;
        }
        bool isBest = sum / tokens < (_state.BestLoss ?? double.PositiveInfinity);
        _state = isBest
            ? _state with { BestLoss = sum / tokens, BestStep = _state.Step, EvaluationsSinceBest = 0 }
            : _state with { EvaluationsSinceBest = _state.EvaluationsSinceBest + 1 };
        if (isBest)
            _files?.WriteBest(NamedWeights(), _state.Step, sum / tokens);
        return report with
        {
            ValidationLoss = sum / tokens,
            IsBest = isBest,
            ValidationSeconds = clock.Elapsed.TotalSeconds,
        };
    }

    // Writes what the update leaves behind: its line, then its checkpoint.
    private void Finish(TrainingReport report, IProgress<TrainingReport>? progress)
    {
        _state = _state with { IsFinished = _state.Step >= _recipe.Updates };
        _files?.Append(report);
        if (_files is not null && IsTime(_options.SaveEvery))
            report = report with { SavedCheckpoint = Save() };
        progress?.Report(report);
    }

    private TrainingReport NewReport() => new()
    {
        Step = _state.Step,
        TotalSteps = _recipe.Updates,
        Tokens = _state.Tokens,
        MemoryBytes = MlxMemory.PeakBytes,
        LearningRate = _updates.Optimizer.LearningRate.At(_updates.Optimizer.Step),
        Epoch = _state.Epoch,
    };

    private string Explain(MicroLoss[] losses, CoreNetBatch[] batches, double learningRate)
    {
        int bad = Math.Max(0, Array.FindIndex(losses, loss => !float.IsFinite(loss.Total)));
        string what = float.IsFinite(losses[bad].Total)
            ? "a gradient is infinite or NaN"
            : "the loss is infinite or NaN";
        string times = _state.SkippedInARow > 1 ? $" for {_state.SkippedInARow} updates in a row" : "";
        return FormattableString.Invariant(
            $"Update {_state.Step}: {what}{times} ({batches[bad].Describe()}; learning rate {learningRate:g4}). ") +
            "Lower the learning rate, clip the gradient, or look at these documents; the last checkpoint stands.";
    }
}
