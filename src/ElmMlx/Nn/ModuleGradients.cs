namespace ElmMlx.Nn;

/// <summary>Gradients with respect to parameters of modules.</summary>
public static class ModuleGradients
{
    /// <summary>The values of a function of parameters, and the gradient of the first.</summary>
    /// <param name="parameters">Whose gradients are asked for.</param>
    /// <param name="function">Runs modules that hold the parameters; its first value is a floating-point scalar.</param>
    /// <returns>The values, and one gradient a parameter, of its shape and dtype.</returns>
    public static (MlxArray[] Values, MlxArray[] Gradients) ValueAndGrad(
        IReadOnlyList<Parameter> parameters, Func<MlxArray[]> function) => Transforms.ValueAndGrad(
            watched => With(parameters, watched, function), [.. parameters.Select(parameter => parameter.Value)]);

    /// <summary>
    /// A function of modules that keeps nothing of what it computes on the way (<see cref="Transforms.Checkpoint"/>).
    /// </summary>
    /// <param name="parameters">Whose gradients are asked for.</param>
    /// <param name="function">Runs modules that hold the parameters.</param>
    /// <returns>The function of the other arguments.</returns>
    public static Func<MlxArray[], MlxArray[]> Checkpoint(
        IReadOnlyList<Parameter> parameters, Func<MlxArray[], MlxArray[]> function) => arguments =>
    {
        Func<MlxArray[], MlxArray[]> checkpointed = Transforms.Checkpoint(all => With(
            parameters, all.AsSpan(arguments.Length), () => function(all[..arguments.Length])));
        return checkpointed([.. arguments, .. parameters.Select(parameter => parameter.Value)]);
    };

    /// <summary>Puts other arrays into the parameters for as long as the function runs.</summary>
    internal static MlxArray[] With(
        IReadOnlyList<Parameter> parameters, ReadOnlySpan<MlxArray> values, Func<MlxArray[]> function)
    {
        MlxArray[] former = [.. parameters.Select(parameter => parameter.Value)];
        try
        {
            for (int i = 0; i < former.Length; i++)
                parameters[i].Value = values[i];
            return function();
        }
        finally
        {
            for (int i = 0; i < former.Length; i++)
                parameters[i].Value = former[i];
        }
    }
}
