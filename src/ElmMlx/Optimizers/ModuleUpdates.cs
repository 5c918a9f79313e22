using ElmMlx.Nn;

namespace ElmMlx.Optimizers;

/// <summary>An optimizer and a module.</summary>
public static class ModuleUpdates
{
    /// <summary>Gives a module's trainable parameters their new values; nothing is evaluated.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="module">The module.</param>
    /// <param name="gradients">
    /// As <see cref="ModuleGradients.ValueAndGrad(Module, Func{MlxArray})"/> answers them.
    /// </param>
    /// <exception cref="ArgumentException">A gradient does not fit its parameter. Nothing has changed then.</exception>
    public static void Update(this Optimizer optimizer, Module module, IReadOnlyList<MlxArray> gradients) =>
        optimizer.Update([.. module.TrainableParameters()], gradients);
}
