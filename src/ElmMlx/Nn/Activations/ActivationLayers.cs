namespace ElmMlx.Nn;

// Activations without options as layers: each is the function of its name, with that function's defaults.

/// <summary><see cref="Activations.Relu"/> as a layer.</summary>
public sealed class Relu : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Relu(x);
}

/// <summary><see cref="Activations.Relu2"/> as a layer.</summary>
public sealed class Relu2 : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Relu2(x);
}

/// <summary><see cref="Activations.Relu6"/> as a layer.</summary>
public sealed class Relu6 : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Relu6(x);
}

/// <summary><see cref="Activations.Selu"/> as a layer.</summary>
public sealed class Selu : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Selu(x);
}

/// <summary><see cref="Activations.Sigmoid"/> as a layer.</summary>
public sealed class Sigmoid : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Sigmoid(x);
}

/// <summary><see cref="Activations.LogSigmoid"/> as a layer.</summary>
public sealed class LogSigmoid : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.LogSigmoid(x);
}

/// <summary><see cref="Activations.Silu"/> as a layer.</summary>
public sealed class Silu : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Silu(x);
}

/// <summary><see cref="Activations.Mish"/> as a layer.</summary>
public sealed class Mish : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Mish(x);
}

/// <summary><see cref="Activations.HardSwish"/> as a layer.</summary>
public sealed class HardSwish : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.HardSwish(x);
}

/// <summary><see cref="Activations.Softplus"/> as a layer.</summary>
public sealed class Softplus : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Softplus(x);
}

/// <summary><see cref="Activations.Softsign"/> as a layer.</summary>
public sealed class Softsign : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Softsign(x);
}

/// <summary><see cref="Activations.Tanh"/> as a layer.</summary>
public sealed class Tanh : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Tanh(x);
}

/// <summary><see cref="Activations.HardTanh"/> as a layer.</summary>
public sealed class HardTanh : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.HardTanh(x);
}

/// <summary><see cref="Activations.HardShrink"/> as a layer.</summary>
public sealed class HardShrink : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.HardShrink(x);
}

/// <summary><see cref="Activations.Softmax"/> as a layer.</summary>
public sealed class Softmax : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Softmax(x);
}

/// <summary><see cref="Activations.Softmin"/> as a layer.</summary>
public sealed class Softmin : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.Softmin(x);
}

/// <summary><see cref="Activations.LogSoftmax"/> as a layer.</summary>
public sealed class LogSoftmax : UnaryLayer
{
    /// <inheritdoc/>
    public override MlxArray Forward(MlxArray x) => Activations.LogSoftmax(x);
}
