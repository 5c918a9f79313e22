using ElmMlx.Cpu.Kernels;

namespace ElmMlx.Cpu;

/// <summary>
/// One operation of the graph. The shape and dtype rules stand in <see cref="Ops"/>, beside the method that makes the
/// node; a primitive computes.
/// </summary>
internal abstract class Primitive
{
    /// <summary>MLX's name of the primitive, for errors and printed graphs.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// Fills <paramref name="outputs"/> from evaluated <paramref name="inputs"/>. Each output gets its memory here, by
    /// <see cref="Node.Allocate"/>, <see cref="Node.AllocateOver"/> or <see cref="Node.ShareWith"/>.
    /// </summary>
    public abstract void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs);

    /// <summary>
    /// What computes pieces of the only output of <paramref name="operation"/>, this primitive's, from the same pieces
    /// of inputs of its shape; none where it is not computed element by element. <see cref="Evaluate"/> gives the same
    /// bits.
    /// </summary>
    public virtual ElementKernel OfElements(Operation operation) => default;

    /// <summary>Whether gradients end here.</summary>
    public virtual bool StopsGradient => false;

    /// <summary>
    /// The sum of <paramref name="whole"/> and of what <paramref name="operation"/>, this primitive's and not yet run,
    /// will put among zeros, in one step: its parts are added to the whole. Null where it does something else.
    /// </summary>
    public virtual Node? AddedTo(Node whole, Operation operation) => null;

    /// <summary>
    /// The cotangents of the inputs, written with graph operations, so that gradients are graphs: one an input, of its
    /// shape and dtype; null where none is asked for or the output does not depend on it.
    /// </summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    public virtual Node?[] Gradient(Backward backward) =>
        throw new NotSupportedException($"[{Name}] has no gradient.");
}
