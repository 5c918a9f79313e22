using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>Running sums, products, … along the last axis.</summary>
internal sealed class Scan(ScanKind kind, bool isReverse, bool isInclusive) : Primitive
{
    public override string Name => kind switch
    {
        ScanKind.Sum => "CumSum",
        ScanKind.Prod => "CumProd",
        ScanKind.Max => "CumMax",
        ScanKind.Min => "CumMin",
        _ => "CumLogaddexp",
    };

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        ScanKernels.Run(inputs[0], outputs[0], kind, isReverse, isInclusive);
    }

    public override Node?[] Gradient(Backward backward)
    {
        (Node x, Node y, Node g) = (backward.X, backward.Output, backward.Cotangent);
        return [kind switch
        {
            ScanKind.Sum => SumOfLater(g),
            ScanKind.Prod => ProdGradient(x, y, g),
            ScanKind.LogAddExp when x.Type == MLX_COMPLEX64 =>
                throw new NotSupportedException("[logcumsumexp] No gradient for complex64."),
            ScanKind.LogAddExp => Ops.Make(
                new LogScanGradient(isReverse, isInclusive, isTransposed: false), x.Shape, x.Type, x, y, g),
            _ => ExtremeGradient(x, y, g),
        }];
    }

    // Over the elements that an element reaches
    private Node SumOfLater(Node g) => Ops.CumSum(g, -1, !isReverse, isInclusive);

    // Up to the first 0 of a row the later products, each over the element. At it the same with a 1 in its place.
    // After it nothing.
    private Node ProdGradient(Node x, Node y, Node g)
    {
        Node zero = Ops.Scalar(0, x.Type);
        Node other = Ops.CumProd(x, -1, isReverse, !isInclusive);
        Node isZero = Ops.Equal(isInclusive ? y : other, zero);
        Node isFirstZero = Ops.LogicalAnd(isZero, Ops.NotEqual(isInclusive ? other : y, zero));
        Node withOne = Ops.CumProd(
            Ops.Where(isFirstZero, Ops.Scalar(1, x.Type), x), -1, isReverse, isInclusive);
        Node gradient = Ops.Divide(SumOfLater(Ops.Multiply(Ops.Conjugate(y), g)), Ops.Conjugate(x));
        return Ops.Where(
            isFirstZero, SumOfLater(Ops.Multiply(Ops.Conjugate(withOne), g)), Ops.Where(isZero, zero, gradient));
    }

    // Each cotangent goes to the latest element that set a new record, or equalled it.
    private Node ExtremeGradient(Node x, Node y, Node g)
    {
        int n = x.Shape[^1];
        Node extreme = isInclusive ? y : Ops.Make(new Scan(kind, isReverse, isInclusive: true), x.Shape, x.Type, x);
        Node place = Ops.Where(Ops.Equal(x, extreme), Ops.Arange(n), Ops.Scalar(isReverse ? n - 1 : 0, MLX_INT32));
        Node record = isReverse
            ? Ops.CumMin(place, -1, isReverse, isInclusive: true)
            : Ops.CumMax(place, -1, isReverse, isInclusive: true);
        if (!isInclusive)       // a result knows the elements up to the one before
        {
            record = Part(record, isReverse ? 1 : 0, isReverse ? n : n - 1);
            g = Part(g, isReverse ? 0 : 1, isReverse ? n - 1 : n);
        }

        return Ops.PutAlongAxis(Ops.ZerosLike(x), record, g, -1, ScatterMode.Sum);
    }

    private static Node Part(Node rows, int first, int end)
    {
        int[] start = new int[rows.Rank], stop = [.. rows.Shape], steps = [.. rows.Shape.Select(_ => 1)];
        (start[^1], stop[^1]) = (first, end);
        return Ops.Slice(rows, start, stop, steps);
    }
}

/// <summary>
/// The gradient of running log Σ eˣ: g spread over the elements of each sum, each getting exp(x − y) of it. Inputs: x,
/// y = log Σ eˣ, and g. Transposed: at each sum the g of its elements, each times exp(x − y).
/// </summary>
internal sealed class LogScanGradient(bool isReverse, bool isInclusive, bool isTransposed) : Primitive
{
    public override string Name => "CumLogaddexpGradient";

    public override void Evaluate(ReadOnlySpan<Node> inputs, ReadOnlySpan<Node> outputs)
    {
        outputs[0].Allocate();
        LogScanKernels.Run(inputs[0], inputs[1], inputs[2], outputs[0], isReverse, isInclusive, isTransposed);
    }

    // Each result is a sum of g · exp(x − y). So by x comes what x's place sums of g · h · exp(x − y), where h is the
    // cotangent; by y the same at y's place, negative; and by g the other of the two, of h.
    public override Node?[] Gradient(Backward backward)
    {
        (Node x, Node y, Node g) = (backward.X, backward.Y, backward.Inputs[2]);
        (Node result, Node h) = (backward.Output, backward.Cotangent);
        Node? other = null;
        Node OfCotangent() => other ??= Ops.Make(
            new LogScanGradient(isReverse, isInclusive, !isTransposed), x.Shape, x.Type, x, y, h);
        return isTransposed
            ? backward.Each(
                () => Ops.Multiply(g, OfCotangent()), () => Ops.Negative(Ops.Multiply(h, result)), OfCotangent)
            : backward.Each(
                () => Ops.Multiply(h, result), () => Ops.Negative(Ops.Multiply(g, OfCotangent())), OfCotangent);
    }
}
