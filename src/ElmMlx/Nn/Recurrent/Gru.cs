namespace ElmMlx.Nn;

/// <summary>
/// A gated recurrent unit, as mlx.nn.GRU (Cho et al. 2014, arXiv:1406.1078, with the reset gate after the product):
/// <c>r = σ(Wxr · x + Whr · h + br)</c>, <c>z = σ(Wxz · x + Whz · h + bz)</c>,
/// <c>n = tanh(Wxn · x + bn + r ⊙ (Whn · h + bhn))</c>, <c>h' = (1 - z) ⊙ n + z ⊙ h</c>.
/// </summary>
public sealed class Gru : Module
{
    private readonly Parameter _wx;
    private readonly Parameter _wh;
    private readonly Parameter? _b;
    private readonly Parameter? _bhn;

    /// <summary>
    /// A new layer; <c>Wx</c> [3H, D], <c>Wh</c> [3H, H], <c>b</c> [3H] and <c>bhn</c> [H] are drawn evenly from
    /// ±1 / √H. Their rows are those of r, z and n.
    /// </summary>
    /// <param name="inputSize">D.</param>
    /// <param name="hiddenSize">H.</param>
    /// <param name="bias">Whether there are b and bhn.</param>
    public Gru(int inputSize, int hiddenSize, bool bias = true)
    {
        double limit = 1 / Math.Sqrt(hiddenSize);
        _wx = AddParameter("Wx", Draw.Even(limit, 3 * hiddenSize, inputSize));
        _wh = AddParameter("Wh", Draw.Even(limit, 3 * hiddenSize, hiddenSize));
        _b = bias ? AddParameter("b", Draw.Even(limit, 3 * hiddenSize)) : null;
        _bhn = bias ? AddParameter("bhn", Draw.Even(limit, hiddenSize)) : null;
    }

    /// <summary>The hidden state after each element of a sequence.</summary>
    /// <param name="x">[…, L, D].</param>
    /// <param name="hidden">The state before the first, […, H]; none: zero.</param>
    /// <returns>[…, L, H].</returns>
    public MlxArray Forward(MlxArray x, MlxArray? hidden = null)
    {
        MlxArray inputs = Recurrence.Project(x, _wx, _b);                                          // […, L, 3H]
        MlxArray wh = _wh.Transposed;
        var all = new MlxArray[x.Dim(-2)];
        for (int t = 0; t < all.Length; t++)
        {
            MlxArray[] input = Recurrence.At(inputs, t).Split(3, -1);                              // 3 × […, H]
            MlxArray[]? state = hidden?.MatMul(wh).Split(3, -1);
            MlxArray r = (state is null ? input[0] : input[0] + state[0]).Sigmoid();
            MlxArray z = (state is null ? input[1] : input[1] + state[1]).Sigmoid();
            MlxArray n = Candidate(input[2], r, state?[2]).Tanh();
            hidden = hidden is null ? (1 - z) * n : (1 - z) * n + z * hidden;
            all[t] = hidden;
        }
        return MlxArray.Stack(all, -2);
    }

    private MlxArray Candidate(MlxArray input, MlxArray reset, MlxArray? state) => (state, _bhn) switch
    {
        (null, null) => input,
        (null, _) => input + reset * _bhn.Value,
        (_, null) => input + reset * state,
        _ => input + reset * (state + _bhn.Value),
    };
}
