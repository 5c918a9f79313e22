using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using ElmMlx.Checkpoints.Torch;
using ElmMlx.Lora;
using ElmMlx.OpenElm;
using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>
/// Converts checkpoints and model folders into each other. Everything is decided and checked before the first byte is
/// written, elements stream in pieces of a few megabytes, and the output appears under its name only when it is
/// complete.
/// </summary>
public static class Converter
{
    /// <summary>Converts.</summary>
    /// <param name="options">What into what.</param>
    /// <param name="progress">Told how far it is; from several threads.</param>
    /// <param name="cancellation">Ends the conversion; nothing remains of the output.</param>
    /// <exception cref="ArgumentException">Options do not fit each other or the input.</exception>
    /// <exception cref="InvalidDataException">
    /// The input is malformed, or is not what its configuration says.
    /// </exception>
    /// <exception cref="IOException">A file is missing or cannot be written, or the output exists.</exception>
    public static ConvertReport Convert(
        ConvertOptions options, IProgress<ConvertProgress>? progress = null, CancellationToken cancellation = default)
    {
        var clock = Stopwatch.StartNew();
        bool file = options.Target == ConvertTarget.CoreNetCheckpoint;
        CheckOutput(options, file);
        using OpenedCheckpoint input = OpenedCheckpoint.Open(options);
        var plan = new ConversionPlan(input, options);
        var tokenizer = file ? [] : TokenizerFiles.Find(options.Input, options.TokenizerPath);
        string? configuration = file ? WriteCheckpoint(options, plan, progress, cancellation) : null;
        if (!file)
            WriteFolder(options, input, plan, tokenizer, progress, cancellation);

        var report = new ConvertReport
        {
            Source = input.Source.Description,
            Config = plan.Config,
            Tensors = (input.Source.Tensors.Count, plan.Steps.Sum(step => step.Outputs.Length)),
            Parameters = (input.Config.ParameterCount, plan.Config.ParameterCount),
            Types = (
                TypeNames(input.Source.Tensors.Values.Select(tensor => tensor.Type), input.Config),
                TypeNames(plan.Steps.SelectMany(step => step.Outputs).Select(output => output.Type), plan.Config)),
            Bytes = (input.Source.ByteCount, OutputBytes(plan)),
            BitsPerWeight = 8.0 * OutputBytes(plan) / plan.Config.ParameterCount,
            Adapter = input.Adapters is { } adapters
                ? adapters.Description + (options.KeepAdapter ? ", kept in adapters/" : ", merged")
                : input.Replacements is { } whole ? $"whole weights, {whole.Tensors.Count} tensors, put in" : null,
            Merged = [.. plan.Merges.Select(entry =>
                new MergedMatrix(entry.Name, entry.Before, entry.After, entry.Step.MergeError!.Value))],
            Tokenizer = [.. tokenizer.Select(entry => entry.Name)],
            Notes = [.. input.Notes, .. input.Adapters?.Notes ?? [], .. plan.Notes,
                .. configuration is null ? Array.Empty<string>() : [configuration]],
            Warnings = Warnings(options, plan, file, tokenizer.Count),
        };
        if (options.Verify)
        {
            progress?.Report(new ConvertProgress("Verifying", 0, 0));
            report = report with { Check = ConversionCheck.Run(plan, options) };
        }
        return report with { Seconds = clock.Elapsed.TotalSeconds };
    }

    private static void CheckOutput(ConvertOptions options, bool file)
    {
        string input = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Input));
        string output = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Output));
        if (input == output || input.StartsWith(output + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new ArgumentException($"The output {options.Output} would replace its own input; give another name.");
        string? parent = Path.GetDirectoryName(output);
        if (parent is not null && !Directory.Exists(parent))
            throw new DirectoryNotFoundException($"The folder {parent}, in which {Path.GetFileName(output)} would be " +
                "made, does not exist.");
        if (!file)
        {
            OutputFolder.Check(options.Output, options.Overwrite);
            return;
        }
        if (Directory.Exists(output))
            throw new IOException($"{options.Output} exists and is a folder; a checkpoint is one file, such as " +
                "model.pt.");
        foreach (string path in (string[])[output, Path.ChangeExtension(output, ".yaml")])
            if (File.Exists(path) && !options.Overwrite)
                throw new IOException($"The file {path} exists; give another name, or --overwrite to replace it.");
    }

    private static void WriteFolder(
        ConvertOptions options, OpenedCheckpoint input, ConversionPlan plan,
        IReadOnlyList<(string From, string Name)> tokenizer,
        IProgress<ConvertProgress>? progress, CancellationToken cancellation)
    {
        using var folder = new OutputFolder(options.Output, options.Overwrite);
        bool port = options.Target == ConvertTarget.CoreNetPort;
        string format = options.Target == ConvertTarget.HuggingFace ? "pt" : "mlx";
        using (var writer = new WeightFilesWriter(
            folder.Path, port ? "weights" : "model", plan.Steps.SelectMany(step => step.Outputs),
            new Dictionary<string, string> { ["format"] = format }, port ? null : plan.Config.ParameterCount,
            options.ShardBytes))
        {
            Run(plan, writer.Write, options.AllowOverflow, progress, cancellation);
            progress?.Report(new ConvertProgress("Flushing to disk", 1, 1));
            writer.Commit();
        }
        if (options.KeepAdapter)
            MlxLmAdapters.Write(Path.Combine(folder.Path, "adapters"), input.Adapters!, plan.Config.Layers.Count);
        foreach ((string from, string name) in tokenizer)
            AtomicFile.WriteAllBytes(Path.Combine(folder.Path, name), File.ReadAllBytes(from));
        string json = port ? plan.Config.ToCoreNetPortJson() : plan.Config.ToMlxLmJson();
        AtomicFile.WriteAllBytes(Path.Combine(folder.Path, "config.json"), Encoding.UTF8.GetBytes(json));
        cancellation.ThrowIfCancellationRequested();
        folder.Commit();
    }

    private static string WriteCheckpoint(
        ConvertOptions options, ConversionPlan plan, IProgress<ConvertProgress>? progress,
        CancellationToken cancellation)
    {
        using (var writer = new TorchWriter(options.Output, [.. plan.Steps.SelectMany(step => step.Outputs)]))
        {
            Run(plan, writer.Write, options.AllowOverflow, progress, cancellation);
            cancellation.ThrowIfCancellationRequested();
            writer.Commit();
        }
        return CoreNetYamlWriter.WriteBeside(options.Output, plan.Config);
    }

    // Steps that only move and round elements share the machine's cores; those that compute with arrays stay on this
    // thread.
    private static void Run(
        ConversionPlan plan, TensorSink write, bool allowOverflow, IProgress<ConvertProgress>? progress,
        CancellationToken cancellation)
    {
        long total = plan.Steps.Sum(step => step.InputBytes), done = 0;
        void Advance(long bytes) =>
            progress?.Report(new ConvertProgress("Converting", Interlocked.Add(ref done, bytes), total));
        ConversionStep[] parallel = [.. plan.Steps.Where(step => !step.UsesArrays)];
        try
        {
            var parts = Partitioner.Create(parallel, EnumerablePartitionerOptions.NoBuffering);
            Parallel.ForEach(
                parts,
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = Math.Clamp(Environment.ProcessorCount, 1, 4),
                    CancellationToken = cancellation,
                },
                step => step.Run(write, allowOverflow, Advance, cancellation));
        }
        catch (AggregateException e) when (e.InnerExceptions.Count > 0)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.Flatten().InnerExceptions[0]);
        }
        foreach (ConversionStep step in plan.Steps.Where(step => step.UsesArrays))
            step.Run(write, allowOverflow, Advance, cancellation);
    }

    private static long OutputBytes(ConversionPlan plan) =>
        plan.Steps.SelectMany(step => step.Outputs).Sum(output => output.ByteCount);

    private static string TypeNames(IEnumerable<TensorType> types, OpenElmConfig config)
    {
        IEnumerable<string> names = types.Where(type => type.IsFloating())
            .Distinct().Order().Select(type => type.Name());
        if (config.Quantization is { } quantization)
        {
            var bits = quantization.Overrides.Values.OfType<QuantizationSettings>().Append(quantization.Default)
                .Select(settings => settings.Bits).Distinct().Order();
            names = bits.Select(b => $"{b}-bit").Concat(names);
        }
        return string.Join(", ", names);
    }

    private static List<string> Warnings(ConvertOptions options, ConversionPlan plan, bool file, int tokenizerFiles)
    {
        var warnings = new List<string>();
        if (!file && tokenizerFiles == 0)
            warnings.Add("There is no tokenizer beside the input: commands that read or write text will need one " +
                "(--tokenizer-path).");
        bool unusual = !plan.Config.FeedForwardWithGlu || plan.Config.Activation != OpenElmActivation.Swish;
        if (!file && options.Target != ConvertTarget.CoreNetPort && unusual)
            warnings.Add("mlx-lm's and Hugging Face's OpenELM know only swish with GLU: this folder is for ElmMlx.");
        return warnings;
    }
}
