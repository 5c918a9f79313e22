namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// How to transform rows of one length: stages of radix 4, 2 and small primes; where a larger prime divides the length,
/// by way of a convolution of a power of two (Bluestein's). float32 arithmetic; twiddles are computed in float64. The
/// transform is the forward one; exchange real and imaginary parts, before and after, for the other.
/// </summary>
internal sealed unsafe class FourierPlan
{
    private const int LargestRadix = 31, LongestRemembered = 1 << 18;

    private static readonly FourierPlan?[] Remembered = new FourierPlan?[64];

    private readonly FourierStage[] _stages;

    // Bluestein's: exp(−πi k² / n), and the transform of its conjugate around 0, over the longer length's n
    private readonly FourierPlan? _longer;
    private readonly float[] _chirpReal = [], _chirpImaginary = [], _responseReal = [], _responseImaginary = [];

    private FourierPlan(int length)
    {
        Length = length;
        List<int> radices = Radices(length);
        if (radices.Exists(radix => radix > LargestRadix))
        {
            _stages = [];
            _longer = Of((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(2 * length - 1)));
            (_chirpReal, _chirpImaginary) = Chirp(length);
            (_responseReal, _responseImaginary) = Response(_longer, _chirpReal, _chirpImaginary);
            return;
        }

        _stages = new FourierStage[radices.Count];
        int left = length, stride = 1;
        for (int i = 0; i < _stages.Length; i++)
        {
            left /= radices[i];
            _stages[i] = new(radices[i], left, stride);
            stride *= radices[i];
        }
    }

    /// <summary>Complex numbers of a row.</summary>
    public int Length { get; }

    /// <summary>Floats that <see cref="Run"/> needs beside the row.</summary>
    public long WorkSize => _longer is null ? 2L * Length : 2L * _longer.Length + _longer.WorkSize;

    /// <summary>A plan for rows of this length; those of some lengths are remembered.</summary>
    public static FourierPlan Of(int length)
    {
        ref FourierPlan? place = ref Remembered[(uint)length % (uint)Remembered.Length];
        FourierPlan? plan = Volatile.Read(ref place);
        if (plan is null || plan.Length != length)
        {
            plan = new(length);
            if (length <= LongestRemembered)
                Volatile.Write(ref place, plan);
        }

        return plan;
    }

    /// <summary>Transforms a row in place: yₖ = Σ xⱼ exp(−2πi j k / n).</summary>
    public void Run(float* real, float* imaginary, float* work)
    {
        if (_longer is not null)
        {
            RunLonger(real, imaginary, work);
            return;
        }

        float* fromReal = real, fromImaginary = imaginary, toReal = work, toImaginary = work + Length;
        foreach (FourierStage stage in _stages)
        {
            stage.Run(fromReal, fromImaginary, toReal, toImaginary);
            float* former = fromReal;
            fromReal = toReal;
            toReal = former;
            former = fromImaginary;
            fromImaginary = toImaginary;
            toImaginary = former;
        }

        if (fromReal == real)
            return;
        new Span<float>(fromReal, Length).CopyTo(new(real, Length));
        new Span<float>(fromImaginary, Length).CopyTo(new(imaginary, Length));
    }

    // j k = (j² + k² − (k − j)²) / 2: the transform is a convolution with a chirp
    private void RunLonger(float* real, float* imaginary, float* work)
    {
        int n = _longer!.Length;
        float* re = work, im = work + n;
        new Span<float>(work, 2 * n).Clear();
        for (int k = 0; k < Length; k++)
            (re[k], im[k]) = Product(real[k], imaginary[k], _chirpReal[k], _chirpImaginary[k]);
        _longer.Run(re, im, work + 2 * n);
        for (int k = 0; k < n; k++)
            (re[k], im[k]) = Product(re[k], im[k], _responseReal[k], _responseImaginary[k]);
        _longer.Run(im, re, work + 2 * n);
        for (int k = 0; k < Length; k++)
            (real[k], imaginary[k]) = Product(re[k], im[k], _chirpReal[k], _chirpImaginary[k]);
    }

    private static (float[] Real, float[] Imaginary) Chirp(int n)
    {
        float[] real = new float[n], imaginary = new float[n];
        for (long k = 0; k < n; k++)
        {
            double angle = -Math.PI * (k * k % (2L * n)) / n;
            real[k] = (float)Math.Cos(angle);
            imaginary[k] = (float)Math.Sin(angle);
        }

        return (real, imaginary);
    }

    private static (float[] Real, float[] Imaginary) Response(
        FourierPlan longer, float[] chirpReal, float[] chirpImaginary)
    {
        int n = longer.Length;
        float[] real = new float[n], imaginary = new float[n], work = new float[longer.WorkSize];
        for (int k = 0; k < chirpReal.Length; k++)
        {
            real[k] = real[(n - k) % n] = chirpReal[k] / n;
            imaginary[k] = imaginary[(n - k) % n] = -chirpImaginary[k] / n;
        }

        fixed (float* re = real, im = imaginary, scratch = work)
            longer.Run(re, im, scratch);
        return (real, imaginary);
    }

    private static (float Real, float Imaginary) Product(
        float aReal, float aImaginary, float bReal, float bImaginary) =>
        (aReal * bReal - aImaginary * bImaginary, aReal * bImaginary + aImaginary * bReal);

    // Fours first; then primes, ascending
    private static List<int> Radices(int length)
    {
        var radices = new List<int>();
        for (; length % 4 == 0; length /= 4)
            radices.Add(4);
        for (int prime = 2; length > 1; prime++)
        {
            if ((long)prime * prime > length)
                prime = length;
            for (; length % prime == 0; length /= prime)
                radices.Add(prime);
        }

        return radices;
    }
}
