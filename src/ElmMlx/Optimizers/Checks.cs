using System.Globalization;

namespace ElmMlx.Optimizers;

/// <summary>Options whose range is known.</summary>
internal static class Checks
{
    public static double NotNegative(double value, string parameter, string what) =>
        double.IsFinite(value) && value >= 0
            ? value
            : throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{what} is {value}: it must be 0 or more"), parameter);

    public static double Finite(double value, string parameter, string what) =>
        double.IsFinite(value)
            ? value
            : throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{what} is {value}: it must be a finite number"),
                parameter);

    /// <summary>A factor of a running average: from 0 up to, not including, 1.</summary>
    public static double Share(double value, string parameter, string what) =>
        value is >= 0 and < 1
            ? value
            : throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture, $"{what} is {value}: it must be from 0 up to, not including, 1"),
                parameter);

    public static (double, double) Shares((double First, double Second) value, string parameter, string what) =>
        (Share(value.First, parameter, "the first of " + what),
            Share(value.Second, parameter, "the second of " + what));

    public static long Positive(long value, string parameter, string what) =>
        value > 0 ? value : throw new ArgumentException($"{what} is {value}: it must be 1 or more", parameter);
}
