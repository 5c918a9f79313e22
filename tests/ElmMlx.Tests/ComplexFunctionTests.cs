using System.Numerics;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Functions of complex64 at their branch cuts, at infinity and at 0, as C's Annex G has them.</summary>
public class ComplexFunctionTests
{
    private const float Infinity = float.PositiveInfinity;

    private static readonly Dictionary<string, Func<MlxArray, MlxArray>> Functions = new()
    {
        ["exp"] = x => x.Exp(),
        ["sinh"] = x => x.Sinh(),
        ["cosh"] = x => x.Cosh(),
        ["tanh"] = x => x.Tanh(),
        ["arcsin"] = x => x.ArcSin(),
        ["arccos"] = x => x.ArcCos(),
        ["arctan"] = x => x.ArcTan(),
        ["arcsinh"] = x => x.ArcSinh(),
        ["arccosh"] = x => x.ArcCosh(),
        ["arctanh"] = x => x.ArcTanh(),
        ["log10"] = x => x.Log10(),
        ["reciprocal"] = x => x.Reciprocal(),
    };

    /// <summary>A function, z, and what it is.</summary>
    public static TheoryData<string, float, float, float, float> Values => new()
    {
        { "cosh", 1000, 0, Infinity, 0 },       // sinh 1000 · sin 0 is 0, not ∞ · 0
        { "cosh", -1000, 1, Infinity, -Infinity },
        { "sinh", 1000, 0, Infinity, 0 },
        { "tanh", Infinity, 1, 1, 0 },
        { "exp", 1000, 0, Infinity, 0 },
        { "exp", -Infinity, Infinity, 0, 0 },
        { "log10", 0, 0, -Infinity, 0 },
        { "arcsin", -3, 0f, -MathF.PI / 2, 1.7627472f },
        { "arcsin", -3, -0f, -MathF.PI / 2, -1.7627472f },
        { "arccos", 2, 0f, 0, -1.3169579f },
        { "arccos", 2, -0f, 0, 1.3169579f },
        { "arctan", 0, 3, MathF.PI / 2, 0.34657359f },
        { "arctan", -0f, -3, -MathF.PI / 2, -0.34657359f },
        { "arctan", Infinity, 1, MathF.PI / 2, 0 },
        { "arcsinh", 0, 3, 1.7627472f, MathF.PI / 2 },
        { "arccosh", -3, 0f, 1.7627472f, MathF.PI },
        { "arccosh", -3, -0f, 1.7627472f, -MathF.PI },
        { "arctanh", 3, 0f, 0.34657359f, MathF.PI / 2 },
        { "arctanh", 3, -0f, 0.34657359f, -MathF.PI / 2 },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void Branch_cuts_and_infinities_are_those_of_Annex_G(
        string function, float real, float imaginary, float wantedReal, float wantedImaginary)
    {
        MlxArray z = MlxArray.From([new ComplexSingle(real, imaginary)]);
        ComplexSingle value = Functions[function](z).ToArray<ComplexSingle>()[0];
        AssertClose(wantedReal, value.Real);
        AssertClose(wantedImaginary, value.Imaginary);
    }

    // sinh w = (eʷ − e⁻ʷ) / 2, cosh w = (eʷ + e⁻ʷ) / 2: the inverses lead back
    [Fact]
    public void Inverse_hyperbolic_functions_lead_back()
    {
        Complex[] z = [new(0.5, 1), new(-2, 0.25), new(3, -0.5), new(-0.1, -4)];
        MlxArray x = MlxArray.From([.. z.Select(number => (ComplexSingle)number)]);
        Complex[] sinh = Read(x.ArcSinh()), cosh = Read(x.ArcCosh()), tanh = Read(x.ArcTanh());
        for (int i = 0; i < z.Length; i++)
        {
            Assert.Equal(0, Complex.Abs(Complex.Sinh(sinh[i]) - z[i]), 1e-5);
            Assert.Equal(0, Complex.Abs(Complex.Cosh(cosh[i]) - z[i]), 1e-5);
            Assert.Equal(0, Complex.Abs(Complex.Tanh(tanh[i]) - z[i]), 1e-5);
            Assert.True(cosh[i].Real >= 0);
        }
    }

    // By real parts, then by imaginary ones; log(eᵃ + eᵇ) in double precision
    [Fact]
    public void Records_and_running_logarithms_of_sums()
    {
        Complex[] z = [new(0.5, 1), new(-2, 0.25), new(0.5, 2), new(-2, -1)];
        MlxArray x = MlxArray.From([.. z.Select(number => (ComplexSingle)number)]);
        Assert.Equal([z[0], z[0], z[2], z[2]], Read(x.CumMax()));
        Assert.Equal([z[0], z[1], z[1], z[3]], Read(x.CumMin()));
        Complex[] sums = Read(x.LogCumSumExp());
        Complex sum = Complex.Zero;
        for (int i = 0; i < z.Length; i++)
        {
            sum += Complex.Exp(z[i]);
            Assert.Equal(0, Complex.Abs(Complex.Exp(sums[i]) - sum), 1e-5);
        }
    }

    [Fact]
    public void A_minimum_passes_over_all_NaN_but_a_first_one()
    {
        Assert.Equal([2f, 2, 1], MlxArray.From([2f, float.NaN, 1]).CumMin().ToArray<float>());
        Assert.Equal([float.NaN, float.NaN], MlxArray.From([float.NaN, 1]).CumMin().ToArray<float>());
    }

    [Fact]
    public void Maxima_and_minima_written_into_a_slice_keep_NaN()
    {
        MlxArray x = MlxArray.From([float.NaN, 1, 2]), update = MlxArray.From([5f, float.NaN]);
        Assert.Equal([float.NaN, float.NaN, 2], x.SliceUpdateMax(update, [0], [2]).ToArray<float>());
        Assert.Equal([float.NaN, float.NaN, 2], x.SliceUpdateMin(update, [0], [2]).ToArray<float>());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(-3)]
    public void Diagonals_have_tangents_empty_ones_too(int offset)
    {
        MlxArray x = MlxArray.Arange(6).AsType(DType.Float32).Reshape(2, 3);
        (_, MlxArray[] tangents) = Transforms.Jvp(inputs => [inputs[0].Diagonal(offset)], [x], [x]);
        Assert.Equal(x.Diagonal(offset).ToArray<float>(), tangents[0].ToArray<float>());
    }

    [Fact]
    public void Tangents_of_diagonals_of_empty_arrays_are_empty()
    {
        MlxArray x = MlxArray.Zeros([3, 0]);
        (_, MlxArray[] tangents) = Transforms.Jvp(inputs => [inputs[0].Diagonal()], [x], [x]);
        Assert.Equal([0], tangents[0].Shape);
    }

    private static Complex[] Read(MlxArray array) => [.. array.ToArray<ComplexSingle>().Select(z => (Complex)z)];

    private static void AssertClose(float wanted, float value)
    {
        if (float.IsFinite(wanted))
            Assert.InRange(value, wanted - 1e-6f * (1 + MathF.Abs(wanted)), wanted + 1e-6f * (1 + MathF.Abs(wanted)));
        else
            Assert.Equal(wanted, value);
    }
}
