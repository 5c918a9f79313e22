using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;

namespace ElmMlx.Pretraining;

/// <summary>Everything that decides the numbers of a pretraining run; the defaults are CoreNet's.</summary>
public sealed record PretrainingRecipe
{
    /// <summary>The model's sizes.</summary>
    public required OpenElmConfig Model { get; init; }

    /// <summary>The files, and how rows and batches are made of them.</summary>
    public required CoreNetDataOptions Data { get; init; }

    /// <summary>The tokenizer's file.</summary>
    public required string TokenizerPath { get; init; }

    /// <summary>Targets that do not count: the padding's id, or −1 to count all.</summary>
    public required int IgnoreIndex { get; init; }

    /// <summary>Factor of the z-loss; 0 for none.</summary>
    public double ZLoss { get; init; }

    /// <summary>The share of a target's probability that goes to the whole vocabulary.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>The learning rate by finished updates.</summary>
    public required CoreNetSchedule LearningRate { get; init; }

    /// <summary>Updates of the whole run: CoreNet makes one more than its <c>max_iterations</c>.</summary>
    public required long Updates { get; init; }

    /// <summary>AdamW's weight decay.</summary>
    public double WeightDecay { get; init; } = 4e-5;

    /// <summary>Whether norms and biases, tensors of one axis, go without weight decay.</summary>
    public bool SparesVectors { get; init; }

    /// <summary>AdamW's β₁ and β₂.</summary>
    public (double First, double Second) Betas { get; init; } = (0.9, 0.98);

    /// <summary>AdamW's ε.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The largest norm of an update's gradient; null does not clip.</summary>
    public double? ClipGradientNorm { get; init; }

    /// <summary>Batches whose gradients make one update.</summary>
    public int AccumulationSteps { get; init; } = 1;

    /// <summary>
    /// Whether an update takes the mean over the tokens of all its batches, instead of the sum of the batches' means as
    /// CoreNet does.
    /// </summary>
    public bool AveragesTokens { get; init; }

    /// <summary>
    /// Whether the model computes in bfloat16. Weights, gradients' sums, moments and the loss are float32 in any case.
    /// </summary>
    public bool ComputesInBFloat16 { get; init; }

    /// <summary>Whether layers compute again for the gradient instead of keeping what they computed.</summary>
    public bool CheckpointsLayers { get; init; }

    /// <summary>Weight of the newest weights in the moving average; null keeps none.</summary>
    public double? AverageMomentum { get; init; }

    /// <summary>Seed of the first weights.</summary>
    public ulong Seed { get; init; }

    /// <summary>Weights to begin with, a checkpoint or a model folder; null for new ones.</summary>
    public string? From { get; init; }
}
