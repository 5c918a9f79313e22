using ElmMlx.Datasets;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Training;
using ElmMlx.Weights;

namespace ElmMlx.Tests;

/// <summary>The model, the adapters and the batches that mlx-lm's traces were made with.</summary>
internal static class TrainingTraces
{
    public static readonly SafetensorsFile Tensors = GoldenArrays.Open("train/traces.safetensors");

    /// <summary>The micro model with the traces' adapters, or with its own weights to be trained.</summary>
    public static OpenElmModel Model(FineTuneType type, string folder = "micro", DType weights = DType.Float32)
    {
        OpenElmModel model = MlxLmTests.Load(folder);
        model.Cast(weights);
        LoraAdapters.AddTo(model, new LoraOptions { Type = type, Rank = 4, LayerCount = 0 });
        if (type == FineTuneType.Full)
            return model;
        using ArrayScope scope = new();
        model.Load(Tensors.Tensors.Keys
            .Where(name => name.StartsWith("init.", StringComparison.Ordinal)
                && name.EndsWith(".lora_a", StringComparison.Ordinal))
            .ToDictionary(
                name => OpenElmModel.CanonicalName(name["init.".Length..]),
                name => MlxArray.From<float>(
                    [.. Tensors.Doubles(name).Select(value => (float)value)], [.. Tensors[name].Shape])));
        return model;
    }

    /// <summary>The fixed batches, in their order.</summary>
    /// <param name="rows">Four for each batch.</param>
    public static DatasetBatches Batches(IReadOnlyList<TokenRow> rows) =>
        new(rows, new BatchOptions { Order = BatchOrder.Sequential, PadMultiple = 1 });

    /// <summary>
    /// The rows of the twelve batches. mlx-lm counts the padding behind a row as its last target (docs/differences.md),
    /// so a row that is shorter than its batch has that 0 here as a token to be learnt.
    /// </summary>
    public static List<TokenRow> Rows()
    {
        List<TokenRow> rows = [];
        for (int i = 0; i < 12; i++)
        {
            int[] ids = Tensors.Ids($"batch.{i}"), lengths = Tensors.Ids($"lengths.{i}");
            int width = Tensors[$"batch.{i}"].Shape[1];
            for (int row = 0; row < 4; row++)
            {
                int count = Math.Min(lengths[2 * row + 1] + 1, width);
                rows.Add(TokenRow.From(ids[(row * width)..(row * width + count)], lengths[2 * row]));
            }
        }
        return rows;
    }

    /// <summary>The rows of the six batches with 96 targets each.</summary>
    public static List<TokenRow> RowsOfSameTokens()
    {
        List<TokenRow> rows = [];
        for (int i = 0; i < 6; i++)
        {
            int[] ids = Tensors.Ids($"same_tokens.batch.{i}");
            rows.AddRange(ids.Chunk(25).Select(row => TokenRow.From(row)));
        }
        return rows;
    }
}
