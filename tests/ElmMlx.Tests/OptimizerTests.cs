using ElmMlx.Nn;
using ElmMlx.Optimizers;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>What holds for every optimizer: state, precision, groups, clipping, and what is refused.</summary>
public sealed class OptimizerTests
{
    private static readonly int[] Matrix = [6, 4];

    public static TheoryData<string> Names() => [.. OptimizerFactory.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Saved_state_goes_on_bit_for_bit(string name)
    {
        using var scope = new ArrayScope();
        Parameter weight = Random(Matrix, 1), bias = Random([4], 2);
        using Optimizer optimizer = OptimizerFactory.Create(name, new CosineDecay(0.02, 8));
        for (int i = 0; i < 3; i++)
            Step(optimizer, weight, bias, i);

        Parameter weight2 = new("w", weight.Value.Copy()), bias2 = new("b", bias.Value.Copy());
        var saved = optimizer.State.ToDictionary(
            slot => slot.Key, slot => MlxArray.FromBytes(slot.Value.ToBytes(), slot.Value.DType, slot.Value.Shape));
        for (int i = 3; i < 6; i++)
            Step(optimizer, weight, bias, i);

        using Optimizer other = OptimizerFactory.Create(name, new CosineDecay(0.02, 8));
        other.LoadState(saved);
        foreach (MlxArray array in saved.Values)
            array.Dispose();
        Assert.Equal(3, other.Step);
        for (int i = 3; i < 6; i++)
            Step(other, weight2, bias2, i);
        Assert.Equal(weight.Value.ToBytes(), weight2.Value.ToBytes());
        Assert.Equal(bias.Value.ToBytes(), bias2.Value.ToBytes());
        Assert.Equal(optimizer.State.Keys.Order(), other.State.Keys.Order());
        foreach ((string slot, MlxArray value) in optimizer.State)
            Assert.Equal(value.ToBytes(), other.State[slot].ToBytes());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Callers_arrays_stay_as_they_are_and_former_ones_are_freed(string name)
    {
        using var scope = new ArrayScope();
        Parameter weight = Random(Matrix, 1);
        MlxArray gradient = Random(Matrix, 3).Value, former = weight.Value, alias = former.AsType(DType.Float32);
        float[] before = alias.ToArray<float>(), gradientBefore = gradient.ToArray<float>();
        using Optimizer optimizer = OptimizerFactory.Create(name, 0.1);
        optimizer.Update([("w", weight)], [gradient]);
        string slot = optimizer.State.Keys.First(key => key.StartsWith("w.", StringComparison.Ordinal));
        MlxArray remembered = optimizer.State[slot];
        weight.Value.Eval();
        Assert.NotEqual(before, weight.Value.ToArray<float>());
        Assert.Equal(before, alias.ToArray<float>());
        Assert.Equal(gradientBefore, gradient.ToArray<float>());
        Assert.True(former.IsDisposed);
        optimizer.Update([("w", weight)], [gradient]);
        Assert.Equal(name != "sgd", remembered.IsDisposed); // without momentum SGD's v stays zero
        optimizer.Dispose();
        Assert.True(remembered.IsDisposed);
    }

    // The same in double, one number after the other, in PyTorch's order.
    [Fact]
    public void AdamW_with_bias_correction_is_pytorchs_with_groups_of_its_own_decay()
    {
        const double decay = 0.1, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
        using var scope = new ArrayScope();
        Schedule schedule = new CoreNetSchedule(CoreNetScheduleKind.Cosine, 20, 3e-3, 3e-4, 5, 1e-6);
        using var optimizer = new AdamW(schedule, (beta1, beta2), epsilon, decay, biasCorrection: true)
        {
            Groups = ParameterGroup.NoDecayOfVectors,
        };
        Parameter weight = Random(Matrix, 1), bias = Random([4], 2);
        double[][] p = [
            Doubles(weight), Doubles(bias)], m = [new double[24], new double[4]], v = [new double[24], new double[4]];
        for (int t = 1; t <= 21; t++)
        {
            MlxArray[] gradients = Gradients(t);
            optimizer.Update([("w", weight), ("b", bias)], gradients);
            double rate = schedule.At(t - 1);
            for (int k = 0; k < 2; k++)
            {
                double[] g = [.. gradients[k].Floats().Select(x => (double)x)];
                for (int i = 0; i < g.Length; i++)
                {
                    p[k][i] *= 1 - rate * (k == 0 ? decay : 0);
                    m[k][i] += (g[i] - m[k][i]) * (1 - beta1);
                    v[k][i] = beta2 * v[k][i] + (1 - beta2) * g[i] * g[i];
                    p[k][i] -= rate / (1 - Math.Pow(beta1, t)) * m[k][i]
                        / (Math.Sqrt(v[k][i]) / Math.Sqrt(1 - Math.Pow(beta2, t)) + epsilon);
                }
            }
        }
        GoldenArrays.Close(p[0], weight.Value.Floats(), 2e-6, "matrix");
        GoldenArrays.Close(p[1], bias.Value.Floats(), 2e-6, "vector");
        GoldenArrays.Close(m[0], optimizer.State["w.m"].Floats(), 2e-6, "m");
        GoldenArrays.Close(v[0], optimizer.State["w.v"].Floats(), 2e-6, "v");
    }

    [Fact]
    public void Group_has_its_own_learning_rate()
    {
        using var scope = new ArrayScope();
        using var optimizer = new Sgd(1.0)
        {
            Groups = (path, _) => path == "b" ? new ParameterGroup(LearningRate: new LinearSchedule(0.5, 0, 2)) : null,
        };
        Parameter a = new("a", MlxArray.Zeros([1])), b = new("b", MlxArray.Zeros([1]));
        for (int i = 0; i < 3; i++)
            optimizer.Update([("a", a), ("b", b)], [MlxArray.Ones([1]), MlxArray.Ones([1])]);
        Assert.Equal(-3f, a.Value.Item<float>());
        Assert.Equal(-0.75f, b.Value.Item<float>()); // 0.5 + 0.25 + 0
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Float32_arithmetic_of_bfloat16_parameters_is_that_of_float32_rounded(string name)
    {
        using var scope = new ArrayScope();
        Parameter narrow = new("w", Random(Matrix, 1).Value.AsType(DType.BFloat16));
        Parameter wide = new("w", narrow.Value.AsType(DType.Float32));
        using Optimizer exact = OptimizerFactory.Create(name, 0.01);
        using Optimizer optimizer = OptimizerFactory.Create(name, 0.01);
        optimizer.Precision = OptimizerPrecision.Float32Master;
        for (int i = 0; i < 4; i++)
        {
            MlxArray gradient = Random(Matrix, 50 + i).Value.AsType(DType.BFloat16);
            optimizer.Update([("w", narrow)], [gradient]);
            exact.Update([("w", wide)], [gradient.AsType(DType.Float32)]);
        }
        Assert.Equal(DType.BFloat16, narrow.Value.DType);
        Assert.Equal(wide.Value.AsType(DType.BFloat16).ToBytes(), narrow.Value.ToBytes());
        Assert.Equal(wide.Value.ToBytes(), optimizer.State["w.master"].ToBytes());
        foreach ((string slot, MlxArray value) in exact.State)
            Assert.Equal(value.ToBytes(), optimizer.State[slot].ToBytes());
    }

    [Theory]
    [InlineData(OptimizerPrecision.Gradient, DType.BFloat16, 1f)]
    [InlineData(OptimizerPrecision.Float32, DType.Float32, 1f)] // each step is smaller than the rounding
    [InlineData(OptimizerPrecision.Float32Master, DType.Float32, 0.96875f)]
    public void Steps_below_the_rounding_add_up_only_in_a_master_copy(
        OptimizerPrecision precision, DType type, float result)
    {
        using var scope = new ArrayScope();
        Parameter parameter = new("w", MlxArray.Ones([1], DType.BFloat16));
        using var optimizer = new Sgd(1.0 / 1024, momentum: 1e-9) { Precision = precision };
        for (int i = 0; i < 32; i++)
            optimizer.Update([("w", parameter)], [MlxArray.Ones([1], DType.BFloat16)]);
        Assert.Equal(type, optimizer.State["w.v"].DType);
        Assert.Equal(result, parameter.Value.Item<float>());
        Assert.Equal(precision == OptimizerPrecision.Float32Master, optimizer.State.ContainsKey("w.master"));
    }

    [Fact]
    public void Gradient_in_float32_leaves_a_bfloat16_parameter_bfloat16()
    {
        using var scope = new ArrayScope();
        Parameter parameter = new("w", MlxArray.Ones([2], DType.BFloat16));
        using var optimizer = new Adam(0.5);
        optimizer.Update([("w", parameter)], [MlxArray.Ones([2])]);
        Assert.Equal(DType.BFloat16, parameter.Value.DType);
        Assert.Equal(DType.Float32, optimizer.State["w.m"].DType);
    }

    [Fact]
    public void Muon_takes_kernels_of_more_axes_as_matrices()
    {
        using var scope = new ArrayScope();
        Parameter kernel = Random([6, 2, 2], 1), matrix = new("m", kernel.Value.Reshape(6, 4));
        MlxArray gradient = Random([6, 2, 2], 2).Value;
        using Optimizer a = new Muon(0.1), b = new Muon(0.1);
        a.Update([("k", kernel)], [gradient]);
        b.Update([("m", matrix)], [gradient.Reshape(6, 4)]);
        // The rate grows with the last two axes, as in MLX: 2 by 2 for the kernel, 6 by 4 for the matrix.
        MlxArray start = Random([6, 2, 2], 1).Value.Reshape(6, 4);
        double factor = Math.Sqrt(6.0 / 4);
        GoldenArrays.Close(
            [.. (matrix.Value - start).Floats().Select(x => x / factor)], (kernel.Value.Reshape(6, 4) - start).Floats(),
            1e-6, "step");
    }

    [Fact]
    public void Norm_is_summed_in_float32_and_shows_what_is_not_finite()
    {
        using var scope = new ArrayScope();
        MlxArray many = MlxArray.Ones([2000], DType.BFloat16);
        Assert.Equal(Math.Sqrt(2000), GradientClipping.Norm([many]).Item<float>(), 1e-3);
        (MlxArray[] clipped, MlxArray norm) = GradientClipping.ByGlobalNorm([many, MlxArray.Ones([3])], 1);
        Assert.Equal([DType.BFloat16, DType.Float32], clipped.Select(gradient => gradient.DType));
        Assert.Equal(Math.Sqrt(2003), norm.Item<float>(), 1e-3);
        Assert.Equal(1, GradientClipping.Norm(clipped).Item<float>(), 2e-3);
        MlxArray broken = MlxArray.From<float>([1, float.NaN], 2);
        Assert.True(
            float.IsNaN(GradientClipping.ByGlobalNorm([many, broken], double.PositiveInfinity).Norm.Item<float>()));
        Assert.Equal(0, GradientClipping.Norm([]).Item<float>());
        Assert.Throws<ArgumentException>(() => GradientClipping.ByGlobalNorm([many], 0));
    }

    [Fact]
    public void Norm_of_a_large_matrix_does_not_drift()
    {
        using var scope = new ArrayScope();
        float[] values = [.. Enumerable.Range(0, 1024 * 512).Select(i => 0.5f + i % 7 * 0.1f)];
        double exact = Math.Sqrt(values.Sum(value => (double)value * value));
        Assert.Equal(
            exact, GradientClipping.Norm([MlxArray.From<float>(values, 1024, 512)]).Item<float>(), 1e-6 * exact);
    }

    [Fact]
    public void Gradients_that_do_not_fit_are_refused_before_anything_changes()
    {
        using var scope = new ArrayScope();
        Parameter weight = Random(Matrix, 1), packed = new("q", MlxArray.Zeros([2], DType.UInt32));
        MlxArray gradient = Random(Matrix, 2).Value, value = weight.Value;
        using var optimizer = new Adam(0.1);
        string Refused(IReadOnlyList<(string, Parameter)> parameters, params MlxArray[] gradients) =>
            Assert.Throws<ArgumentException>(() => optimizer.Update(parameters, gradients)).Message;
        Assert.Contains("1 parameters have 0 gradients", Refused([("w", weight)]), StringComparison.Ordinal);
        Assert.Contains("x is [6, 4] float32 and its gradient [4] float32",
            Refused([("w", weight), ("x", weight)], gradient, MlxArray.Ones([4])), StringComparison.Ordinal);
        Assert.Contains("q is [2] uint32", Refused([("q", packed)], MlxArray.Ones([2])), StringComparison.Ordinal);
        optimizer.Groups = (_, _) => new ParameterGroup(WeightDecay: 0.1);
        Assert.Contains("y is to have a weight decay of 0.1, and adam has none", Refused([("y", weight)], gradient),
            StringComparison.Ordinal);
        Assert.Equal(0, optimizer.Step);
        Assert.Same(value, weight.Value);
    }

    [Fact]
    public void State_of_another_optimizer_or_model_is_refused()
    {
        using var scope = new ArrayScope();
        Parameter weight = Random(Matrix, 1);
        MlxArray gradient = Random(Matrix, 2).Value, step = MlxArray.Scalar(3, DType.UInt64);
        MlxArray slot = MlxArray.Zeros(Matrix), small = MlxArray.Zeros([4]);
        using var optimizer = new Adam(0.1);
        string Load(params (string Name, MlxArray Value)[] state) => Assert.Throws<ArgumentException>(
            () =>
            {
                optimizer.LoadState(state.ToDictionary(entry => entry.Name, entry => entry.Value));
                optimizer.Update([("w", weight)], [gradient]);
            }).Message;
        Assert.Contains("no 'step'", Load(("w.m", slot)), StringComparison.Ordinal);
        Assert.Contains("no 'step'", Load(("step", slot)), StringComparison.Ordinal);
        Assert.Contains("'w.u' is not one of adam, which keeps m, v", Load(("step", step), ("w.u", slot)),
            StringComparison.Ordinal);
        Assert.Contains("'loss'", Load(("step", step), ("loss", slot)), StringComparison.Ordinal);
        Assert.Contains("state of w has no v", Load(("step", step), ("w.m", slot)), StringComparison.Ordinal);
        Assert.Contains("w.m is [4], and the parameter needs [6, 4]",
            Load(("step", step), ("w.m", small), ("w.v", slot)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("adam", "beta", 0.9, "the optimizer adam has no option 'beta': it knows betas, eps, bias_correction")]
    [InlineData("adam", "weight_decay", 0.1, "has no option 'weight_decay'")]
    [InlineData("adamw", "betas", 0.9, "betas is 0.9, not a list of two numbers")]
    [InlineData("sgd", "nesterov", true, "nesterov needs a momentum")]
    [InlineData("sgd", "nesterov", "maybe", "nesterov is 'maybe', not true or false")]
    [InlineData("lion", "weight_decay", -1, "weight_decay is -1")]
    [InlineData("adamw", "eps", "1e-8x", "eps is '1e-8x', not a number")]
    [InlineData("muon", "ns_steps", 2.5, "ns_steps is 2.5, not a whole number")]
    [InlineData("adafactor", "relative_step", false, "adafactor needs a learning rate")]
    [InlineData("adafactor", "beta_1", 1, "beta_1 is 1")]
    [InlineData("adamz", "eps", 1, "there is no optimizer 'adamz': use one of adam, adamw, muon, sgd, adafactor")]
    public void Wrong_option_is_refused(string name, string option, object value, string part)
    {
        var options = new Dictionary<string, object?> { [option] = value };
        Schedule? rate = name == "adafactor" ? null : 0.1;
        Assert.Contains(
            part, Assert.Throws<ArgumentException>(() => OptimizerFactory.Create(name, rate, options)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Options_may_be_text_as_configuration_files_have_them()
    {
        using var scope = new ArrayScope();
        Parameter a = Random(Matrix, 1), b = Random(Matrix, 1);
        using Optimizer plain = new AdamW(0.1, (0.8, 0.95), 1e-6, 0.2, biasCorrection: true);
        using Optimizer read = OptimizerFactory.Create("AdamW", 0.1, new Dictionary<string, object?>
        {
            ["betas"] = new List<object?> { "0.8", 0.95 },
            ["eps"] = "1e-6",
            ["weight_decay"] = 0.2,
            ["bias_correction"] = "True",
        });
        MlxArray gradient = Random(Matrix, 2).Value;
        plain.Update([("w", a)], [gradient]);
        read.Update([("w", b)], [gradient]);
        Assert.Equal(a.Value.ToBytes(), b.Value.ToBytes());
        Assert.Equal("adamw", read.Name);
    }

    private static void Step(Optimizer optimizer, Parameter weight, Parameter bias, int i)
    {
        using var scope = new ArrayScope();
        optimizer.Update([("w", weight), ("b", bias)], Gradients(i));
        MlxArray.Eval([weight.Value, bias.Value, .. optimizer.State.Values]);
    }

    private static MlxArray[] Gradients(int i) => [Random(Matrix, 100 + i).Value, Random([4], 200 + i).Value];

    private static double[] Doubles(Parameter parameter) => [.. parameter.Value.Floats().Select(x => (double)x)];

    private static Parameter Random(int[] shape, int seed)
    {
        var random = new Random(seed);
        var values = new float[shape.Aggregate(1, (product, n) => product * n)];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(random.NextDouble() * 2 - 1);
        return new Parameter("p", MlxArray.From<float>(values, shape));
    }
}
