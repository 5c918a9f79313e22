using ElmMlx.Nn;

namespace ElmMlx.Tests;

/// <summary>The layers of the golden data, by its names, and how each is called.</summary>
internal static class NnLayers
{
    private static readonly Dictionary<string, Func<Module>> All = new(StringComparer.Ordinal)
    {
        ["Linear"] = () => new Linear(7, 4),
        ["Linear, no bias"] = () => new Linear(7, 4, bias: false),
        ["Bilinear"] = () => new Bilinear(3, 4, 5),
        ["Bilinear, no bias"] = () => new Bilinear(3, 4, 5, bias: false),
        ["Embedding"] = () => new Embedding(9, 4),
        ["Identity"] = () => new Identity(),
        ["Sequential"] = () => new Sequential(new Linear(7, 5), new Relu(), new Linear(5, 2), new Tanh()),
        ["LayerNorm"] = () => new LayerNorm(7),
        ["LayerNorm, no bias"] = () => new LayerNorm(7, bias: false),
        ["LayerNorm, not affine"] = () => new LayerNorm(7, affine: false),
        ["LayerNorm, eps"] = () => new LayerNorm(7, eps: 0.5f),
        ["RMSNorm"] = () => new RmsNorm(7),
        ["InstanceNorm"] = () => new InstanceNorm(6),
        ["InstanceNorm, affine"] = () => new InstanceNorm(6, affine: true, eps: 0.1f),
        ["GroupNorm"] = () => new GroupNorm(3, 6),
        ["GroupNorm, pytorch"] = () => new GroupNorm(3, 6, pytorchCompatible: true),
        ["GroupNorm, not affine"] = () => new GroupNorm(3, 6, affine: false),
        ["GroupNorm, eps pytorch"] = () => new GroupNorm(3, 6, eps: 0.5f, pytorchCompatible: true),
        ["BatchNorm"] = () => new BatchNorm(6),
        ["BatchNorm, 3"] = () => new BatchNorm(6),
        ["BatchNorm, 4"] = () => new BatchNorm(6, momentum: 0.4f, eps: 0.1f),
        ["BatchNorm, not affine"] = () => new BatchNorm(6, affine: false),
        ["BatchNorm, no stats"] = () => new BatchNorm(6, trackRunningStats: false),
        ["Conv1d"] = () => new Conv1d(4, 6, 3),
        ["Conv1d, options"] = () => new Conv1d(4, 6, 3, stride: 2, padding: 3, dilation: 2, groups: 2, bias: false),
        ["Conv2d"] = () => new Conv2d(4, 6, 3),
        ["Conv2d, options"] = () => new Conv2d(4, 6, (3, 2), (2, 1), (1, 2), (1, 2), groups: 2),
        ["Conv3d"] = () => new Conv3d(2, 3, 2),
        ["Conv3d, options"] = () => new Conv3d(2, 3, (2, 3, 1), stride: (1, 2, 2), padding: (1, 1, 0), bias: false),
        ["ConvTranspose1d"] = () => new ConvTranspose1d(4, 3, 3),
        ["ConvTranspose1d, options"] = () => new ConvTranspose1d(
            4, 3, 3, stride: 2, padding: 1, dilation: 2, outputPadding: 1, bias: false),
        ["ConvTranspose2d"] = () => new ConvTranspose2d(4, 3, 3),
        ["ConvTranspose2d, options"] = () => new ConvTranspose2d(4, 3, (3, 2), (2, 3), (1, 0), outputPadding: (1, 2)),
        ["ConvTranspose3d"] = () => new ConvTranspose3d(2, 3, 2),
        ["ConvTranspose3d, options"] = () => new ConvTranspose3d(
            2, 3, (2, 3, 1), (1, 2, 2), (1, 1, 0), outputPadding: (0, 1, 1)),
        ["MaxPool1d"] = () => new MaxPool1d(3),
        ["MaxPool1d, options"] = () => new MaxPool1d(4, 3, 2),
        ["MaxPool2d"] = () => new MaxPool2d(2),
        ["MaxPool2d, options"] = () => new MaxPool2d((3, 2), (2, 1), (1, 0)),
        ["MaxPool3d"] = () => new MaxPool3d(2),
        ["MaxPool3d, options"] = () => new MaxPool3d((2, 3, 1), (1, 2, 3), (1, 1, 0)),
        ["AvgPool1d"] = () => new AvgPool1d(3),
        ["AvgPool1d, options"] = () => new AvgPool1d(4, 3, 2),
        ["AvgPool2d"] = () => new AvgPool2d(2),
        ["AvgPool2d, options"] = () => new AvgPool2d((3, 2), (2, 1), (1, 0)),
        ["AvgPool3d"] = () => new AvgPool3d(2),
        ["AvgPool3d, options"] = () => new AvgPool3d((2, 3, 1), (1, 2, 3), (1, 1, 0)),
        ["ReLU"] = () => new Relu(),
        ["ReLU2"] = () => new Relu2(),
        ["ReLU6"] = () => new Relu6(),
        ["LeakyReLU"] = () => new LeakyRelu(),
        ["LeakyReLU, 0.3"] = () => new LeakyRelu(0.3),
        ["PReLU"] = () => new PRelu(),
        ["PReLU, 31"] = () => new PRelu(31, 0.1),
        ["ELU"] = () => new Elu(),
        ["ELU, 0.7"] = () => new Elu(0.7),
        ["SELU"] = () => new Selu(),
        ["CELU"] = () => new Celu(),
        ["CELU, 0.7"] = () => new Celu(0.7),
        ["Sigmoid"] = () => new Sigmoid(),
        ["LogSigmoid"] = () => new LogSigmoid(),
        ["SiLU"] = () => new Silu(),
        ["GELU"] = () => new Gelu(),
        ["GELU, precise"] = () => new Gelu(GeluApproximation.Precise),
        ["GELU, fast"] = () => new Gelu(GeluApproximation.Fast),
        ["Mish"] = () => new Mish(),
        ["Hardswish"] = () => new HardSwish(),
        ["Softplus"] = () => new Softplus(),
        ["Softsign"] = () => new Softsign(),
        ["Softshrink"] = () => new Softshrink(),
        ["Softshrink, 0.2"] = () => new Softshrink(0.2),
        ["HardShrink"] = () => new HardShrink(),
        ["Tanh"] = () => new Tanh(),
        ["HardTanh"] = () => new HardTanh(),
        ["Softmax"] = () => new Softmax(),
        ["Softmin"] = () => new Softmin(),
        ["LogSoftmax"] = () => new LogSoftmax(),
        ["Step"] = () => new Step(),
        ["Step, 0.5"] = () => new Step(0.5),
        ["GLU"] = () => new Glu(),
        ["GLU, 0"] = () => new Glu(0),
        ["RNN"] = () => new Rnn(3, 4),
        ["RNN, no bias"] = () => new Rnn(3, 4, bias: false),
        ["RNN, relu"] = () => new Rnn(3, 4, nonlinearity: Activations.Relu),
        ["GRU"] = () => new Gru(3, 4),
        ["GRU, no bias"] = () => new Gru(3, 4, bias: false),
        ["LSTM"] = () => new Lstm(3, 4),
        ["LSTM, no bias"] = () => new Lstm(3, 4, bias: false),
        ["RoPE"] = () => new Rope(8),
        ["RoPE, options"] = () => new Rope(6, traditional: true, @base: 100, scale: 0.5f),
        ["SinusoidalPositionalEncoding"] = () => new SinusoidalPositionalEncoding(8),
        ["SinusoidalPositionalEncoding, options"] = () => new SinusoidalPositionalEncoding(
            8, minFreq: 0.01, maxFreq: 0.5, scale: 3, cosFirst: true, fullTurns: true),
        ["ALiBi"] = () => new Alibi(),
        ["ALiBi, 6 heads"] = () => new Alibi(),
        ["MultiHeadAttention"] = () => new MultiHeadAttention(8, 2),
        ["MultiHeadAttention, options"] = () => new MultiHeadAttention(
            8, 2, queryInputDims: 6, keyInputDims: 5, valueInputDims: 3, valueDims: 4, valueOutputDims: 7, bias: true),
        ["MultiHeadAttention, causal"] = () => new MultiHeadAttention(8, 4),
        ["TransformerEncoder"] = () => new TransformerEncoder(2, 8, 2),
        ["TransformerEncoder, norm last"] = () => new TransformerEncoder(
            2, 8, 2, activation: Activations.Silu, normFirst: false),
        ["TransformerDecoder"] = () => new TransformerDecoder(2, 8, 2, mlpDims: 12, activation: Activations.Gelu),
        ["TransformerDecoder, norm last"] = () => new TransformerDecoder(
            2, 8, 2, mlpDims: 12, activation: Activations.Gelu, normFirst: false),
        ["Transformer"] = () => new Transformer(8, 2, 1, 2, 16),
        ["Upsample 2, linear, (3, 1.5)"] = () => new Upsample([3, 1.5], UpsampleMode.Linear),
        ["Upsample 2, nearest, (3, 1.5)"] = () => new Upsample([3, 1.5]),
    };

    /// <summary>Whether a case is a layer's.</summary>
    public static bool Has(string name) => Find(name) is not null;

    /// <summary>A new layer.</summary>
    public static Module New(string name) => Find(name)!();

    /// <summary>The layer's results, as the golden data calls it.</summary>
    public static MlxArray[] Call(string name, Module module, MlxArray[] x)
    {
        MlxArray? Second() => x.ElementAtOrDefault(1);
        switch (module)
        {
            case Rope rope:
                return [rope.Forward(x[0], name == "RoPE" ? 0 : 4)];
            case UnaryLayer layer:
                return [layer.Forward(x[0])];
            case Bilinear bilinear:
                return [bilinear.Forward(x[0], x[1])];
            case Rnn rnn:
                return [rnn.Forward(x[0], Second())];
            case Gru gru:
                return [gru.Forward(x[0], Second())];
            case Lstm lstm:
                (MlxArray hidden, MlxArray cell) = lstm.Forward(x[0], Second(), x.ElementAtOrDefault(2));
                return [hidden, cell];
            case Alibi alibi:
                return [alibi.Forward(x[0], name == "ALiBi" ? 0 : 2, Second())];
            case MultiHeadAttention attention:
                return [attention.Forward(x[0], x[1], x[2], x.Length > 3 ? AttentionMask.Of(x[3]) : default)];
            case TransformerEncoder encoder:
                return [encoder.Forward(x[0], AttentionMask.Causal)];
            case TransformerDecoder decoder:
                return [decoder.Forward(x[0], x[1], AttentionMask.Causal)];
            case Transformer transformer:
                return [transformer.Forward(x[0], x[1], targetMask: AttentionMask.Causal)];
            default:
                throw new ArgumentException($"nobody said how {name} is called");
        }
    }

    // "GRU, state no bias" is a GRU without bias, "BatchNorm, training" a BatchNorm.
    private static Func<Module>? Find(string name)
    {
        if (name.StartsWith("Upsample", StringComparison.Ordinal) && !All.ContainsKey(name))
            return () => NewUpsample(name.Split(", "));
        string layer = name.Replace(", training", "").Replace(", state no bias", ", no bias").Replace(", state", "")
            .Replace(", one", "");
        return All.GetValueOrDefault(layer);
    }

    // Upsample 2, linear, 1.7, corners
    private static Upsample NewUpsample(string[] words) => new(
        double.Parse(words[2]), Enum.Parse<UpsampleMode>(words[1], ignoreCase: true), alignCorners: words.Length > 3);
}
