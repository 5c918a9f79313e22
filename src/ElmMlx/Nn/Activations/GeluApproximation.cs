namespace ElmMlx.Nn;

/// <summary>How <see cref="Gelu"/> is computed.</summary>
public enum GeluApproximation
{
    /// <summary>Exactly: <see cref="Activations.Gelu"/>.</summary>
    None,

    /// <summary>With tanh: <see cref="Activations.GeluApprox"/>. MLX says <c>precise</c> or <c>tanh</c>.</summary>
    Precise,

    /// <summary>With a sigmoid: <see cref="Activations.GeluFastApprox"/>.</summary>
    Fast,
}
