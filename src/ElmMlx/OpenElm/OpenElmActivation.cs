namespace ElmMlx.OpenElm;

/// <summary>The feed-forward activation, by CoreNet's names.</summary>
public enum OpenElmActivation
{
    /// <summary><c>x · σ(x)</c>; also called silu.</summary>
    Swish,

    /// <summary>The exact GELU, with the error function.</summary>
    Gelu,

    /// <summary><c>max(x, 0)</c>.</summary>
    Relu,
}
