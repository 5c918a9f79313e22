using ElmMlx.Checkpoints.Torch;
using ElmMlx.Weights;

namespace ElmMlx.Pretraining;

// What CoreNet goes on from.
public sealed partial class Pretrainer
{
    /// <summary>
    /// Writes the run as CoreNet's <c>training_checkpoint_last.pt</c>: weights, AdamW's moments, moving average and the
    /// number of finished updates. CoreNet's place in the data is in files of its own.
    /// </summary>
    /// <param name="path">The file.</param>
    public void WriteTrainingCheckpoint(string path)
    {
        using var scope = new ArrayScope();
        var arrays = new Dictionary<string, MlxArray>(StringComparer.Ordinal);
        IReadOnlyDictionary<string, MlxArray> state = _updates.Optimizer.State;
        var groups = new PickleList();
        var moments = new List<(object, object?)>();
        foreach ((double decay, string[] names) in ParameterGroups(_recipe))
        {
            var numbers = new PickleList();
            foreach (string name in names)
            {
                long number = moments.Count;
                numbers.Items.Add(number);
                moments.Add((number, PickleWriter.Dict(
                    ("step", Add($"{name}.step", MlxArray.Scalar((float)_updates.Optimizer.Step))),
                    ("exp_avg", Add($"{name}.m", state[name + ".m"])),
                    ("exp_avg_sq", Add($"{name}.v", state[name + ".v"])))));
            }
            groups.Items.Add(PickleWriter.Dict(
                ("weight_decay", decay),
                ("lr", _updates.Optimizer.LearningRate.At(Math.Max(0, _updates.Optimizer.Step - 1))),
                ("betas", new PickleTuple([_recipe.Betas.First, _recipe.Betas.Second])), ("eps", _recipe.Epsilon),
                ("amsgrad", false), ("maximize", false), ("foreach", null), ("capturable", false),
                ("differentiable", false),
                ("fused", null), ("decoupled_weight_decay", true), ("params", numbers)));
        }
        PickleDict root = PickleWriter.Dict(
            ("iterations", _updates.Optimizer.Step), ("epoch", 0L),
            ("model_state_dict", StateDict("model", _updates.Weights.ToDictionary())),
            ("optim_state_dict", PickleWriter.Dict(("state", PickleWriter.Dict(moments)), ("param_groups", groups))),
            ("best_metric", _state.BestLoss ?? double.PositiveInfinity), ("is_interval_ckpt", true),
            ("gradient_scaler_state_dict", PickleWriter.Dict()));
        if (_updates.Average is { } average)
            root.TryAdd("ema_state_dict", StateDict("ema", average.Values));

        using var writer = new TorchWriter(path, root);
        foreach ((string name, MlxArray array) in arrays)
            array.ReadBytes((bytes, _) => writer.Write(name, bytes));
        writer.Commit();

        PickleDict StateDict(string prefix, IReadOnlyDictionary<string, MlxArray> values) => PickleWriter.StateDict(
            _recipe.Model.TensorShapes()
                .Select(tensor => (tensor.Name, Add($"{prefix}:{tensor.Name}", values[tensor.Name]))));

        TensorSpec Add(string name, MlxArray array)
        {
            arrays.Add(name, array);
            return new TensorSpec(name, TensorArrays.TypeOf(array), array.Shape);
        }
    }

    /// <summary>CoreNet's groups of parameters: those with decay, and those without; or all in one.</summary>
    internal static IEnumerable<(double WeightDecay, string[] Names)> ParameterGroups(PretrainingRecipe recipe)
    {
        (string Name, int[] Shape)[] tensors = [.. recipe.Model.TensorShapes()];
        if (!recipe.SparesVectors)
            return [(recipe.WeightDecay, [.. tensors.Select(tensor => tensor.Name)])];
        return
        [
            (recipe.WeightDecay, [.. tensors.Where(tensor => tensor.Shape.Length > 1).Select(tensor => tensor.Name)]),
            (0, [.. tensors.Where(tensor => tensor.Shape.Length == 1).Select(tensor => tensor.Name)]),
        ];
    }
}
