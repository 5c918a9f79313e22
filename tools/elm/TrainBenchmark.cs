using System.Text.Json;
using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Training;

namespace ElmMlx.Tools.Elm;

/// <summary>Whole steps of training on random ids: forward, backward and AdamW's update.</summary>
/// <param name="type">Adapters on every matrix of every layer, or all weights.</param>
/// <param name="batchSize">Rows a step, B.</param>
/// <param name="length">Tokens a row that are learnt, L.</param>
/// <param name="rank">Of the adapters.</param>
/// <param name="checkpointsLayers">Whether layers are computed again for the gradient.</param>
internal sealed class TrainBenchmark(
    FineTuneType type, int batchSize, int length, int rank, bool checkpointsLayers = false) : IBenchmark
{
    private long _trainedParameters;

    public IEnumerable<BenchmarkFigure> Measure(BenchmarkModel model, BenchmarkRun run)
    {
        string what = type.ToString().ToLowerInvariant();
        double tokens = (double)batchSize * length, flops = ModelCost.TrainingFlops(model.Config, type);
        using AdamW optimizer = new(1e-5f);
        Lazy<(string, Parameter)[]> trained = new(() => Prepare(model.Loaded));
        double[] seconds = run.Seconds(
            $"{what} steps of {batchSize} × {length}", () => Step(model.Loaded, trained.Value, optimizer));
        BenchmarkBound bound = run.Limits.Bound(model.Loaded.ByteCount, tokens * flops);
        yield return BenchmarkFigure.Of(
            "step_seconds", $"{what} step, {batchSize} × {length}", BenchmarkUnit.Seconds, seconds, bound);
        yield return BenchmarkFigure.Of(
            "train_tokens_per_second", "training", BenchmarkUnit.TokensPerSecond,
            seconds.Select(time => tokens / time), bound with { Seconds = bound.Seconds / tokens });
        yield return BenchmarkFigure.Of(
            "train_flops_per_second", "operations", BenchmarkUnit.GigaflopsPerSecond,
            seconds.Select(time => tokens * flops / time), run.Limits.Bound(0, 1));
    }

    public void WriteSettings(Utf8JsonWriter json)
    {
        json.WriteString("train", type.ToString().ToLowerInvariant());
        json.WriteNumber("batch_size", batchSize);
        json.WriteNumber("length", length);
        if (type is not FineTuneType.Full)
            json.WriteNumber("rank", rank);
        json.WriteNumber("trained_parameters", _trainedParameters);
    }

    private (string Path, Parameter Parameter)[] Prepare(OpenElmModel model)
    {
        model.CheckpointsLayers = checkpointsLayers;
        if (type is not FineTuneType.Full)
            LoraAdapters.AddTo(model, new LoraOptions { Type = type, Rank = rank, LayerCount = 0 });
        (string Path, Parameter Parameter)[] trained = [.. model.TrainableParameters()];
        _trainedParameters = trained.Sum(entry => entry.Parameter.Value.Size);
        return trained;
    }

    private void Step(OpenElmModel model, (string Path, Parameter Parameter)[] trained, AdamW optimizer)
    {
        using ArrayScope scope = new();
        Parameter[] parameters = [.. trained.Select(entry => entry.Parameter)];
        int[] ids = RandomIds.Of(model.Config, 2 * batchSize * length);
        MlxArray inputs = MlxArray.From<int>(ids.AsSpan(0, batchSize * length), batchSize, length);         // [B, L]
        MlxArray targets = MlxArray.From<int>(ids.AsSpan(batchSize * length), batchSize, length);           // [B, L]
        (MlxArray[] values, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
            parameters,
            () => [LanguageModelLoss.Sum(model, model.Hidden(inputs), targets) / (float)(batchSize * length)]);
        optimizer.Update(trained, gradients);
        MlxArray.Eval([.. values, .. parameters.Select(parameter => parameter.Value), .. optimizer.State.Values]);
    }
}
