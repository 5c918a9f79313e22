using ElmMlx.Nn;

namespace ElmMlx.Pretraining;

/// <summary>
/// An exponential moving average of arrays by name, <c>ema ← ema·(1 - momentum) + momentum·value</c>, which starts as a
/// copy. It owns its arrays.
/// </summary>
internal sealed class MovingAverage : IDisposable
{
    private readonly Dictionary<string, MlxArray> _values = new(StringComparer.Ordinal);
    private readonly double _momentum;

    /// <param name="values">What it starts from; they stay the caller's.</param>
    /// <param name="momentum">The weight of the newest values, from 0 to 1.</param>
    public MovingAverage(IEnumerable<(string Name, MlxArray Value)> values, double momentum)
    {
        _momentum = momentum;
        foreach ((string name, MlxArray value) in values)
            _values.Add(name, Owned.Take(value.Copy()));
    }

    public IReadOnlyDictionary<string, MlxArray> Values => _values;

    /// <summary>Takes newer values in; the caller evaluates <see cref="Values"/>. Whole numbers are cut off.</summary>
    public void Update(IEnumerable<(string Name, MlxArray Value)> values)
    {
        foreach ((string name, MlxArray value) in values)
        {
            MlxArray former = _values[name];
            _values[name] = Owned.Take((former * (1 - _momentum) + value * _momentum).AsType(former.DType));
            former.Dispose();
        }
    }

    /// <summary>Goes on from stored averages, which are its own from here on.</summary>
    public void Load(IReadOnlyDictionary<string, MlxArray> values)
    {
        foreach ((string name, MlxArray value) in values)
        {
            _values[name].Dispose();
            _values[name] = Owned.Take(value);
        }
    }

    public void Dispose()
    {
        foreach (MlxArray value in _values.Values)
            value.Dispose();
    }
}
