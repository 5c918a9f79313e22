namespace ElmMlx.OpenElm;

/// <summary>How one matrix is quantised.</summary>
/// <param name="GroupSize">Elements that share one scale.</param>
/// <param name="Bits">Bits an element.</param>
/// <param name="Mode">MLX's mode: <c>affine</c>, <c>mxfp4</c>, <c>mxfp8</c> or <c>nvfp4</c>.</param>
public sealed record QuantizationSettings(int GroupSize = 64, int Bits = 4, string Mode = "affine");
