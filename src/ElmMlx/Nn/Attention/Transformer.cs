namespace ElmMlx.Nn;

/// <summary>
/// An <c>encoder</c> and a <c>decoder</c> that sees what it answers, as mlx.nn.Transformer (Vaswani et al. 2017,
/// arXiv:1706.03762).
/// </summary>
public sealed class Transformer : Module
{
    private readonly Child<TransformerEncoder> _encoder;
    private readonly Child<TransformerDecoder> _decoder;

    /// <summary>A transformer of the given parts, which it owns.</summary>
    public Transformer(TransformerEncoder encoder, TransformerDecoder decoder)
    {
        _encoder = AddChild("encoder", encoder);
        _decoder = AddChild("decoder", decoder);
    }

    /// <summary>A new transformer.</summary>
    /// <param name="dims">Width, D.</param>
    /// <param name="numHeads">Number of heads.</param>
    /// <param name="numEncoderLayers">Number of the encoder's blocks.</param>
    /// <param name="numDecoderLayers">Number of the decoder's blocks.</param>
    /// <param name="mlpDims">Width between a block's linear layers; 4 · D unless told.</param>
    /// <param name="dropout">Probability of dropout after attentions and activations.</param>
    /// <param name="activation">Between the linear layers; <see cref="Activations.Relu"/> unless told.</param>
    /// <param name="normFirst">Whether norms stand before the parts of a block; else behind the residuals.</param>
    /// <param name="checkpoint">Whether blocks are computed again for their gradients.</param>
    public Transformer(
        int dims = 512, int numHeads = 8, int numEncoderLayers = 6, int numDecoderLayers = 6, int? mlpDims = null,
        double dropout = 0, Func<MlxArray, MlxArray>? activation = null, bool normFirst = true, bool checkpoint = false)
        : this(
            new TransformerEncoder(
                numEncoderLayers, dims, numHeads, mlpDims, dropout, activation, normFirst, checkpoint),
            new TransformerDecoder(
                numDecoderLayers, dims, numHeads, mlpDims, dropout, activation, normFirst, checkpoint))
    {
    }

    /// <summary>Each element of the target, knowing the others and the source.</summary>
    /// <param name="source">[B, S, D].</param>
    /// <param name="target">[B, L, D].</param>
    /// <param name="sourceMask">Which elements of the source the source sees.</param>
    /// <param name="targetMask">Which elements of the target the target sees.</param>
    /// <param name="memoryMask">Which elements of the source the target sees.</param>
    /// <returns>[B, L, D].</returns>
    public MlxArray Forward(
        MlxArray source, MlxArray target, AttentionMask sourceMask = default, AttentionMask targetMask = default,
        AttentionMask memoryMask = default) =>
        _decoder.Module.Forward(target, _encoder.Module.Forward(source, sourceMask), targetMask, memoryMask);
}
