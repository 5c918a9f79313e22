namespace ElmMlx.OpenElm;

/// <summary>
/// CoreNet's rules for the widths of layers. They are numpy's in float64: interpolate as <c>numpy.linspace</c>, round
/// to two decimals as <c>rint(100 x) / 100</c> (half to even on the product, which is not decimal rounding), make
/// divisible.
/// </summary>
internal static class LayerWidths
{
    /// <summary>One multiplier a layer, from the first layer's to the last one's.</summary>
    public static double[] Interpolate(double first, double last, int layers)
    {
        var multipliers = new double[layers];
        double step = layers > 1 ? (last - first) / (layers - 1) : 0;
        for (int i = 0; i < layers; i++)
        {
            double product = i * step; // its own statement: linspace rounds here, a fused multiply-add would not
            double value = layers > 1 && i == layers - 1 ? last : product + first;
            multipliers[i] = Math.Round(value * 100, MidpointRounding.ToEven) / 100;
        }
        return multipliers;
    }

    /// <summary>
    /// The multiple of <paramref name="divisor"/> nearest to <paramref name="value"/>, at least one step, and never
    /// more than 10 % below the value.
    /// </summary>
    public static int MakeDivisible(double value, int divisor)
    {
        long rounded = (long)(value + divisor / 2.0) / divisor * divisor;
        long result = Math.Max(divisor, rounded);
        if (result < 0.9 * value)
            result += divisor;
        return checked((int)result);
    }
}
