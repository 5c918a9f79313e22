using System.Diagnostics;
using System.Text.Json;
using ElmMlx.Cpu;
using ElmMlx.Lora;
using ElmMlx.Nn;
using ElmMlx.OpenElm;
using ElmMlx.Optimizers;
using Spectre.Console;

namespace ElmMlx.Tools.Elm;

/// <summary>The measurement of training: whole steps on random ids, forward, backward and update.</summary>
internal static class TrainBenchmark
{
    /// <summary>What is trained, and on how much.</summary>
    /// <param name="Type">LoRA adapters on every matrix of every layer, or all weights.</param>
    /// <param name="BatchSize">Rows a step.</param>
    /// <param name="Length">Tokens a row that are learnt.</param>
    /// <param name="Rank">Of the adapters.</param>
    /// <param name="Trials">Steps that are measured, after one that is not.</param>
    public sealed record Shape(FineTuneType Type, int BatchSize, int Length, int Rank, int Trials);

    /// <summary>Medians over the trials, and the machine's limit.</summary>
    public sealed record Result(
        OpenElmConfig Config, Shape Shape, long TrainedParameters, double StepSeconds, double SlowestSeconds,
        long PeakMemoryBytes, double FmaFlopsPerSecond)
    {
        private double TokensPerSecond => Shape.BatchSize * (double)Shape.Length / StepSeconds;

        // Two operations a weight and token forward, two for the inputs' gradients, two more where the weights have one.
        private double FlopsPerSecond =>
            (Shape.Type == FineTuneType.Full ? 6.0 : 4.0) * Config.ParameterCount * TokensPerSecond;

        /// <summary>The fields of the JSON object.</summary>
        public void Write(Utf8JsonWriter json)
        {
            json.WriteString("model", Config.ModelName);
            json.WriteString("provider", MlxRuntime.Provider.Kind.ToString().ToLowerInvariant());
            json.WriteString("train", Shape.Type.ToString().ToLowerInvariant());
            json.WriteNumber("batch_size", Shape.BatchSize);
            json.WriteNumber("length", Shape.Length);
            json.WriteNumber("trained_parameters", TrainedParameters);
            json.WriteNumber("trials", Shape.Trials);
            json.WriteNumber("step_seconds", StepSeconds);
            json.WriteNumber("slowest_step_seconds", SlowestSeconds);
            json.WriteNumber("train_tokens_per_second", TokensPerSecond);
            json.WriteNumber("train_flops_per_second", FlopsPerSecond);
            json.WriteNumber("peak_memory_bytes", PeakMemoryBytes);
            json.WriteNumber("fma_flops_per_second", FmaFlopsPerSecond);
        }

        /// <summary>The same as a table.</summary>
        public void Print()
        {
            Table table = new()
            {
                Border = TableBorder.Simple,
                Title = new TableTitle(
                    $"{Config.ModelName}, {TrainedParameters / 1e6:F2} M of {Config.ParameterCount / 1e6:F0} M parameters " +
                    $"trained, median of {Shape.Trials} steps"),
            };
            table.AddColumn("figure");
            table.AddColumn(new TableColumn("value").RightAligned());
            table.AddColumn("of the limit");
            table.AddRow(
                $"step of {Shape.BatchSize} × {Shape.Length} tokens", $"{StepSeconds:F2} s", $"slowest {SlowestSeconds:F2} s");
            table.AddRow("training", $"{TokensPerSecond:F1} tok/s", "");
            table.AddRow(
                "operations", $"{FlopsPerSecond / 1e9:F0} GFLOP/s",
                $"{FlopsPerSecond / FmaFlopsPerSecond:P0} of {FmaFlopsPerSecond / 1e9:F0} GFLOP/s");
            table.AddRow("peak memory", $"{PeakMemoryBytes / 1e6:F0} MB", "");
            AnsiConsole.Write(table);
        }
    }

    public static Result Run(OpenElmModel model, Shape shape)
    {
        if (shape.Type != FineTuneType.Full)
            LoraAdapters.AddTo(model, new LoraOptions { Type = shape.Type, Rank = shape.Rank, LayerCount = 0 });
        (string Path, Parameter Parameter)[] trained = [.. model.TrainableParameters()];
        Parameter[] parameters = [.. trained.Select(entry => entry.Parameter)];
        using AdamW optimizer = new(1e-5f);
        Random random = new(7);
        double[] seconds = new double[shape.Trials];
        for (int trial = -1; trial < shape.Trials; trial++)     // the first compiles the kernels
        {
            if (trial == 0)
                MlxMemory.ResetPeak();
            long start = Stopwatch.GetTimestamp();
            Step();
            if (trial >= 0)
                seconds[trial] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        return new Result(
            model.Config, shape, parameters.Sum(parameter => parameter.Value.Size),
            Benchmark.Median(seconds), seconds.Max(), MlxMemory.PeakBytes,
            MachineLimits.MeasureFmaFlopsPerSecond());

        void Step()
        {
            using ArrayScope scope = new();
            MlxArray inputs = Ids(), targets = Ids();
            (MlxArray[] values, MlxArray[] gradients) = ModuleGradients.ValueAndGrad(
                parameters, () => [Losses.CrossEntropy(model.Forward(inputs), targets)]);
            optimizer.Update(trained, gradients);
            MlxArray.Eval([.. values, .. parameters.Select(parameter => parameter.Value), .. optimizer.State.Values]);
        }

        MlxArray Ids() => MlxArray.From<int>(
            [.. Enumerable.Range(0, shape.BatchSize * shape.Length).Select(_ => random.Next(model.Config.VocabularySize))],
            shape.BatchSize, shape.Length);
    }
}
