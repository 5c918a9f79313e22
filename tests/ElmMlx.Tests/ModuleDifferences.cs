using ElmMlx.Nn;

namespace ElmMlx.Tests;

/// <summary>
/// The gradient of S = Σ weights · f(inputs) of a module, with respect to its parameters and the inputs, against
/// central differences of S along random directions.
/// </summary>
internal sealed class ModuleDifferences
{
    // A small step suits what is exact and has kinks, larger ones what is smooth and computed to float32's precision.
    private static readonly (double Step, double Tolerance)[] Steps = [(1e-6, 1e-5), (1e-3, 5e-3), (4e-3, 5e-3)];

    private readonly Parameter[] _parameters;
    private readonly Func<MlxArray[], MlxArray[]> _function;
    private readonly MlxArray[] _inputs;
    private readonly int[] _floating;

    /// <param name="module">The module; null for a function without one.</param>
    /// <param name="function">From inputs to values; runs the module.</param>
    /// <param name="inputs">Of any dtypes; floating ones get gradients.</param>
    public ModuleDifferences(Module? module, Func<MlxArray[], MlxArray[]> function, MlxArray[] inputs)
    {
        _parameters = module is null ? [] : [.. module.TrainableParameters().Select(entry => entry.Parameter)];
        (_function, _inputs) = (function, inputs);
        _floating = [.. Enumerable.Range(0, inputs.Length).Where(i => inputs[i].DType.IsFloating())];
    }

    /// <summary>What is wrong with the gradient; null when nothing is.</summary>
    public string? Problem(int seed)
    {
        var random = new Random(seed);
        MlxArray Drawn(MlxArray like) => MlxArray.From<double>(
            [.. Enumerable.Range(0, (int)like.Size).Select(_ => random.NextDouble() * 2 - 1)],
            like.Shape).AsType(like.DType);
        MlxArray[] weights = [.. _function(_inputs).Select(value => Drawn(value))];
        MlxArray[] at = [.. _parameters.Select(parameter => parameter.Value), .. _floating.Select(i => _inputs[i])];
        MlxArray[] gradients = Transforms.Grad(x => Sum(x, weights), at);
        for (int turn = 0; turn < 4; turn++)
        {
            MlxArray[] along = [.. at.Select(Drawn)];
            double got = gradients.Zip(along, (gradient, direction) => Number((gradient * direction).Sum())).Sum();
            double Moved(double step) =>
                Number(Sum([.. at.Zip(along, (x, direction) => x + direction * step)], weights));
            double[] wanted = [.. Steps.Select(each => (Moved(each.Step) - Moved(-each.Step)) / (2 * each.Step))];
            if (!Steps.Zip(wanted)
                .Any(each => Math.Abs(got - each.Second) <= each.First.Tolerance * (1 + Math.Abs(each.Second))))
                return $"the slope is {got:g12}, and {string.Join(" or ", wanted)} by differences";
        }
        return null;
    }

    private static double Number(MlxArray scalar) => scalar.AsType(DType.Float64).Item<double>();

    private MlxArray Sum(MlxArray[] at, MlxArray[] weights)
    {
        MlxArray[] former = [.. _parameters.Select(parameter => parameter.Value)];
        MlxArray[] inputs = [.. _inputs];
        for (int i = 0; i < _floating.Length; i++)
            inputs[_floating[i]] = at[_parameters.Length + i];
        for (int i = 0; i < former.Length; i++)
            _parameters[i].Value = at[i];
        MlxArray[] values = _function(inputs);
        for (int i = 0; i < former.Length; i++)
            _parameters[i].Value = former[i];
        return values.Zip(weights, (value, weight) => (value * weight).Sum()).Aggregate((a, b) => a + b);
    }
}
