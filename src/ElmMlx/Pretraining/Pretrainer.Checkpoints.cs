using System.Buffers;
using System.Text;
using System.Text.Json;
using ElmMlx.Checkpoints;
using ElmMlx.Datasets;
using ElmMlx.OpenElm;
using ElmMlx.Training;
using ElmMlx.Weights;

namespace ElmMlx.Pretraining;

// What a run leaves on disk, and how it goes on from there. Every checkpoint is a model folder too.
public sealed partial class Pretrainer
{
    internal const string WeightsFile = "model.safetensors", AverageFile = "ema.safetensors";
    private const string DataFile = "data.json";
    private readonly RunFiles? _files;

    /// <summary>Goes on from the newest whole checkpoint of the run's folder.</summary>
    /// <param name="force">Whether to go on although settings differ.</param>
    /// <returns>
    /// The update, null where there is no checkpoint yet, and a sentence about each newer one that could not be used.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// Settings differ from those of the checkpoint; the message names them. Nothing has changed then.
    /// </exception>
    /// <exception cref="InvalidDataException">There are checkpoints, and none of them is whole.</exception>
    public (long? Step, IReadOnlyList<string> Notes) Resume(bool force = false) => _files is null
        ? throw new InvalidOperationException("A run that writes nothing cannot be resumed.")
        : _files.Resume(force, Load);

    private RunFolder FolderOf(string folder) => new(folder)
    {
        WeightsFile = WeightsFile,
        KeepsNewestBeside = false,
        KeepLast = _options.KeepLast,
        Settings = _options.Settings,
        WriteBeside = beside =>
        {
            AtomicFile.WriteAllBytes(
                Path.Combine(beside, "config.json"), Encoding.UTF8.GetBytes(_recipe.Model.ToMlxLmJson()));
            if (_recipe.TokenizerPath.Length > 0)
                foreach ((string from, string name) in TokenizerFiles.Find(beside, _recipe.TokenizerPath))
                    AtomicFile.WriteAllBytes(Path.Combine(beside, name), File.ReadAllBytes(from));
        },
    };

    private string Save()
    {
        using var scope = new ArrayScope();
        return _files!.Save(
            new Checkpoint
            {
                State = _state,
                Settings = _options.Settings,
                Weights = NamedWeights(),
                Arrays = Checkpoint.ArraysOf(_updates.Optimizer),
            },
            folder =>
            {
                WriteData(Path.Combine(folder, DataFile));
                if (_updates.Average is { } average)
                    ArrayFile.Write(
                        Path.Combine(folder, AverageFile),
                        average.Values.ToDictionary(entry => OpenElmModel.MlxLmName(entry.Key), entry => entry.Value),
                        Checkpoint.WeightsMetadata);
            });
    }

    private void WriteData(string path)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            _batches.WriteState(json);
            json.WriteEndObject();
        }
        AtomicFile.WriteAllBytes(path, buffer.WrittenSpan);
    }

    private void Load(Checkpoint checkpoint, string folder)
    {
        // Everything is looked at before anything is changed.
        Dictionary<string, MlxArray> weights = Own(checkpoint.Weights, folder);
        string averageFile = Path.Combine(folder, AverageFile);
        Dictionary<string, MlxArray>? average = _updates.Average is null ? null
            : File.Exists(averageFile) ? Own(ArrayFile.Read(averageFile), folder)
            : weights.ToDictionary(entry => entry.Key, entry => entry.Value.Copy());        // one that begins here
        ICoreNetBatches batches = ReadData(Path.Combine(folder, DataFile));
        try
        {
            checkpoint.LoadInto(_updates.Optimizer, folder);
        }
        catch
        {
            batches.Dispose();
            throw;
        }
        MlxArray.Eval([.. weights.Values, .. average?.Values.ToArray() ?? []]);
        _updates.Load(weights);
        if (average is not null)
            _updates.Average!.Load(average);
        _batches.Dispose();
        _batches = batches;
        _state = checkpoint.State with { IsFinished = checkpoint.State.Step >= _recipe.Updates };
    }

    private Dictionary<string, MlxArray> Own(IReadOnlyDictionary<string, MlxArray> stored, string folder) =>
        _updates.Weights.ToDictionary(
            entry => entry.Name,
            entry => Checkpoint.Find(stored, OpenElmModel.MlxLmName(entry.Name), entry.Value, folder)
                .AsType(DType.Float32));

    private ICoreNetBatches ReadData(string path)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 8 });
            return _open(json.RootElement);
        }
        catch (Exception e) when (
            e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException(
                $"{path} is damaged: it is not the place in the data that a checkpoint has.", e);
        }
    }

    private Dictionary<string, MlxArray> NamedWeights() =>
        _updates.Weights.ToDictionary(entry => OpenElmModel.MlxLmName(entry.Name), entry => entry.Value);
}
