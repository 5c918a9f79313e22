namespace ElmMlx.Bindings;

/// <summary>A libmlxc was found and cannot be used; the message says why and what to do.</summary>
public sealed class MlxLibraryException : Exception
{
    /// <summary>A refusal.</summary>
    public MlxLibraryException(string message)
        : base(message)
    {
    }
}
