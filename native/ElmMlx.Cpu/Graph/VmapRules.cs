namespace ElmMlx.Cpu;

/// <summary>
/// Operations that take one more axis in front in one go. Of all others <see cref="Vmap"/> runs one for each index.
/// </summary>
internal static class VmapRules
{
    /// <summary>
    /// The outputs of a primitive with an axis of <paramref name="size"/> in front; null where there is no rule.
    /// </summary>
    /// <param name="primitive">What computed the outputs without the axis.</param>
    /// <param name="inputs">Without the axis.</param>
    /// <param name="mapped">With it; null for inputs that have none.</param>
    /// <param name="outputs">Without the axis, for their shapes and dtypes.</param>
    /// <param name="size">Of the axis.</param>
    public static Node[]? Apply(Primitive primitive, Node[] inputs, Node?[] mapped, Node[] outputs, int size)
    {
        switch (primitive)
        {
            case Elementwise or Binary or Select or DivMod or ComplexPart or AsType or Share or StopGradient or Full
                or Greater or GreaterEqual or Less or LessEqual or Equal or NotEqual or NaNEqual or Reshape
                or Contiguous or Softmax or LogSumExp or Sort or ArgSort or ArgReduce or Scan or Hadamard
                    or MatrixPrimitive
                or RandomBits or CovarianceRoot or ConvertFP8:
                return Same(primitive, [.. inputs.Select((input, i) => mapped[i] ?? Wide(input, size))], outputs, size);
            case RmsNorm or LayerNorm when mapped.AsSpan(1).IndexOfAnyExcept((Node?)null) < 0:
                return Same(primitive, [mapped[0]!, .. inputs[1..]], outputs, size);
            case Broadcast:
                return [Broadcasted(mapped[0]!, inputs[0].Rank, outputs[0], size)];
            case Transpose transpose:
                return [Ops.Transpose(mapped[0]!, [0, .. transpose.Axes.Select(axis => axis + 1)])];
            case Slice slice:
                return Same(new Slice([0, .. slice.Starts], [1, .. slice.Steps]), [mapped[0]!], outputs, size);
            case Reduce reduce when Shifted(reduce) is { } shifted:
                return Same(shifted, [mapped[0]!], outputs, size);
            case Fourier fourier:
                return Same(fourier.Shifted, [mapped[0]!], outputs, size);
            case MatMul:
                return Same(primitive, Matrices(inputs, mapped, size), outputs, size);
            case Convolution when mapped[1] is null:
                return [Convolved(primitive, mapped[0]!, inputs[1], outputs[0], size)];
            case CustomTransforms { Vectorized: { } function } custom:
                return Custom(function, inputs, mapped, custom.InputCount, size);
            default:
                return null;
        }
    }

    private static Node[] Same(Primitive primitive, Node[] inputs, Node[] outputs, int size) => Operation.New(
        primitive, inputs, [.. outputs.Select(output => (int[])[size, .. output.Shape])],
        [.. outputs.Select(output => output.Type)]).Outputs.ToArray();

    private static Node Wide(Node input, int size) => Ops.BroadcastTo(input, [size, .. input.Shape]);

    // New axes come between the one in front and the old ones
    private static Node Broadcasted(Node mapped, int rank, Node output, int size)
    {
        int[] ones = new int[output.Rank - rank];
        Array.Fill(ones, 1);
        return Ops.BroadcastTo(Ops.Reshape(mapped, [size, .. ones, .. mapped.Shape[1..]]), [size, .. output.Shape]);
    }

    private static Reduce? Shifted(Reduce reduce)
    {
        int[] axes = [.. reduce.Axes.Select(axis => axis + 1)];
        return reduce switch
        {
            Sum => new Sum(axes),
            Prod => new Prod(axes),
            Max => new Max(axes),
            Min => new Min(axes),
            And => new And(axes),
            Or => new Or(axes),
            _ => null,
        };
    }

    // One right-hand matrix for all stays one; else every operand gets the axis, and b the axes of a
    private static Node[] Matrices(Node[] inputs, Node?[] mapped, int size)
    {
        Node a = inputs[0], b = inputs[1];
        Node wideA = mapped[0] ?? Wide(a, size), wideB = mapped[1] ?? b;
        if (mapped[1] is not null && b.Rank == 2)
        {
            int[] ones = new int[a.Rank - 2];
            Array.Fill(ones, 1);
            wideB = Ops.Reshape(wideB, [size, .. ones, .. b.Shape]);
            wideB = Ops.BroadcastTo(wideB, [size, .. a.Shape[..^2], .. b.Shape]);
        }
        else if (mapped[1] is null && b.Rank > 2)
        {
            wideB = Wide(b, size);
        }

        return inputs.Length == 2 ? [wideA, wideB] : [wideA, wideB, mapped[2] ?? Wide(inputs[2], size)];
    }

    // The axis and the batch are one batch
    private static Node Convolved(Primitive primitive, Node x, Node w, Node output, int size)
    {
        int batch = x.Shape[1];
        Node merged = Ops.Reshape(x, [size * batch, .. x.Shape[2..]]);
        Node y = Ops.Make(primitive, [size * batch, .. output.Shape[1..]], output.Type, merged, w);
        return Ops.Reshape(y, [size, batch, .. output.Shape[1..]]);
    }

    private static Node[] Custom(
        Func<Node[], int[], (NodeVector Outputs, List<int> Axes)> function, Node[] inputs, Node?[] mapped, int count,
        int size)
    {
        Node[] arguments = [.. inputs[..count].Select((input, i) => mapped[i] ?? input)];
        int[] axes = [.. mapped[..count].Select(node => node is null ? -1 : 0)];
        (NodeVector vector, List<int> where) = function(arguments, axes);
        Node[] results = vector.PassOn();
        if (results.Length != inputs.Length - count || where.Count != results.Length)
            throw new ArgumentException(
                $"[vmap] The caller's function answered {results.Length} arrays and {where.Count} axes for "
                + $"{inputs.Length - count} outputs.");
        return [.. results.Select(
            (result, i) => where[i] < 0 ? Wide(result, size) : Ops.MoveAxis(result, where[i], 0))];
    }
}
