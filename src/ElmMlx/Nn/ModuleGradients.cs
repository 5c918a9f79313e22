namespace ElmMlx.Nn;

/// <summary>Gradients with respect to parameters of modules.</summary>
public static class ModuleGradients
{
    /// <summary>The values of a function of parameters, and the gradient of the first.</summary>
    /// <param name="parameters">Whose gradients are asked for.</param>
    /// <param name="function">
    /// Runs modules that hold the parameters; its first value is a floating-point scalar.
    /// </param>
    /// <returns>The values, and one gradient a parameter, of its shape and dtype.</returns>
    public static (MlxArray[] Values, MlxArray[] Gradients) ValueAndGrad(
        IReadOnlyList<Parameter> parameters, Func<MlxArray[]> function) => Transforms.ValueAndGrad(
            watched => With(parameters, watched, function), [.. parameters.Select(parameter => parameter.Value)]);

    /// <summary>The value of a function of a module, and its gradients, as mlx.nn.value_and_grad.</summary>
    /// <param name="module">Whose trainable parameters the gradients are of.</param>
    /// <param name="loss">Runs the module; a floating-point scalar.</param>
    /// <returns>
    /// The value, and a gradient a parameter, in the order of <see cref="Module.TrainableParameters"/>.
    /// </returns>
    public static (MlxArray Loss, MlxArray[] Gradients) ValueAndGrad(Module module, Func<MlxArray> loss)
    {
        (MlxArray[] values, MlxArray[] gradients) = ValueAndGrad(Trainable(module), () => [loss()]);
        return (values[0], gradients);
    }

    /// <summary>
    /// A function of a module that keeps nothing of what it computes on the way, as mlx.nn.utils.checkpoint.
    /// </summary>
    /// <param name="module">Whose trainable parameters get gradients.</param>
    /// <param name="function">Runs the module.</param>
    /// <returns>The function of the other arguments, which get gradients too.</returns>
    public static Func<MlxArray[], MlxArray[]> Checkpoint(Module module, Func<MlxArray[], MlxArray[]> function) =>
        Checkpoint(Trainable(module), function);

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
            // A module may have given one a new array meanwhile: a buffer that it moves.
            for (int i = 0; i < former.Length; i++)
                if (ReferenceEquals(parameters[i].Value, values[i]))
                    parameters[i].Value = former[i];
        }
    }

    private static Parameter[] Trainable(Module module) =>
        [.. module.TrainableParameters().Select(entry => entry.Parameter)];
}
