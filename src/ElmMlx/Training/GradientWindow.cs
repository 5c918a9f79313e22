using ElmMlx.Nn;

namespace ElmMlx.Training;

/// <summary>Gradients of the batches since the last update, summed up in float32.</summary>
internal sealed class GradientWindow : IDisposable
{
    private MlxArray[]? _sums;

    /// <summary>
    /// What the sums are to be divided by: tokens or pairs, or batches when each batch weighs the same.
    /// </summary>
    public double Weight { get; private set; }

    /// <summary>Whether nothing was added since the last update.</summary>
    public bool IsEmpty => _sums is null;

    /// <summary>The sums, in the parameters' order; empty when nothing was added.</summary>
    public IReadOnlyList<MlxArray> Sums => _sums ?? [];

    /// <summary>Adds a batch's gradients.</summary>
    /// <param name="gradients">In the parameters' order, evaluated.</param>
    /// <param name="weight">The batch's share of the divisor.</param>
    public void Add(IReadOnlyList<MlxArray> gradients, double weight)
    {
        var sums = new MlxArray[gradients.Count];
        for (int i = 0; i < sums.Length; i++)
        {
            MlxArray wide = gradients[i].AsType(DType.Float32);
            sums[i] = _sums is null ? wide : _sums[i] + wide;
        }
        MlxArray.Eval(sums);
        Take(sums, Weight + weight);
    }

    /// <summary>Puts saved sums back.</summary>
    public void Load(IReadOnlyList<MlxArray> sums, double weight) => Take([.. sums], weight);

    /// <summary>The update's gradient: the sums divided by their weight. Not evaluated.</summary>
    public MlxArray[] Mean() => [.. Sums.Select(sum => sum * (float)(1 / Weight))];

    /// <summary>Forgets the sums.</summary>
    public void Clear()
    {
        foreach (MlxArray sum in Sums)
            sum.Dispose();
        _sums = null;
        Weight = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private void Take(MlxArray[] sums, double weight)
    {
        Clear();
        foreach (MlxArray sum in sums)
            Owned.Take(sum);
        _sums = sums;
        Weight = weight;
    }
}
