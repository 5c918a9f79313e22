namespace ElmMlx.Optimizers;

/// <summary>What an optimizer computes and remembers in, where parameters are bfloat16 or float16.</summary>
public enum OptimizerPrecision
{
    /// <summary>The gradient's type, as MLX does.</summary>
    Gradient,

    /// <summary>float32; only the new parameter is rounded.</summary>
    Float32,

    /// <summary>
    /// float32, with a float32 copy of every parameter in the state (<c>&lt;path&gt;.master</c>): steps smaller
    /// than the parameter's rounding add up instead of being lost.
    /// </summary>
    Float32Master,
}
