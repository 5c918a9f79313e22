using ElmMlx.Nn;

namespace ElmMlx.OpenElm;

/// <summary>
/// <c>proj_2(activation(a) · b)</c> with <c>[a, b] = proj_1(x)</c>; without GLU
/// <c>proj_2(activation(proj_1(x)))</c>.
/// </summary>
public sealed class FeedForward : Module
{
    private readonly bool _gated;
    private readonly OpenElmActivation _activation;
    private readonly Child<LinearLayer> _first;
    private readonly Child<LinearLayer> _second;

    internal FeedForward(OpenElmConfig config, int layer, ModelWeights weights)
    {
        _gated = config.FeedForwardWithGlu;
        _activation = config.Activation;
        _first = AddChild("proj_1", weights.Linear($"layers.{layer}.ffn.proj_1"));
        _second = AddChild("proj_2", weights.Linear($"layers.{layer}.ffn.proj_2"));
    }

    /// <summary>Each token for itself.</summary>
    /// <param name="x">[B, L, D].</param>
    /// <returns>[B, L, D].</returns>
    public MlxArray Forward(MlxArray x)
    {
        MlxArray hidden = _first.Module.Forward(x);
        if (!_gated)
            return _second.Module.Forward(Activate(hidden));
        (MlxArray gate, MlxArray up) = hidden.Halves(-1);
        return _second.Module.Forward(Activate(gate) * up);
    }

    private MlxArray Activate(MlxArray x) => _activation switch
    {
        OpenElmActivation.Swish => x * x.Sigmoid(),
        OpenElmActivation.Gelu => x * (1f + (x * (1f / MathF.Sqrt(2f))).Erf()) * 0.5f,
        _ => x.Maximum(0f),
    };
}
