using ElmMlx.Weights;

namespace ElmMlx.Checkpoints;

/// <summary>What to convert into what. The defaults keep every number as it is.</summary>
public sealed record ConvertOptions
{
    /// <summary>A CoreNet checkpoint (<c>.pt</c>), or a model folder of either layout.</summary>
    public required string Input { get; init; }

    /// <summary>The folder to write, or the file when the target is a checkpoint.</summary>
    public required string Output { get; init; }

    /// <summary>The form of the output.</summary>
    public ConvertTarget Target { get; init; }

    /// <summary>CoreNet's training configuration of a checkpoint.</summary>
    public string? ConfigYaml { get; init; }

    /// <summary>A JSON file that describes a model whose name CoreNet does not know.</summary>
    public string? Architecture { get; init; }

    /// <summary>A tokenizer's file, or a folder that has one; otherwise one beside the input is taken.</summary>
    public string? TokenizerPath { get; init; }

    /// <summary>Which weights of a training checkpoint to take.</summary>
    public WeightsChoice Weights { get; init; }

    /// <summary>
    /// An adapter to merge: mlx-lm's folder (whole weights included), PEFT's, or a CoreNet checkpoint with adapters.
    /// </summary>
    public string? Adapter { get; init; }

    /// <summary>
    /// What becomes of quantised matrices that the adapter is merged into, without <see cref="Dequantize"/>.
    /// </summary>
    public PackedMerge PackedMerge { get; init; }

    /// <summary>Writes adapters into <c>adapters/</c> in the output instead of merging them.</summary>
    public bool KeepAdapter { get; init; }

    /// <summary>The floating type to write; null keeps the input's.</summary>
    public TensorType? Type { get; init; }

    /// <summary>Lets numbers that float16 cannot hold become infinite.</summary>
    public bool AllowOverflow { get; init; }

    /// <summary>Whether to quantise.</summary>
    public bool Quantize { get; init; }

    /// <summary>Bits an element; null is the mode's default, 4 for affine.</summary>
    public int? QuantizationBits { get; init; }

    /// <summary>Elements that share a scale; null is the mode's default, 64 for affine.</summary>
    public int? QuantizationGroupSize { get; init; }

    /// <summary><c>affine</c>, <c>mxfp4</c>, <c>mxfp8</c> or <c>nvfp4</c>.</summary>
    public string QuantizationMode { get; init; } = "affine";

    /// <summary>A mixed recipe, such as <c>mixed_4_6</c>: more bits where they matter most.</summary>
    public string? QuantizationRecipe { get; init; }

    /// <summary>Whether to turn quantised matrices back into floating ones.</summary>
    public bool Dequantize { get; init; }

    /// <summary>Leaves out the vocabulary's padding rows.</summary>
    public bool TrimVocabulary { get; init; }

    /// <summary>Rows of the vocabulary to write: fewer are cut, more are filled with zeros. Null keeps them.</summary>
    public int? VocabularySize { get; init; }

    /// <summary>Whether an output that exists is replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether to run both ends on a short input afterwards.</summary>
    public bool Verify { get; init; }

    /// <summary>Most bytes in one file of weights.</summary>
    public long ShardBytes { get; init; } = WeightFilesWriter.DefaultShardBytes;
}
