using ElmMlx.Nn;

namespace ElmMlx.Training;

/// <summary>
/// The parameters that a run changes. Where the model holds them in 16 bits, the optimizer works on float32 copies: a small
/// step would round away in the narrow type.
/// </summary>
internal sealed class TrainedParameters : IDisposable
{
    private readonly (string Path, Parameter Parameter)[] _model;
    private readonly (string Path, Parameter Parameter)[] _updated;

    public TrainedParameters(IReadOnlyList<(string Path, Parameter Parameter)> parameters)
    {
        if (parameters.Count == 0)
            throw new ArgumentException("There is no parameter to train: all of the model is frozen.", nameof(parameters));
        _model = [.. parameters];
        _updated = [.. parameters.Select(entry => IsNarrow(entry.Parameter)
            ? (entry.Path, new Parameter(entry.Parameter.Name, Widened(entry.Parameter.Value)))
            : entry)];
    }

    /// <summary>What gradients are taken of, in order.</summary>
    public IReadOnlyList<Parameter> OfModel => [.. _model.Select(entry => entry.Parameter)];

    /// <summary>What the optimizer changes, in the same order.</summary>
    public IReadOnlyList<(string Path, Parameter Parameter)> Updated => _updated;

    /// <summary>The parameters by path, as the model holds them.</summary>
    public IEnumerable<(string Path, MlxArray Value)> Weights =>
        _model.Select(entry => (entry.Path, entry.Parameter.Value));

    /// <summary>The float32 copies by path, of those that have one.</summary>
    public IEnumerable<(string Path, MlxArray Value)> Wide => _updated.Except(_model)
        .Select(entry => (entry.Path, entry.Parameter.Value));

    /// <summary>Rounds the float32 copies into the model, once the optimizer has changed them.</summary>
    /// <returns>Everything that is to be evaluated.</returns>
    public IEnumerable<MlxArray> Round()
    {
        for (int i = 0; i < _model.Length; i++)
        {
            Parameter model = _model[i].Parameter, updated = _updated[i].Parameter;
            if (!ReferenceEquals(model, updated))
                model.Replace(updated.Value.AsType(model.Value.DType));
        }
        return _model.Concat(_updated).Select(entry => entry.Parameter.Value).Distinct();
    }

    /// <summary>Puts saved numbers back.</summary>
    /// <param name="weights">By path, as <see cref="Weights"/> gave them.</param>
    /// <param name="wide">By path, as <see cref="Wide"/> gave them.</param>
    public void Load(IReadOnlyDictionary<string, MlxArray> weights, IReadOnlyDictionary<string, MlxArray> wide)
    {
        for (int i = 0; i < _model.Length; i++)
        {
            (string path, Parameter model) = _model[i];
            model.Replace(weights[path]);
            if (!ReferenceEquals(model, _updated[i].Parameter))
                _updated[i].Parameter.Replace(wide[path]);
        }
    }

    /// <summary>Frees the float32 copies; the model keeps its own.</summary>
    public void Dispose()
    {
        foreach ((_, Parameter parameter) in _updated.Except(_model))
            parameter.Dispose();
    }

    private static bool IsNarrow(Parameter parameter) => parameter.Value.DType is DType.Float16 or DType.BFloat16;

    private static MlxArray Widened(MlxArray value)
    {
        MlxArray wide = value.AsType(DType.Float32);
        wide.Eval();
        return wide;
    }
}
