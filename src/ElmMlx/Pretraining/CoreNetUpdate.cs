using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;

namespace ElmMlx.Pretraining;

/// <summary>
/// Updates of a model in CoreNet's order: gradients of one or several batches, clipped, AdamW, moving average.
/// </summary>
internal sealed class CoreNetUpdate : IDisposable
{
    private readonly OpenElmModel _model;
    private readonly PretrainingRecipe _recipe;
    private readonly (string Path, Parameter Parameter)[] _parameters;
    private readonly Parameter[] _watched;

    /// <param name="model">In float32; it stays the caller's.</param>
    /// <param name="recipe">How it is trained.</param>
    public CoreNetUpdate(OpenElmModel model, PretrainingRecipe recipe)
    {
        _model = model;
        _recipe = recipe;
        model.CheckpointsLayers = recipe.CheckpointsLayers;
        Embedding embedding = (Embedding)model.Embedding;
        model.Replace(
            "token_embeddings", new PaddedEmbedding(embedding.DenseWeight().Copy(), recipe.Model.PaddingIndex ?? -1));
        embedding.Dispose();
        _parameters = [.. model.NamedParameters()];
        _watched = [.. _parameters.Select(entry => entry.Parameter)];
        Optimizer = new AdamW(
            recipe.LearningRate, recipe.Betas, recipe.Epsilon, recipe.WeightDecay, biasCorrection: true)
        {
            Groups = recipe.SparesVectors ? ParameterGroup.NoDecayOfVectors : null,
        };
        Average = recipe.AverageMomentum is { } momentum ? new MovingAverage(Weights, momentum) : null;
    }

    public Optimizer Optimizer { get; }

    /// <summary>The moving average of the weights; null when none is kept.</summary>
    public MovingAverage? Average { get; }

    /// <summary>The weights by CoreNet's names.</summary>
    public IEnumerable<(string Name, MlxArray Value)> Weights =>
        _parameters.Select(entry => (entry.Path, entry.Parameter.Value));

    /// <summary>
    /// The gradients of all batches together, in the order of <see cref="Weights"/>: their sum, each batch's a mean
    /// over its own tokens, or the mean over all tokens.
    /// </summary>
    public (MlxArray[] Gradients, MicroLoss[] Losses) Gradients(IReadOnlyList<MicroBatch> batches)
    {
        MlxArray[] sums = [];
        var losses = new MicroLoss[batches.Count];
        long tokens = Math.Max(1, batches.Sum(batch => (long)batch.Tokens));
        for (int i = 0; i < losses.Length; i++)
        {
            using var scope = new ArrayScope();
            MicroBatch batch = batches[i];
            (MlxArray[] values, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(_watched, () => Loss(batch));
            if (_recipe.AveragesTokens)
                gradients = [.. gradients.Select(gradient => gradient * ((double)batch.Tokens / tokens))];
            MlxArray[] next = i == 0 ? gradients : [.. sums.Zip(gradients, (sum, gradient) => sum + gradient)];
            MlxArray.Eval([.. values, .. next]);
            scope.Keep(next);
            foreach (MlxArray former in sums)
                former.Dispose();
            sums = next;
            losses[i] = new MicroLoss(
                values[0].Item<float>(), values[1].Item<float>(), values[2].Item<float>(), batch.Tokens);
        }
        return (sums, losses);
    }

    /// <summary>Changes the weights, unless a gradient is infinite or NaN.</summary>
    /// <param name="gradients">What <see cref="Gradients"/> gave.</param>
    /// <returns>The norm of all gradients before clipping.</returns>
    public float Apply(MlxArray[] gradients)
    {
        using var scope = new ArrayScope();
        (MlxArray[] clipped, MlxArray norm) = GradientClipping.ByGlobalNorm(
            gradients, _recipe.ClipGradientNorm ?? double.PositiveInfinity);
        float length = norm.Item<float>();
        if (!float.IsFinite(length))
            return length;
        Optimizer.Update(_parameters, clipped);
        Average?.Update(Weights);
        MlxArray.Eval(
            [.. Weights.Select(entry => entry.Value), .. Optimizer.State.Values, .. Average?.Values.Values ?? []]);
        return length;
    }

    /// <summary>The loss of a batch that is not trained on.</summary>
    public MicroLoss Measure(MicroBatch batch)
    {
        MlxArray[] values = Loss(batch);
        MlxArray.Eval(values);
        return new MicroLoss(values[0].Item<float>(), values[1].Item<float>(), values[2].Item<float>(), batch.Tokens);
    }

    /// <summary>Puts stored weights into the model, which owns them from here on.</summary>
    public void Load(IReadOnlyDictionary<string, MlxArray> weights) => _model.Load(weights);

    public void Dispose()
    {
        Optimizer.Dispose();
        Average?.Dispose();
    }

    // In bfloat16 the model computes with rounded weights; the float32 ones come back afterwards.
    private MlxArray[] Loss(MicroBatch batch) => _recipe.ComputesInBFloat16
        ? ModuleGradients.With(
            _watched, [.. _watched.Select(parameter => parameter.Value.AsType(DType.BFloat16))], () => LossOf(batch))
        : LossOf(batch);

    private MlxArray[] LossOf(MicroBatch batch)
    {
        MlxArray logits = _model.Forward(batch.Inputs, AttentionMask.Causal);   // [B, L, V]
        CoreNetLoss loss = Losses.CoreNet(
            logits, batch.Targets, _recipe.IgnoreIndex, _recipe.ZLoss, _recipe.LabelSmoothing);
        return [loss.Total, loss.CrossEntropy, loss.ZLoss];
    }
}
