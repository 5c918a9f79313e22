using System.CommandLine;
using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Training;

namespace ElmMlx.Tools.Elm;

/// <summary>A run as its options describe it, before anything is loaded.</summary>
internal sealed record TrainingPlan
{
    /// <summary>Where the options of one command alone are read from.</summary>
    public required RunSettings Settings { get; init; }

    /// <summary>The YAML file; null for none.</summary>
    public required string? ConfigFile { get; init; }

    /// <summary>Whether there is training.</summary>
    public required bool Trains { get; init; }

    /// <summary>Whether the test set is measured.</summary>
    public required bool Tests { get; init; }

    public required string ModelFolder { get; init; }

    public required string DataFolder { get; init; }

    /// <summary>What the weights are converted to; null leaves them.</summary>
    public required DType? DType { get; init; }

    /// <summary>Whether a run that is there goes on.</summary>
    public required bool Resumes { get; init; }

    /// <summary>What a person types to go on.</summary>
    public required string GoOnCommand { get; init; }

    /// <summary>Whether it does although settings differ.</summary>
    public required bool Forces { get; init; }

    public required ulong Seed { get; init; }

    public required bool SkipsBadLines { get; init; }

    public required BatchOptions Batching { get; init; }

    public required string OptimizerName { get; init; }

    public required IReadOnlyDictionary<string, object?>? OptimizerOptions { get; init; }

    /// <summary>The rate, for the adapters' file; the schedule counts.</summary>
    public required double LearningRate { get; init; }

    public required Schedule Schedule { get; init; }

    /// <summary>Steps that a line sums up.</summary>
    public required int StepsPerReport { get; init; }

    public required int TestBatches { get; init; }

    public required TrainingOptions Options { get; init; }

    /// <summary>The folder that is written.</summary>
    public string Output => Options.Folder!;

    public OpenElmModel LoadModel()
    {
        Console.WriteLine("Loading pretrained model");
        return OpenElmModel.Load(ModelFolder, DType);
    }

    /// <summary>A key of the data that the YAML file may rename.</summary>
    public string Feature(string setting, string key) =>
        Settings.Get(new Option<string?>("--" + setting.Replace('_', '-')), key)!;

    /// <summary>
    /// With the command's, all the fields that mlx-lm writes, so that its tools find what they look for.
    /// </summary>
    public AdapterConfig Describe(AdapterConfig config, OpenElmModel model) => config
        .With("adapter_path", Output)
        .With("batch_size", Batching.BatchSize)
        .With("config", ConfigFile)
        .With("data", DataFolder)
        .With("grad_accumulation_steps", Options.GradientAccumulationSteps)
        .With("grad_checkpoint", model.CheckpointsLayers)
        .With("iters", Options.Iterations)
        .With("learning_rate", LearningRate)
        .With("max_seq_length", Batching.MaxSequenceLength)
        .With("model", ModelFolder)
        .With("optimizer", OptimizerName)
        .With("save_every", Options.SaveEvery)
        .With("seed", (long)Seed)
        .With("steps_per_eval", Options.StepsPerEvaluation)
        .With("steps_per_report", StepsPerReport)
        .With("test", Tests)
        .With("test_batches", TestBatches)
        .With("train", Trains)
        .With("val_batches", Options.ValidationBatches);
}
