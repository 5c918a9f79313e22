namespace ElmMlx.Bindings;

/// <summary>Where a libmlxc was found, in the order of search.</summary>
public enum MlxLibraryOrigin
{
    /// <summary>The caller, or <c>ELMMLX_MLXC</c>, named it.</summary>
    Named,

    /// <summary>Beside the application.</summary>
    Application,

    /// <summary>Homebrew's prefix.</summary>
    Homebrew,

    /// <summary>The system's library path.</summary>
    System,
}
