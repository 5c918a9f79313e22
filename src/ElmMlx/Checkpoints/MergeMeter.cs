namespace ElmMlx.Checkpoints;

/// <summary>Adds up, over the pieces of a matrix, what an adapter changes and what writing loses of it.</summary>
internal sealed class MergeMeter
{
    private double _change, _error;     // sums of squares

    /// <summary>The norm of the error over the norm of the change; 0 when nothing was changed.</summary>
    public double RelativeError => _change == 0 ? 0 : Math.Sqrt(_error / _change);

    /// <param name="before">The elements without the adapter.</param>
    /// <param name="merged">With it.</param>
    /// <param name="written">As the output holds them.</param>
    public void Add(ReadOnlySpan<float> before, ReadOnlySpan<float> merged, ReadOnlySpan<float> written)
    {
        for (int i = 0; i < merged.Length; i++)
        {
            double change = (double)merged[i] - before[i], error = (double)written[i] - merged[i];
            _change += change * change;
            _error += error * error;
        }
    }
}
