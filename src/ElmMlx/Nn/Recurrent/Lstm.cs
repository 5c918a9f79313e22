namespace ElmMlx.Nn;

/// <summary>
/// Long short-term memory, as mlx.nn.LSTM (Hochreiter and Schmidhuber 1997, with forget gates):
/// <c>[i, f, g, o] = Wx · x + Wh · h + b</c>, <c>c' = σ(f) ⊙ c + σ(i) ⊙ tanh(g)</c>, <c>h' = σ(o) ⊙ tanh(c')</c>.
/// </summary>
public sealed class Lstm : Module
{
    private readonly Parameter _wx;
    private readonly Parameter _wh;
    private readonly Parameter? _bias;

    /// <summary>
    /// A new layer; <c>Wx</c> [4H, D], <c>Wh</c> [4H, H] and <c>bias</c> [4H] are drawn evenly from ±1 / √H. Their
    /// rows are those of i, f, g and o.
    /// </summary>
    /// <param name="inputSize">D.</param>
    /// <param name="hiddenSize">H.</param>
    /// <param name="bias">Whether there is a b.</param>
    public Lstm(int inputSize, int hiddenSize, bool bias = true)
    {
        double limit = 1 / Math.Sqrt(hiddenSize);
        _wx = AddParameter("Wx", Draw.Even(limit, 4 * hiddenSize, inputSize));
        _wh = AddParameter("Wh", Draw.Even(limit, 4 * hiddenSize, hiddenSize));
        _bias = bias ? AddParameter("bias", Draw.Even(limit, 4 * hiddenSize)) : null;
    }

    /// <summary>The hidden state and the cell after each element of a sequence.</summary>
    /// <param name="x">[…, L, D].</param>
    /// <param name="hidden">The state before the first, […, H]; none: zero.</param>
    /// <param name="cell">The cell before the first, […, H]; none: zero.</param>
    /// <returns>Both […, L, H].</returns>
    public (MlxArray Hidden, MlxArray Cell) Forward(MlxArray x, MlxArray? hidden = null, MlxArray? cell = null)
    {
        MlxArray inputs = Recurrence.Project(x, _wx, _bias);                                       // […, L, 4H]
        MlxArray wh = _wh.Transposed;
        var allHidden = new MlxArray[x.Dim(-2)];
        var allCells = new MlxArray[allHidden.Length];
        for (int t = 0; t < allHidden.Length; t++)
        {
            MlxArray input = Recurrence.At(inputs, t);
            MlxArray[] gates = (hidden is null ? input : input.AddMm(hidden, wh)).Split(4, -1);    // 4 × […, H]
            MlxArray added = gates[0].Sigmoid() * gates[2].Tanh();
            cell = cell is null ? added : gates[1].Sigmoid() * cell + added;
            hidden = gates[3].Sigmoid() * cell.Tanh();
            (allHidden[t], allCells[t]) = (hidden, cell);
        }
        return (MlxArray.Stack(allHidden, -2), MlxArray.Stack(allCells, -2));
    }
}
