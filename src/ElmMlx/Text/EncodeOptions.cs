namespace ElmMlx.Text;

/// <summary>
/// CoreNet's options of encoding. Its <c>enable_nfc_normalization</c> does more than NFC; this is NFC only.
/// </summary>
public sealed record EncodeOptions
{
    /// <summary>Puts BOS (CoreNet: sot) first.</summary>
    public bool AddBos { get; init; }

    /// <summary>Puts EOS (CoreNet: eot) last.</summary>
    public bool AddEos { get; init; }

    /// <summary>Composes the text canonically (Unicode's NFC) before encoding.</summary>
    public bool NormalizeNfc { get; init; }
}
