namespace ElmMlx.Nn;

/// <summary>
/// Elman's recurrent layer, <c>hₜ₊₁ = tanh(Wxh · xₜ + Whh · hₜ + b)</c>, as mlx.nn.RNN.
/// </summary>
public sealed class Rnn : Module
{
    private readonly Parameter _wxh;
    private readonly Parameter _whh;
    private readonly Parameter? _bias;
    private readonly Func<MlxArray, MlxArray> _nonlinearity;

    /// <summary>
    /// A new layer; <c>Wxh</c> [H, D], <c>Whh</c> [H, H] and <c>bias</c> [H] are drawn evenly from ±1 / √H.
    /// </summary>
    /// <param name="inputSize">D.</param>
    /// <param name="hiddenSize">H.</param>
    /// <param name="bias">Whether there is a b.</param>
    /// <param name="nonlinearity">Instead of tanh.</param>
    public Rnn(int inputSize, int hiddenSize, bool bias = true, Func<MlxArray, MlxArray>? nonlinearity = null)
    {
        double limit = 1 / Math.Sqrt(hiddenSize);
        _wxh = AddParameter("Wxh", Draw.Even(limit, hiddenSize, inputSize));
        _whh = AddParameter("Whh", Draw.Even(limit, hiddenSize, hiddenSize));
        _bias = bias ? AddParameter("bias", Draw.Even(limit, hiddenSize)) : null;
        _nonlinearity = nonlinearity ?? Activations.Tanh;
    }

    /// <summary>The hidden state after each element of a sequence.</summary>
    /// <param name="x">[…, L, D].</param>
    /// <param name="hidden">The state before the first, […, H]; none: zero.</param>
    /// <returns>[…, L, H].</returns>
    public MlxArray Forward(MlxArray x, MlxArray? hidden = null)
    {
        MlxArray inputs = Recurrence.Project(x, _wxh, _bias);                                      // […, L, H]
        MlxArray whh = _whh.Transposed;
        var all = new MlxArray[x.Dim(-2)];
        for (int t = 0; t < all.Length; t++)
        {
            MlxArray input = Recurrence.At(inputs, t);
            all[t] = hidden = _nonlinearity(hidden is null ? input : input.AddMm(hidden, whh));
        }
        return MlxArray.Stack(all, -2);
    }
}
