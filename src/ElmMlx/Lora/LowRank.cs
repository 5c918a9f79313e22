using ElmMlx.Nn;

namespace ElmMlx.Lora;

/// <summary>
/// The low-rank part of an adapter, <c>scale · A B</c>, which the adapted layers share. A and B are float32
/// whatever the type of the weights beside them.
/// </summary>
internal sealed class LowRank
{
    private readonly Parameter _a;
    private readonly Parameter _b;

    /// <param name="a">[in, r].</param>
    /// <param name="b">[r, out].</param>
    /// <param name="scale">Factor of the product.</param>
    /// <param name="add">Adds a parameter to the adapted layer.</param>
    public LowRank(MlxArray a, MlxArray b, float scale, Func<string, MlxArray, Parameter> add)
    {
        if (a.Shape.Length != 2 || b.Shape.Length != 2 || a.Dim(1) != b.Dim(0))
            throw new ArgumentException(
                $"The factors of an adapter, {Shapes.Text(a.Shape)} and {Shapes.Text(b.Shape)}, do not multiply.");
        _a = add("lora_a", a);
        _b = add("lora_b", b);
        Scale = scale;
    }

    /// <summary>r.</summary>
    public int Rank => _a.Value.Dim(1);

    /// <summary>Factor of the product.</summary>
    public float Scale { get; }

    /// <summary>Whether the adapted layer answers as the layer below it does.</summary>
    public bool IsOff { get; set; }

    /// <summary><c>scale · (x A) B</c>.</summary>
    /// <param name="x">[…, in].</param>
    /// <returns>[…, out], in float32.</returns>
    public MlxArray Forward(MlxArray x) => (x.MatMul(_a.Value) * Scale).MatMul(_b.Value);

    /// <summary><c>scale · (x Bᵀ) Aᵀ</c>: the table of an embedding as an output layer.</summary>
    /// <param name="x">[…, out].</param>
    /// <returns>[…, in], in float32.</returns>
    public MlxArray ForwardTransposed(MlxArray x) =>
        (x.MatMul(_b.Value.Transpose()) * Scale).MatMul(_a.Value.Transpose());

    /// <summary><c>scale · A[ids] B</c>.</summary>
    /// <param name="ids">Integers […].</param>
    /// <returns>[…, out], in float32.</returns>
    public MlxArray Rows(MlxArray ids) => (_a.Value.Take(ids, 0) * Scale).MatMul(_b.Value);

    /// <summary><c>scale · A B</c>, [in, out], in float32.</summary>
    public MlxArray Product() => (_a.Value * Scale).MatMul(_b.Value);

    /// <summary>The same as a constant to gradients.</summary>
    public MlxArray ConstantProduct() => (_a.Value.StopGradient() * Scale).MatMul(_b.Value.StopGradient());
}
