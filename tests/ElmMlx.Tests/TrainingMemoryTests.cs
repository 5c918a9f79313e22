using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using ElmMlx.Training;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Nothing grows with the number of steps: neither arrays, nor managed memory, nor the process.</summary>
[Collection(GradientCollection.Name)]
public sealed class TrainingMemoryTests
{
    private const int WarmUp = 60, Steps = WarmUp + 300;
    private const long Limit = 20_000_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Three_hundred_steps_grow_by_less_than_20_MB(bool hasEverything)
    {
        string? folder = hasEverything ? Directory.CreateTempSubdirectory("elmmlx-memory-").FullName : null;
        try
        {
            (long[] Early, long[] Late) = Measure(hasEverything, folder);
            foreach ((string what, int i) in new[] { ("arrays", 0), ("managed memory", 1), ("the process", 2) })
                Assert.True(Late[i] - Early[i] < Limit, $"{what}: {Early[i]:N0} bytes after {WarmUp} steps, " +
                    $"{Late[i]:N0} after {Steps}");
        }
        finally
        {
            if (folder is not null)
                Directory.Delete(folder, recursive: true);
        }
    }

    private static (long[] Early, long[] Late) Measure(bool hasEverything, string? folder)
    {
        using OpenElmModel model = MlxLmTests.Load("micro", DType.Float32);
        LoraAdapters.AddTo(model, new LoraOptions { Rank = 8, LayerCount = 0, Dropout = hasEverything ? 0.1 : 0 });
        using Optimizer optimizer = OptimizerFactory.Create("adamw", 1e-4);
        List<TokenRow> rows = TrainingTraces.Rows();
        DatasetBatches batches = new(rows, new BatchOptions
        {
            BatchSize = 2,
            PadMultiple = 16,
            MaxSequenceLength = 2 * rows.Max(row => row.Length),
            Pack = hasEverything,
        });
        TrainingOptions options = new() { Iterations = Steps };
        if (hasEverything)
        {
            options = options with
            {
                GradientAccumulationSteps = 4,
                ClipGradientNorm = 1,
                StepsPerEvaluation = 25,
                ValidationBatches = 2,
                SaveEvery = 25,
                Folder = folder,
            };
        }
        long[] early = [], late = [];
        using Trainer trainer = new(
            model.TrainableParameters(), optimizer, LanguageModelLoss.Of(model, 3), batches,
            hasEverything ? batches : null, options);
        trainer.Run(new CollectedReports
        {
            Then = report =>
            {
                if (report.Step == WarmUp)
                    early = Now();
                else if (report.Step == Steps)
                    late = Now();
            },
        });
        return (early, late);
    }

    private static long[] Now()
    {
        long managed = GC.GetTotalMemory(forceFullCollection: true);
        return [MlxMemory.ActiveBytes, managed, Environment.WorkingSet];
    }
}
