using System.Numerics;

namespace ElmMlx.Optimizers;

/// <summary>
/// CoreNet's schedules by iteration: a linear warm-up from a rate that need not be zero, then a curve; rounded
/// to 8 decimals, as CoreNet hands it to its optimizer.
/// </summary>
/// <remarks>
/// The curve spans <c>max_iterations - warmup_iterations + 1</c> updates: the final rate comes one update after
/// the last one of CoreNet's loop, and beyond that the cosine rises again.
/// </remarks>
public sealed class CoreNetSchedule : Schedule
{
    private const double Unit = 1e8; // 8 decimals
    private readonly CoreNetScheduleKind _kind;
    private readonly long _maxIterations;
    private readonly long _warmupIterations;
    private readonly double _warmupInit;
    private readonly double _peak;
    private readonly double _final;
    private readonly double _power;
    private readonly double _multiplier;

    /// <summary>A schedule with CoreNet's options.</summary>
    /// <param name="kind">The curve after the warm-up.</param>
    /// <param name="maxIterations">CoreNet's <c>max_iterations</c>.</param>
    /// <param name="peak"><c>cosine.max_lr</c>, <c>fixed.lr</c> or <c>polynomial.start_lr</c>.</param>
    /// <param name="final"><c>cosine.min_lr</c> or <c>polynomial.end_lr</c>.</param>
    /// <param name="warmupIterations">Updates before the peak; below 0 means none.</param>
    /// <param name="warmupInit">The first update's rate.</param>
    /// <param name="power"><c>polynomial.power</c>.</param>
    /// <param name="multiplier">One of CoreNet's <c>lr_multipliers</c>; applied before rounding.</param>
    /// <exception cref="ArgumentException">A rate is negative, or the curve has no length.</exception>
    public CoreNetSchedule(
        CoreNetScheduleKind kind, long maxIterations, double peak, double final = 0, long warmupIterations = 0,
        double warmupInit = 0, double power = 1, double multiplier = 1)
    {
        _kind = kind;
        _maxIterations = Checks.Positive(maxIterations, nameof(maxIterations), "max_iterations");
        _warmupIterations = Math.Max(warmupIterations, 0);
        _peak = Checks.NotNegative(peak, nameof(peak), "the peak of the learning rate");
        _final = Checks.NotNegative(final, nameof(final), "the final learning rate");
        _warmupInit = Checks.NotNegative(warmupInit, nameof(warmupInit), "warmup_init_lr");
        _power = Checks.NotNegative(power, nameof(power), "the polynomial's power");
        _multiplier = Checks.NotNegative(multiplier, nameof(multiplier), "a learning rate's multiplier");
        if (CurveLength == 0)
            throw new ArgumentException(
                $"warmup_iterations is {_warmupIterations}, one more than max_iterations: the curve after the " +
                "warm-up has no length", nameof(warmupIterations));
    }

    private long CurveLength => _maxIterations - _warmupIterations + 1;

    /// <inheritdoc/>
    public override double At(long step) => Round(Unrounded(step) * _multiplier);

    /// <summary>The rate before the multiplier and before rounding.</summary>
    public double Unrounded(long step)
    {
        if (step < _warmupIterations)
            return Math.Max(0, _warmupInit + step * ((_peak - _warmupInit) / _warmupIterations));
        double share = (double)(step - _warmupIterations) / CurveLength;
        return Math.Max(0, _kind switch
        {
            CoreNetScheduleKind.Cosine => _final + 0.5 * (_peak - _final) * (1 + Math.Cos(Math.PI * share)),
            CoreNetScheduleKind.Polynomial => _final + (_peak - _final) * Math.Pow(Math.Max(0, 1 - share), _power),
            _ => _peak,
        });
    }

    /// <inheritdoc/>
    public override object Describe() => new Dictionary<string, object?>
    {
        ["name"] = "corenet",
        ["kind"] = _kind switch
        {
            CoreNetScheduleKind.Cosine => "cosine",
            CoreNetScheduleKind.Polynomial => "polynomial",
            _ => "fixed",
        },
        ["max_iterations"] = _maxIterations,
        ["peak"] = _peak,
        ["final"] = _final,
        ["warmup_iterations"] = _warmupIterations,
        ["warmup_init"] = _warmupInit,
        ["power"] = _power,
        ["multiplier"] = _multiplier,
    };

    internal static CoreNetSchedule Read(OptionReader options)
    {
        string? kind = options.OptionalText("kind");
        return new CoreNetSchedule(
            kind switch
            {
                "cosine" => CoreNetScheduleKind.Cosine,
                "fixed" => CoreNetScheduleKind.Fixed,
                "polynomial" => CoreNetScheduleKind.Polynomial,
                _ => throw new ArgumentException($"CoreNet has no schedule '{kind}': use cosine, fixed or polynomial"),
            },
            options.Whole("max_iterations"), options.Number("peak"), options.Number("final", 0),
            options.Whole("warmup_iterations", 0), options.Number("warmup_init", 0), options.Number("power", 1),
            options.Number("multiplier", 1));
    }

    /// <summary>8 decimals of the exact binary value, ties to even: Python's <c>round</c>.</summary>
    private static double Round(double rate)
    {
        if (rate == 0 || !double.IsFinite(rate) || rate >= 1L << 20)
            return rate;
        // rate = mantissa / 2^shift; 1075 is the exponent's bias and the 52 bits behind the point.
        long bits = BitConverter.DoubleToInt64Bits(rate);
        int exponent = (int)(bits >> 52);
        BigInteger mantissa = (bits & ((1L << 52) - 1)) | (exponent == 0 ? 0 : 1L << 52);
        int shift = 1075 - Math.Max(exponent, 1);
        BigInteger scaled = mantissa * (long)Unit, whole = scaled >> shift;
        int side = (scaled - (whole << shift)).CompareTo(BigInteger.One << (shift - 1));
        if (side > 0 || (side == 0 && !whole.IsEven))
            whole++;
        return (double)whole / Unit;
    }
}
