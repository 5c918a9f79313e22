namespace ElmMlx.Nn;

/// <summary>
/// Sines and cosines of positions at frequencies from <c>maxFreq</c> down to <c>minFreq</c>, as
/// mlx.nn.SinusoidalPositionalEncoding (Vaswani et al. 2017, arXiv:1706.03762).
/// </summary>
public sealed class SinusoidalPositionalEncoding : UnaryLayer
{
    private readonly float[] _frequencies;
    private readonly double _scale;
    private readonly bool _cosFirst;

    /// <summary>A layer; it has no parameters.</summary>
    /// <param name="dims">D, even and above 2: half of the features are sines, half cosines.</param>
    /// <param name="minFreq">The lowest frequency.</param>
    /// <param name="maxFreq">The highest frequency.</param>
    /// <param name="scale">The result is multiplied by it; √(2 / D) unless told.</param>
    /// <param name="cosFirst">Whether the cosines come first.</param>
    /// <param name="fullTurns">Whether frequencies are turns, not radians.</param>
    public SinusoidalPositionalEncoding(
        int dims, double minFreq = 0.0001, double maxFreq = 1, double? scale = null, bool cosFirst = false,
        bool fullTurns = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dims, 4);
        double turn = fullTurns ? 2 * Math.PI : 1;
        double least = Math.Log(minFreq), range = Math.Log(maxFreq) - least;
        int n = dims / 2;
        _frequencies = [.. Enumerable.Range(0, n).Select(i =>
            (float)(Math.Exp((1 - (double)i / (n - 1)) * range + least) * turn))];
        (_scale, _cosFirst) = (scale ?? Math.Sqrt(2.0 / dims), cosFirst);
    }

    /// <summary>The encodings of positions.</summary>
    /// <param name="x">Positions, […], floating.</param>
    /// <returns>[…, D].</returns>
    public override MlxArray Forward(MlxArray x)
    {
        MlxArray angles = x.ExpandDims(-1) * MlxArray.From<float>(_frequencies);                   // […, D/2]
        MlxArray cosines = angles.Cos(), sines = angles.Sin();
        MlxArray[] both = _cosFirst ? [cosines, sines] : [sines, cosines];
        return MlxArray.Concatenate(both.AsSpan(), -1) * _scale;
    }
}
