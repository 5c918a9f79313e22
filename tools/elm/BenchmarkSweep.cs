using ElmMlx.Lora;
using ElmMlx.OpenElm;

namespace ElmMlx.Tools.Elm;

/// <summary>
/// All cases: every shape in every format, with an empty and a long cache; loading and converting; steps of training of
/// the first shape. Limits are measured again for each case, and each is printed when it is done.
/// </summary>
/// <param name="report">Where to.</param>
/// <param name="promptTokens">Tokens of the prompt.</param>
/// <param name="generatedTokens">Tokens to decode.</param>
/// <param name="rank">Of the adapters.</param>
internal sealed class BenchmarkSweep(BenchmarkReport report, int promptTokens, int generatedTokens, int rank)
{
    private const int LongCache = 2048;

    private static readonly (DType Type, int? Bits)[] Formats =
        [
            (DType.Float32, null), (DType.BFloat16, null), (DType.Float16, null),
            (DType.BFloat16, 8), (DType.BFloat16, 4),
        ];

    private static readonly int[] Lengths = [128, 512, 2048];

    /// <summary>The shapes that are measured unless one is asked for.</summary>
    public static IReadOnlyList<string> Shapes { get; } = ["OpenELM-270M", "OpenELM-450M", "OpenELM-1_1B"];

    public void Run(IReadOnlyList<OpenElmConfig> shapes)
    {
        foreach (OpenElmConfig shape in shapes)
        {
            foreach ((DType type, int? bits) in Formats)
                Generate(BenchmarkModel.Random(shape, type, bits));
            Once(BenchmarkModel.Random(shape, DType.BFloat16, null), new LoadBenchmark());
            Once(BenchmarkModel.Random(shape, DType.BFloat16, null), new ConvertBenchmark());
        }

        foreach (FineTuneType type in (FineTuneType[])[FineTuneType.Lora, FineTuneType.Full])
            foreach (int length in Lengths)
                Once(
                    BenchmarkModel.Random(shapes[0], DType.BFloat16, null),
                    new TrainBenchmark(type, batchSize: 1, length, rank));
    }

    private void Generate(BenchmarkModel model)
    {
        using (model)
        {
            report.Run(model, new PrefillBenchmark(promptTokens), new DecodeBenchmark(generatedTokens, 0));
            report.Run(model, new DecodeBenchmark(generatedTokens, LongCache));
            report.Run(model, new GraphBenchmark(generatedTokens, 0));
        }

        MlxMemory.ClearCache();
    }

    private void Once(BenchmarkModel model, IBenchmark benchmark)
    {
        using (model)
            report.Run(model, benchmark);
        MlxMemory.ClearCache();
    }
}
