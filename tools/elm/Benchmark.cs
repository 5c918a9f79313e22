using System.Diagnostics;
using System.Text.Json;
using ElmMlx.Cpu;
using ElmMlx.Generation;
using ElmMlx.OpenElm;
using Spectre.Console;

namespace ElmMlx.Tools.Elm;

/// <summary>The measurement: random ids in, greedy tokens out, as many times as asked.</summary>
internal static class Benchmark
{
    /// <summary>Medians over the trials, and the machine's limits.</summary>
    public sealed record Result(
        OpenElmConfig Config, int PromptTokens, int GeneratedTokens, int Trials, long WeightBytes,
        double PrefillTokensPerSecond, double DecodeTokensPerSecond, double FirstTokenSeconds, long PeakMemoryBytes,
        double ReadBytesPerSecond, double FmaFlopsPerSecond)
    {
        // A decoded token reads every weight once (the tied embedding as the output layer) …
        private double ReadShare => DecodeTokensPerSecond * WeightBytes / ReadBytesPerSecond;

        // … and a prompt token takes two operations a weight, the output layer left out.
        private double FmaShare => PrefillTokensPerSecond * 2
            * (Config.ParameterCount - (long)Config.VocabularySize * Config.ModelSize) / FmaFlopsPerSecond;

        /// <summary>The fields of the JSON object.</summary>
        public void Write(Utf8JsonWriter json)
        {
            json.WriteString("model", Config.ModelName);
            json.WriteString("provider", MlxRuntime.Provider.Kind.ToString().ToLowerInvariant());
            json.WriteNumber("prompt_tokens", PromptTokens);
            json.WriteNumber("generated_tokens", GeneratedTokens);
            json.WriteNumber("trials", Trials);
            json.WriteNumber("weight_bytes", WeightBytes);
            json.WriteNumber("prefill_tokens_per_second", PrefillTokensPerSecond);
            json.WriteNumber("decode_tokens_per_second", DecodeTokensPerSecond);
            json.WriteNumber("first_token_seconds", FirstTokenSeconds);
            json.WriteNumber("peak_memory_bytes", PeakMemoryBytes);
            json.WriteNumber("read_bytes_per_second", ReadBytesPerSecond);
            json.WriteNumber("fma_flops_per_second", FmaFlopsPerSecond);
        }

        /// <summary>The same as a table.</summary>
        public void Print()
        {
            Table table = new()
            {
                Border = TableBorder.Simple,
                Title = new TableTitle($"{Config.ModelName}, {WeightBytes / 1e6:F0} MB of weights, median of {Trials}"),
            };
            table.AddColumn("figure");
            table.AddColumn(new TableColumn("value").RightAligned());
            table.AddColumn("of the limit");
            table.AddRow(
                $"prefill, {PromptTokens} tokens", $"{PrefillTokensPerSecond:F1} tok/s",
                $"{FmaShare:P0} of {FmaFlopsPerSecond / 1e9:F0} GFLOP/s");
            table.AddRow(
                $"decode, {GeneratedTokens} tokens", $"{DecodeTokensPerSecond:F1} tok/s",
                $"{ReadShare:P0} of {ReadBytesPerSecond / 1e9:F1} GB/s");
            table.AddRow("first token", $"{FirstTokenSeconds * 1e3:F0} ms", "");
            table.AddRow("peak memory", $"{PeakMemoryBytes / 1e6:F0} MB", "");
            AnsiConsole.Write(table);
        }
    }

    public static Result Run(OpenElmModel model, int promptTokens, int generatedTokens, int trials)
    {
        Random random = new(7);
        int[] prompt = [.. Enumerable.Range(0, promptTokens).Select(_ => random.Next(model.Config.VocabularySize))];
        GenerationOptions options = new() { MaxTokens = generatedTokens, EosIds = [] };
        Generator generator = new(model);
        // compiles the kernels
        Generate(generator, prompt[..Math.Min(8, promptTokens)], options with { MaxTokens = 4 });

        MlxMemory.ResetPeak();
        double[] prefill = new double[trials], decode = new double[trials], first = new double[trials];
        for (int trial = 0; trial < trials; trial++)
        {
            Generate(generator, prompt, options);
            GenerationStatistics taken = generator.Statistics;
            prefill[trial] = taken.PromptTokensPerSecond;
            decode[trial] = taken.GeneratedTokensPerSecond;
            first[trial] = taken.PromptSeconds;
        }

        return new Result(
            model.Config, promptTokens, generatedTokens, trials, model.ByteCount,
            Median(prefill), Median(decode), Median(first), MlxMemory.PeakBytes,
            MachineLimits.MeasureReadBytesPerSecond(), MachineLimits.MeasureFmaFlopsPerSecond());
    }

    private static void Generate(Generator generator, int[] prompt, GenerationOptions options)
    {
        foreach (GenerationStep step in generator.Generate(prompt, options))
            Debug.Assert(step.Token >= 0);
    }

    public static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}
