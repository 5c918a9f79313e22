using System.Numerics;
using ElmMlx.Bindings;
using ElmMlx.Cpu;
using ElmMlx.Cpu.Kernels;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

[Collection(nameof(VectorWidth))]
public sealed unsafe class ElementwiseKernelTests
{
    private static readonly float[] Specials =
    [
        0f, -0f, 1f, -1f, 0.5f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue,
        float.MinValue,
        float.Epsilon, -float.Epsilon, 1.17549435e-38f, 1e-30f, 88.72f, 88.73f, -87.33f, -103.9f, -104.1f, 9000f,
        -70000f,
        0.92f, 0.625f, 1.5707964f, 3.1415927f, 0.99999994f, -0.99999994f, 3.9f, 4.1f, 1e9f,
    ];

    private static int[] Lengths => [.. Enumerable.Range(0, 71), 127, 255, 1023];

    /// <summary>
    /// Formula over float32; the most units in the last place that lanes may lose against double precision.
    /// </summary>
    private static readonly Dictionary<string, (Action<nint, nint, int> Run, Func<double, double> Exact, double Units)>
        Unaries = new()
        {
            ["exp"] = (Single<ExpFormula>, Math.Exp, 2),
            ["log"] = (Single<LogFormula>, Math.Log, 2),
            ["sin"] = (Single<SinFormula>, Math.Sin, 2),
            ["cos"] = (Single<CosFormula>, Math.Cos, 2),
            ["tanh"] = (Single<TanhFormula>, Math.Tanh, 2),
            ["sigmoid"] = (Single<SigmoidFormula>, static x => 1 / (1 + Math.Exp(-x)), 3),
            ["erf"] = (Single<ErfFormula>, DoubleFunctions.Erf, 2),
            ["erfinv"] = (Single<ErfInvFormula>, DoubleFunctions.ErfInv, 6),
            ["sqrt"] = (Single<SqrtFormula>, Math.Sqrt, 0.5),
            ["rsqrt"] = (Single<RsqrtFormula>, static x => 1 / Math.Sqrt(x), 2),
            ["floor"] = (Single<FloorFormula>, Math.Floor, 0),
            ["ceil"] = (Single<CeilFormula>, Math.Ceiling, 0),
            ["round"] = (Single<RoundFormula>, static x => Math.Round(x), 0),
            ["truncate"] = (Single<TruncateFormula>, Math.Truncate, 0),
            ["abs"] = (Number<AbsFormula>, Math.Abs, 0),
            ["negative"] = (Number<NegativeFormula>, static x => -x, 0),
            ["sign"] = (Number<SignFormula>, static x => x > 0 ? 1 : x < 0 ? -1 : 0, 0),
            ["square"] = (Number<SquareFormula>, static x => x * x, 0.5),
        };

    public static TheoryData<string, int> UnariesAndWidths()
    {
        var rows = new TheoryData<string, int>();
        foreach (string name in Unaries.Keys)
        {
            foreach (int width in KernelMemory.Widths)
                rows.Add(name, width);
        }

        return rows;
    }

    public static TheoryData<int> Widths() => new(KernelMemory.Widths);

    [Theory]
    [MemberData(nameof(UnariesAndWidths))]
    public void Unary_is_as_exact_as_promised_at_every_length(string name, int width)
    {
        (Action<nint, nint, int> run, Func<double, double> exact, double units) = Unaries[name];
        using var memory = new KernelMemory(seed: 5);
        foreach (int n in Lengths)
        {
            float* x = (float*)memory.Zeros(4L * n), y = (float*)memory.Zeros(4L * n + 4);
            for (int i = 0; i < n; i++)
                x[i] = Spread(i, n);
            y[n] = 77;
            AtWidth(width, () => run((nint)x, (nint)y, n));
            Assert.Equal(77, y[n]);
            for (int i = 0; i < n; i++)
                AssertWithin(units, exact(x[i]), y[i], $"{name}({x[i]:R}) at {i} of {n}");
        }
    }

    [Theory]
    [MemberData(nameof(UnariesAndWidths))]
    public void Unary_of_special_values_is_that_of_Math(string name, int width)
    {
        (Action<nint, nint, int> run, Func<double, double> exact, double units) = Unaries[name];
        using var memory = new KernelMemory(seed: 6);
        int n = Specials.Length;
        float* x = (float*)memory.Zeros(4L * n), y = (float*)memory.Zeros(4L * n);
        Specials.CopyTo(new Span<float>(x, n));
        AtWidth(width, () => run((nint)x, (nint)y, n));
        for (int i = 0; i < n; i++)
            AssertWithin(units, exact(x[i]), y[i], $"{name}({x[i]:R})");
    }

    [Theory]
    [MemberData(nameof(UnariesAndWidths))]
    public void Unary_gives_an_element_the_same_bits_wherever_it_stands(string name, int width)
    {
        Action<nint, nint, int> run = Unaries[name].Run;
        using var memory = new KernelMemory(seed: 7);
        const int n = 64;
        float* x = (float*)memory.Zeros(4 * n), whole = (float*)memory.Zeros(4 * n), part = (float*)memory.Zeros(4);
        for (int i = 0; i < n; i++)
            x[i] = Spread(i, n);
        AtWidth(width, () =>
        {
            run((nint)x, (nint)whole, n);
            for (int i = 0; i < n; i++)
            {
                run((nint)(x + i), (nint)part, 1);
                Assert.Equal(BitConverter.SingleToInt32Bits(whole[i]), BitConverter.SingleToInt32Bits(*part));
            }
        });
    }

    // From Abramowitz and Stegun, table 7.1, and its inverse
    [Theory]
    [InlineData(0.02, 0.0225645747)]
    [InlineData(0.5, 0.5204998778)]
    [InlineData(1.0, 0.8427007929)]
    [InlineData(1.9, 0.9927904292)]
    public void Erf_has_its_tabulated_values(double x, double expected)
    {
        Assert.Equal(expected, DoubleFunctions.Erf(x), 10);
        Assert.Equal(-expected, DoubleFunctions.Erf(-x), 10);
        Assert.Equal(x, DoubleFunctions.ErfInv(DoubleFunctions.Erf(x)), 12);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Arithmetic_equals_the_scalar_formula_in_every_dtype(int width)
    {
        All<byte>(width);
        All<ushort>(width);
        All<uint>(width);
        All<ulong>(width);
        All<sbyte>(width);
        All<short>(width);
        All<int>(width);
        All<long>(width);
        All<float>(width);
        All<double>(width);

        static void All<T>(int width)
            where T : unmanaged, INumber<T>, IMinMaxValue<T>
        {
            CheckBinary<AddFormula, T>(width);
            CheckBinary<SubtractFormula, T>(width);
            CheckBinary<MultiplyFormula, T>(width);
            CheckBinary<DivideFormula, T>(width);
            CheckBinary<RemainderFormula, T>(width);
            CheckBinary<MaximumFormula, T>(width);
            CheckBinary<MinimumFormula, T>(width);
            CheckCompare<EqualFormula, T>(width);
            CheckCompare<NotEqualFormula, T>(width);
            CheckCompare<LessFormula, T>(width);
            CheckCompare<LessEqualFormula, T>(width);
            CheckCompare<GreaterFormula, T>(width);
            CheckCompare<GreaterEqualFormula, T>(width);
            CheckCompare<NanEqualFormula, T>(width);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Half_precision_widens_exactly_and_rounds_to_the_nearest_even(int width)
    {
        using var memory = new KernelMemory(seed: 8);
        const int n = 1 << 16;
        ushort* bits = (ushort*)memory.Zeros(2 * n), back = (ushort*)memory.Zeros(2 * n);
        float* wide = (float*)memory.Zeros(4 * n);
        for (int i = 0; i < n; i++)
            bits[i] = (ushort)i;
        AtWidth(width, () => HalfPrecision.FromFloat16((Half*)bits, wide, n));
        for (int i = 0; i < n; i++)
            AssertSame((float)BitConverter.UInt16BitsToHalf((ushort)i), wide[i], $"float16 {i:x4}");
        AtWidth(width, () => HalfPrecision.FromBFloat16(bits, wide, n));
        for (int i = 0; i < n; i++)
            AssertSame(BitConverter.Int32BitsToSingle(i << 16), wide[i], $"bfloat16 {i:x4}");

        // Every float16, the middle between it and the next, and the float32 beside that
        var random = new Random(9);
        for (int i = 0; i < n; i++)
        {
            float low = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            float middle = (low + (float)BitConverter.UInt16BitsToHalf((ushort)Math.Min(i + 1, 0xffff))) / 2;
            wide[i] = random.Next(4) switch
            {
                0 => low,
                1 => middle,
                2 => MathF.BitIncrement(middle),
                _ => MathF.BitDecrement(middle),
            };
        }

        AtWidth(width, () => HalfPrecision.ToFloat16(wide, (Half*)back, n));
        for (int i = 0; i < n; i++)
            AssertSame((float)(Half)wide[i], (float)BitConverter.UInt16BitsToHalf(back[i]), $"{wide[i]:R} to float16");
        int[] rests = [0, 0x7fff, 0x8000, 0x8001];
        for (int i = 0; i < n; i++)
            wide[i] = BitConverter.Int32BitsToSingle((i << 16) | rests[random.Next(4)]);
        AtWidth(width, () => HalfPrecision.ToBFloat16(wide, back, n));
        for (int i = 0; i < n; i++)
        {
            float low = BitConverter.Int32BitsToSingle(i << 16), got = BitConverter.Int32BitsToSingle(back[i] << 16);
            if (float.IsNaN(wide[i]))
            {
                Assert.True(float.IsNaN(got), $"{i:x4} is no NaN any more");
                continue;
            }

            int rest = BitConverter.SingleToInt32Bits(wide[i]) & 0xffff;
            bool up = rest > 0x8000 || (rest == 0x8000 && (i & 1) == 1);
            AssertSame(up ? BitConverter.Int32BitsToSingle((i + 1) << 16) : low, got, $"{wide[i]:R} to bfloat16");
        }
    }

    [Theory]
    [InlineData(MLX_FLOAT32, 300.7, MLX_UINT8, 44)]
    [InlineData(MLX_FLOAT32, -3.9, MLX_INT32, -3)]
    [InlineData(MLX_FLOAT32, 1e20, MLX_INT32, int.MinValue)]
    [InlineData(MLX_FLOAT32, double.NaN, MLX_INT32, int.MinValue)]
    [InlineData(MLX_FLOAT32, double.NaN, MLX_BOOL, 1)]
    [InlineData(MLX_INT64, -1, MLX_UINT8, 255)]
    [InlineData(MLX_INT32, -1, MLX_FLOAT32, -1)]
    [InlineData(MLX_UINT8, 200, MLX_INT8, -56)]
    [InlineData(MLX_BOOL, 1, MLX_BFLOAT16, 1)]
    [InlineData(MLX_FLOAT64, 1e39, MLX_FLOAT32, double.PositiveInfinity)]
    [InlineData(MLX_FLOAT32, 65520, MLX_FLOAT16, double.PositiveInfinity)]
    [InlineData(MLX_FLOAT16, 65504, MLX_INT32, 65504)]
    [InlineData(MLX_INT32, 257, MLX_BFLOAT16, 256)]
    [InlineData(MLX_COMPLEX64, 2.5, MLX_INT16, 2)]
    public void Cast_converts_as_C_does(mlx_dtype from, double value, mlx_dtype to, double expected)
    {
        Node x = Held(Ops.Scalar(value, from));
        Node y = Held(Ops.AsType(Ops.BroadcastTo(x, [37]), to));
        Evaluator.Evaluate(y);
        double[] got = Doubles(y);
        Assert.All(got, element => Assert.Equal(expected, element));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Views_are_read_where_they_lie(int width)
    {
        // Rows, columns, scalars, steps and transposed axes against the same arithmetic on plain copies
        int[] shape = [3, 5, 37];
        Node plain = Numbers(shape, MLX_FLOAT32);
        (string Name, Func<Node> Make)[] views =
        [
            ("whole", () => plain),
            ("row", () => Ops.BroadcastTo(Numbers([37], MLX_FLOAT32), shape)),
            ("column", () => Ops.BroadcastTo(Numbers([5, 1], MLX_FLOAT32), shape)),
            ("scalar", () => Ops.BroadcastTo(Ops.Scalar(1.5, MLX_FLOAT32), shape)),
            ("plane", () => Ops.BroadcastTo(Numbers([3, 1, 37], MLX_FLOAT32), shape)),
            ("transposed", () => Ops.Transpose(Numbers([37, 3, 5], MLX_FLOAT32), [1, 2, 0])),
            ("stepped", () => Ops.Slice(Numbers([3, 10, 74], MLX_FLOAT32), [0, 0, 0], [3, 10, 74], [1, 2, 2])),
            ("backwards", () => Ops.Slice(Numbers(shape, MLX_FLOAT32), [2, 0, 36], [-4, 5, -38], [-1, 1, -1])),
        ];
        foreach ((string leftName, Func<Node> left) in views)
        {
            foreach ((string rightName, Func<Node> right) in views)
            {
                foreach (mlx_dtype type in (ReadOnlySpan<mlx_dtype>)[MLX_FLOAT32, MLX_BFLOAT16, MLX_INT32])
                {
                    Node a = Held(Ops.AsType(left(), type)), b = Held(Ops.AsType(right(), type));
                    Node sum = Held(Ops.Add(a, b)), isLess = Held(Ops.Less(a, b));
                    Node chosen = Held(Ops.Where(isLess, a, b)), negated = Held(Ops.Negative(a));
                    AtWidth(width, () => Evaluator.Evaluate([a, b, sum, isLess, chosen, negated]));
                    double[] x = Doubles(a), y = Doubles(b), z = Doubles(sum), less = Doubles(isLess);
                    double[] least = Doubles(chosen), minus = Doubles(negated);
                    for (int i = 0; i < x.Length; i++)
                    {
                        double expected = type == MLX_INT32 ? x[i] + y[i]
                            : type == MLX_FLOAT32 ? (float)x[i] + (float)y[i] : Bf16((float)(x[i] + y[i]));
                        string what = $"{leftName} and {rightName} in {type}, element {i}";
                        Assert.True(expected == z[i], $"{what}: {x[i]} + {y[i]} = {z[i]}");
                        Assert.True((x[i] < y[i] ? 1 : 0) == less[i], what);
                        Assert.True(Math.Min(x[i], y[i]) == least[i], what);
                        Assert.True(-x[i] == minus[i], what);
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData("add", MLX_FLOAT32)]
    [InlineData("add", MLX_BFLOAT16)]
    [InlineData("exp", MLX_FLOAT32)]
    [InlineData("exp", MLX_FLOAT16)]
    [InlineData("less", MLX_FLOAT32)]
    public void Long_arrays_give_the_same_bits_on_one_thread_and_three(string operation, mlx_dtype type)
    {
        using var memory = new KernelMemory(seed: 10);
        const int rows = 301, columns = 331;        // about three tasks, whose borders lie inside rows
        Node a = Numbers([rows, columns], type), b = Numbers([columns, rows], type);
        foreach (int width in KernelMemory.Widths)
        {
            memory.RunTwice(width, rows * columns * 4L, to =>
            {
                Node turned = Ops.Transpose(b);
                Node result = Held(operation switch
                {
                    "add" => Ops.Add(a, turned),
                    "exp" => Ops.Exp(turned),
                    _ => Ops.Less(a, turned),
                });
                Evaluator.Evaluate(result);
                long nBytes = result.Size * result.Type.Size();
                new ReadOnlySpan<byte>(result.Data, (int)nBytes).CopyTo(new Span<byte>((void*)to, (int)nBytes));
            });
        }
    }

    private static void Single<TFormula>(nint x, nint y, int n)
        where TFormula : struct, IFloatUnary =>
            UnaryDriver<SingleUnaryOf<TFormula>, float>.Run((float*)x, (float*)y, n);

    private static void Number<TFormula>(nint x, nint y, int n)
        where TFormula : struct, INumberUnary =>
        UnaryDriver<NumberUnaryOf<TFormula, float>, float>.Run((float*)x, (float*)y, n);

    // −12 … 12, in no order
    private static float Spread(int i, int n) => (float)(24.0 * (i * 29 % Math.Max(n, 1)) / Math.Max(n, 1) - 12);

    private static T Sample<T>(Random random)
        where T : unmanaged, INumber<T>, IMinMaxValue<T> => random.Next(8) switch
        {
            0 => T.MaxValue,
            1 => T.MinValue,
            2 => T.CreateTruncating(float.NaN),
            _ => T.CreateTruncating(random.Next(-100, 101)) / T.CreateTruncating(typeof(T) == typeof(float) ? 4 : 1),
        };

    private static void CheckBinary<TFormula, T>(int width)
        where TFormula : struct, INumberBinary
        where T : unmanaged, INumber<T>, IMinMaxValue<T> => CheckPairs<T>((x, xStride, y, yStride, n) =>
        {
            bool divides = typeof(TFormula) == typeof(DivideFormula) || typeof(TFormula) == typeof(RemainderFormula);
            for (int i = 0; divides && i < n; i++)
                y[i] = y[i] == T.Zero ? T.One : y[i];
            var z = new T[n];
            fixed (T* to = z)
            {
                nint target = (nint)to;
                AtWidth(width, () => BinaryDriver<NumberBinaryOf<TFormula, T>, T>.Run(
                    x, xStride, y, yStride, (T*)target, n));
            }

            for (int i = 0; i < n; i++)
                Assert.Equal(TFormula.Apply(x[i * xStride], y[i * yStride]), z[i]);
        });

    private static void CheckCompare<TFormula, T>(int width)
        where TFormula : struct, INumberCompare
        where T : unmanaged, INumber<T>, IMinMaxValue<T> => CheckPairs<T>((x, xStride, y, yStride, n) =>
        {
            var z = new byte[n];
            fixed (byte* to = z)
            {
                nint target = (nint)to;
                AtWidth(width, () => CompareDriver<NumberCompareOf<TFormula, T>, T>.Run(
                    x, xStride, y, yStride, (byte*)target, n));
            }

            for (int i = 0; i < n; i++)
                Assert.Equal(TFormula.Apply(x[i * xStride], y[i * yStride]) ? 1 : 0, z[i]);
        });

    private delegate void PairCheck<T>(T* x, long xStride, T* y, long yStride, int n)
        where T : unmanaged;

    private static void CheckPairs<T>(PairCheck<T> check)
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        using var memory = new KernelMemory(seed: 1);
        var random = new Random(sizeof(T));
        foreach (int n in (ReadOnlySpan<int>)[1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 70, 131])
        {
            T* x = (T*)memory.Zeros(8L * n), y = (T*)memory.Zeros(8L * n);
            for (int i = 0; i < n; i++)
            {
                x[i] = Sample<T>(random);
                y[i] = random.Next(3) == 0 ? x[i] : Sample<T>(random);
            }

            check(x, 1, y, 1, n);
            check(x, 0, y, 1, n);
            check(x, 1, y, 0, n);
            check(x, 0, y, 0, n);
        }
    }

    private static void AtWidth(int width, Action run)
    {
        int widest = VectorWidth.Max;
        try
        {
            VectorWidth.Max = width;
            run();
        }
        finally
        {
            VectorWidth.Max = widest;
        }
    }

    private static void AssertSame(float expected, float got, string what) =>
        Assert.True(expected.Equals(got), $"{what}: {got:R}, not {expected:R}");

    private static void AssertWithin(double units, double exact, float got, string what)
    {
        float rounded = (float)exact;
        if (!float.IsFinite(rounded) || !float.IsFinite(got))
        {
            AssertSame(rounded, got, what);
            return;
        }

        double unit = MathF.BitIncrement(Math.Abs(rounded)) - Math.Abs(rounded);
        Assert.True(Math.Abs(got - exact) <= Math.Max(units, 0.5) * unit, $"{what}: {got:R}, not {rounded:R}");
    }

    private static float Bf16(float x) => (float)(BFloat16)x;

    internal static Node Held(Node node)
    {
        node.Retain();
        return node;
    }

    /// <summary>Quarters from −8 to 8, exact in every floating dtype, in no order.</summary>
    internal static Node Numbers(int[] shape, mlx_dtype type)
    {
        var x = Node.New(shape, MLX_FLOAT32, Cpu.Buffer.Allocate(shape.Aggregate(4L, static (a, b) => a * b)));
        for (long i = 0; i < x.Size; i++)
            ((float*)x.Data)[i] = (i * 37 % 65 - 32) / 4f;
        Node y = Held(Ops.AsType(Held(x), type));
        Evaluator.Evaluate(y);
        return y;
    }

    /// <summary>The elements of an evaluated node in row-major order.</summary>
    internal static double[] Doubles(Node x)
    {
        var y = new double[x.Size];
        fixed (double* to = y)
            CastKernels.Run(x, to, MLX_FLOAT64);
        return y;
    }
}
