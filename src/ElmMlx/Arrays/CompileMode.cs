namespace ElmMlx;

/// <summary>What compiling a function does to its graph.</summary>
public enum CompileMode
{
    /// <summary>Nothing.</summary>
    Disabled,

    /// <summary>It fuses, and simplifies nothing.</summary>
    NoSimplify,

    /// <summary>It simplifies, and fuses nothing.</summary>
    NoFuse,

    /// <summary>It simplifies and fuses.</summary>
    Enabled,
}
