namespace ElmMlx.Cpu.Kernels;

/// <summary>
/// Whether products of at most four rows x with affine weights of four bits round x to bytes, one scale a group of x, and sum
/// integers. Off unless somebody asks for it: products are then those of float32. (Weights of eight bits come from memory no faster than
/// they are multiplied in float32.) <c>elm benchmark --int8-activations</c> reports speed and error.
/// </summary>
public static class Int8Activations
{
    /// <summary>Environment variable that switches it on (1) or off (0).</summary>
    public const string Variable = "ELMMLX_INT8_ACTIVATIONS";

    private static bool? s_isEnabled;

    /// <summary>Whether it is on. At first what the environment says.</summary>
    /// <exception cref="InvalidOperationException">The variable is neither 0 nor 1.</exception>
    public static bool IsEnabled
    {
        get => s_isEnabled ??= Parse(Environment.GetEnvironmentVariable(Variable));
        set => s_isEnabled = value;
    }

    internal static bool Parse(string? variable) => variable switch
    {
        null or "" or "0" => false,
        "1" => true,
        _ => throw new InvalidOperationException($"{Variable} is '{variable}'; it must be 0 or 1, or unset."),
    };
}
