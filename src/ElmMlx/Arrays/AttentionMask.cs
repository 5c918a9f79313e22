namespace ElmMlx;

/// <summary>Which keys a query sees.</summary>
public readonly struct AttentionMask
{
    private AttentionMask(bool isCausal, MlxArray? array)
    {
        IsCausal = isCausal;
        Array = array;
    }

    /// <summary>Every query sees all keys.</summary>
    public static AttentionMask None => default;

    /// <summary>A query sees the keys up to its own place; the last query stands at the last key.</summary>
    public static AttentionMask Causal => new(true, null);

    /// <summary>Whether this is <see cref="Causal"/>.</summary>
    public bool IsCausal { get; }

    /// <summary>The mask, if it is an array.</summary>
    public MlxArray? Array { get; }

    /// <summary>Bools (true: seen), or numbers that are added to the scores; it broadcasts to [B, H, L, S].</summary>
    public static AttentionMask Of(MlxArray mask)
    {
        ArgumentNullException.ThrowIfNull(mask);
        return new AttentionMask(false, mask);
    }

    /// <summary>What the last query sees; [.., 1, S] where this is an array [.., L, S].</summary>
    internal AttentionMask OfLastQuery()
    {
        if (Array is not { } mask)
            return None;
        int[] start = new int[mask.Rank], stop = [.. mask.Shape];
        start[^2] = stop[^2] - 1;
        return Of(mask.Slice(start, stop));
    }
}
