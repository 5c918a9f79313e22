namespace ElmMlx.Generation;

/// <summary>Why generation ended.</summary>
public enum FinishReason
{
    /// <summary>A token or a text that ends generation came.</summary>
    Stop,

    /// <summary>The number of tokens asked for is reached.</summary>
    Length,
}
