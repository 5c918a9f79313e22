using System.Text;
using ElmMlx.Checkpoints;
using ElmMlx.OpenElm;
using ElmMlx.Training;
using ElmMlx.Weights;

namespace ElmMlx.Pretraining;

/// <summary>
/// What a run is made for, written from its checkpoints: the newest weights, their moving average, the mean of the last
/// checkpoints.
/// </summary>
public static class PretrainingResults
{
    /// <summary>Whether a run has left a checkpoint in a folder.</summary>
    public static bool HasCheckpoints(string folder) => new CheckpointFiles(folder).Steps().Count > 0;

    /// <summary>Writes the results into the run's folder; former ones are replaced.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="formats">In which forms.</param>
    /// <param name="average">Checkpoints whose mean is written too, the newest ones; 0 for none.</param>
    /// <returns>What was written, and from what, one sentence each.</returns>
    /// <exception cref="ArgumentException">
    /// There are not as many checkpoints; the newest weights are written then.
    /// </exception>
    /// <exception cref="InvalidDataException">A checkpoint is not as it was written.</exception>
    public static IReadOnlyList<string> Write(string folder, PretrainingFormats formats, int average = 0)
    {
        var checkpoints = new CheckpointFiles(folder);
        IReadOnlyList<long> steps = checkpoints.Steps();
        if (steps.Count == 0)
            throw new ArgumentException($"{folder} has no checkpoint; train first.");
        string[] folders = [.. steps.Take(Math.Max(average, 1)).Reverse().Select(checkpoints.FolderOf)];
        foreach (string checkpoint in folders)
            Checkpoint.Inspect(checkpoint, Pretrainer.WeightsFile);

        var written = new List<string>();
        Add("last", "model", $"update {steps[0]}", [Path.Combine(folders[^1], Pretrainer.WeightsFile)]);
        string ema = Path.Combine(folders[^1], Pretrainer.AverageFile);
        if (File.Exists(ema))
            Add("ema_last", "model_ema", $"the moving average after update {steps[0]}", [ema]);
        if (average > steps.Count)
            throw new ArgumentException(
                $"There are {steps.Count} checkpoints in {folder}, and the mean of {average} is asked for: save " +
                "more often (common.save_interval_freq), or keep more.");
        if (average > 0)
            Add(
                "average", "model_average", $"the mean of updates {string.Join(", ", steps.Take(average).Reverse())}",
                [.. folders.Select(checkpoint => Path.Combine(checkpoint, Pretrainer.WeightsFile))]);
        return written;

        void Add(string name, string model, string what, string[] files)
        {
            SafetensorsSource[] sources = [.. files.Select(file => new SafetensorsSource(file))];
            try
            {
                var config = OpenElmConfig.FromFile(Path.Combine(folders[^1], "config.json"));
                if (formats.HasFlag(PretrainingFormats.CoreNet))
                {
                    string path = Path.Combine(folder, $"checkpoint_{name}.pt");
                    CheckpointAverage.Write(sources, path);
                    written.Add($"{path} is {what}. {CoreNetYamlWriter.WriteBeside(path, config)}");
                }
                if (formats.HasFlag(PretrainingFormats.ModelFolder))
                {
                    string path = Path.Combine(folder, model);
                    WriteFolder(path, sources, config, folders[^1]);
                    written.Add($"{path} is {what}, as a model folder.");
                }
            }
            finally
            {
                foreach (SafetensorsSource source in sources)
                    source.Dispose();
            }
        }
    }

    private static void WriteFolder(
        string path, SafetensorsSource[] sources, OpenElmConfig config, string checkpoint)
    {
        using var folder = new OutputFolder(path, overwrite: true);
        IEnumerable<SourceTensor> tensors = sources[0].Tensors.Values;
        using (var writer = new WeightFilesWriter(
            folder.Path, "model",
            tensors.Select(tensor => new TensorSpec(OpenElmModel.MlxLmName(tensor.Name), tensor.Type, tensor.Shape)),
            Checkpoint.WeightsMetadata, config.ParameterCount))
        {
            foreach (SourceTensor tensor in tensors)
                CheckpointAverage.Average(
                    sources, tensor, bytes => writer.Write(OpenElmModel.MlxLmName(tensor.Name), bytes));
            writer.Commit();
        }
        foreach ((string from, string name) in TokenizerFiles.Find(checkpoint, null))
            AtomicFile.WriteAllBytes(Path.Combine(folder.Path, name), File.ReadAllBytes(from));
        AtomicFile.WriteAllBytes(
            Path.Combine(folder.Path, "config.json"), Encoding.UTF8.GetBytes(config.ToMlxLmJson()));
        folder.Commit();
    }
}
