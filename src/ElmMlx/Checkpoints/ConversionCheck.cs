using System.Runtime.InteropServices;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>
/// Runs input and output on the same tokens, both in float32, so that what differs is the weights. Both models are in
/// memory while it runs, one after the other.
/// </summary>
internal static class ConversionCheck
{
    private const int Length = 24;

    /// <param name="plan">How the output was made; it gives the input's weights, merged and cut to size.</param>
    /// <param name="options">Where the output lies.</param>
    public static ConversionCheckResult Run(ConversionPlan plan, ConvertOptions options)
    {
        OpenElmConfig config = plan.Config with { Quantization = null };
        int vocabulary = config.PaddingIndex ?? config.VocabularySize;
        int count = Math.Min(Length, config.MaxContextLength);
        int[] tokens = [.. Enumerable.Range(0, count).Select(i => (int)(2654435761L * (i + 1) % vocabulary))];
        float[] expected = Logits(config, plan.FloatingRows, tokens);

        using OpenedCheckpoint output = OpenedCheckpoint.Open(Reopened(plan, options));
        float[] actual = Logits(output.Config with { Quantization = null }, name => output.FloatingRows(name), tokens);
        double largest = 0, sum = 0, squares = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs((double)expected[i] - actual[i]));
            sum += expected[i];
            squares += (double)expected[i] * expected[i];
        }
        int same = 0;
        for (int i = 0; i < count; i++)
            if (Best(expected, i, config.VocabularySize) == Best(actual, i, config.VocabularySize))
                same++;
        double mean = sum / expected.Length;
        return new ConversionCheckResult(
            count, largest, Math.Sqrt(Math.Max(0, squares / expected.Length - mean * mean)), same);
    }

    private static ConvertOptions Reopened(ConversionPlan plan, ConvertOptions options)
    {
        var reopened = new ConvertOptions { Input = options.Output, Output = options.Output };
        if (options.Target != ConvertTarget.CoreNetCheckpoint)
            return reopened;
        bool known = OpenElmConfig.KnownNames.Contains(plan.Config.ModelName);
        return reopened with
        {
            ConfigYaml = Path.ChangeExtension(options.Output, ".yaml"),
            Architecture = known ? null : Path.ChangeExtension(options.Output, ".architecture.json"),
        };
    }

    private static float[] Logits(OpenElmConfig config, Func<string, TensorRows> rows, int[] tokens)
    {
        var weights = new Dictionary<string, MlxArray>(StringComparer.Ordinal);
        foreach ((string name, int[] shape) in config.TensorShapes())
            weights.Add(
                name, MlxArray.FromBytes(MemoryMarshal.AsBytes(Floats(rows(name)).AsSpan()), DType.Float32, shape));
        using OpenElmModel model = OpenElmModel.FromTensors(config, weights);
        using var scope = new ArrayScope();
        return model.Forward(MlxArray.From<int>(tokens, 1, tokens.Length)).ToArray<float>();
    }

    private static float[] Floats(TensorRows rows)
    {
        var floats = new float[(long)rows.Rows * rows.Columns];
        var piece = new byte[rows.RowsAPiece * rows.RowBytes];
        for (int row = 0; row < rows.Rows; row += rows.RowsAPiece)
        {
            int count = Math.Min(rows.RowsAPiece, rows.Rows - row);
            Span<byte> bytes = piece.AsSpan(0, count * rows.RowBytes);
            rows.Read(row, bytes);
            TensorCast.ToFloats(rows.Type, bytes, floats.AsSpan(row * rows.Columns, count * rows.Columns));
        }
        return floats;
    }

    private static int Best(float[] logits, int position, int vocabulary)
    {
        ReadOnlySpan<float> row = logits.AsSpan(position * vocabulary, vocabulary);
        int best = 0;
        for (int i = 1; i < row.Length; i++)
            if (row[i] > row[best])
                best = i;
        return best;
    }
}
