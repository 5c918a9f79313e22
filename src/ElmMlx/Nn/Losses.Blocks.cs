namespace ElmMlx.Nn;

// Cross-entropy of an output layer's logits without all of them at once.
public static partial class Losses
{
    /// <summary>
    /// The sum of <see cref="CrossEntropy(MlxArray, MlxArray, int?, double, MlxArray?, LossReduction)"/> over rows, for
    /// training. A block of rows has logits; its loss and gradients are computed together, and the logits forgotten
    /// before the next block: long sequences take no more memory here than short ones.
    /// </summary>
    /// <param name="hidden">What the output layer reads, [N, D].</param>
    /// <param name="targets">[N], whole numbers from 0 to V - 1.</param>
    /// <param name="outputLayer">From [n, D] to logits [n, V], each row for itself.</param>
    /// <param name="parameters">Those of the output layer whose gradients may be asked for.</param>
    /// <param name="blockRows">Rows of a block.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">Shapes do not fit.</exception>
    public static MlxArray CrossEntropySum(
        MlxArray hidden, MlxArray targets, Func<MlxArray, MlxArray> outputLayer, IReadOnlyList<Parameter> parameters,
        int blockRows = 512)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blockRows, 1);
        if (hidden.Rank != 2 || targets.Rank != 1 || hidden.Dim(0) != targets.Dim(0) || hidden.Dim(0) == 0)
            throw new ArgumentException(
                $"{hidden.Describe()} and {targets.Describe()} do not fit: rows [N, D] and targets [N] are needed, " +
                "and one row at least", nameof(targets));
        Func<MlxArray[], MlxArray[]> sum = Transforms.CustomVjp(
            inputs => SumAndGradients(inputs, targets, outputLayer, parameters, blockRows),
            (_, cotangents, outputs) =>
                [.. outputs[1..].Select(gradient => (gradient * cotangents[0]).AsType(gradient.DType))]);
        return sum([hidden, .. parameters.Select(parameter => parameter.Value)])[0];
    }

    /// <summary>
    /// The sum, its gradient with respect to the rows [N, D], and those with respect to the parameters.
    /// </summary>
    private static MlxArray[] SumAndGradients(
        MlxArray[] inputs, MlxArray targets, Func<MlxArray, MlxArray> outputLayer, IReadOnlyList<Parameter> parameters,
        int blockRows)
    {
        (int count, int width) = (inputs[0].Dim(0), inputs[0].Dim(1));
        MlxArray[] sums = [];       // the loss, then the parameters' gradients
        var ofRows = new List<MlxArray>();
        MlxArray[] former = [];     // the block before this one: it must be done
        for (int first = 0; first < count; first += blockRows)
        {
            int end = Math.Min(first + blockRows, count);
            MlxArray rows = inputs[0].Slice([first, 0], [end, width]), ids = targets.Slice([first], [end]);
            rows = Transforms.Depends([rows], former)[0];
            (MlxArray[] values, MlxArray[] gradients) = Transforms.ValueAndGrad(
                watched => ModuleGradients.With(
                    parameters, watched.AsSpan(1),
                    () => [CrossEntropy(outputLayer(watched[0]), ids, reduction: LossReduction.Sum)]),
                [rows, .. inputs[1..]]);
            // The loss is there when its gradients are: nothing needs the block's logits any longer.
            MlxArray loss = Transforms.Depends(values, gradients)[0];
            former = [loss];
            ofRows.Add(gradients[0]);
            MlxArray[] ofBlock = [loss, .. gradients[1..]];
            sums = sums.Length == 0 ? ofBlock : [.. sums.Zip(ofBlock, (sum, term) => sum + term)];
        }
        MlxArray ofHidden = ofRows.Count == 1 ? ofRows[0] : MlxArray.Concatenate([.. ofRows]);
        return [sums[0], ofHidden, .. sums[1..]];
    }
}
