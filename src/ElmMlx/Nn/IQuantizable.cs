namespace ElmMlx.Nn;

/// <summary>A layer that has a quantised form.</summary>
public interface IQuantizable
{
    /// <summary>The same layer with a quantised matrix. The layer itself stays as it is.</summary>
    /// <param name="groupSize">
    /// Elements of a row that share one scale; null for the mode's own: 64, mxfp4 and mxfp8 32, nvfp4 16.
    /// </param>
    /// <param name="bits">Bits an element; null for the mode's own: 4, mxfp8 8.</param>
    /// <param name="mode">MLX's mode: <c>affine</c>, <c>mxfp4</c>, <c>mxfp8</c> or <c>nvfp4</c>.</param>
    /// <exception cref="MlxException">A row does not divide into groups, or MLX has no such form.</exception>
    Module ToQuantized(int? groupSize = null, int? bits = null, string mode = "affine");
}
