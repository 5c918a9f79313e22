using ElmMlx.Bindings;
using ElmMlx.Cpu.Kernels;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Cpu;

/// <summary>
/// Runs a <see cref="Chain"/> over its elements, a block at a time, on all threads. In a block everything is float32:
/// what is narrow is widened once, and rounded after each operation as its dtype asks.
/// </summary>
internal readonly unsafe struct ChainKernel : IRunBody
{
    /// <summary>Elements of a block: 2 KB for each leaf and operation.</summary>
    private const int BlockLength = Tiles.Length;

    private readonly Step* _steps;
    private readonly Leaf* _leaves;
    private readonly int _nSteps, _nLeaves;

    private ChainKernel(Step* steps, int nSteps, Leaf* leaves, int nLeaves)
    {
        (_nSteps, _nLeaves) = (nSteps, nLeaves);
        _steps = steps;
        _leaves = leaves;
    }

    /// <param name="operations">Each behind those that feed it; the last one's output is the result.</param>
    /// <param name="leaves">Inputs that none of them computes.</param>
    public static void Run(ReadOnlySpan<Operation> operations, ReadOnlySpan<Node> leaves)
    {
        var inputs = stackalloc Leaf[leaves.Length];
        var strides = new long[leaves.Length][];
        for (int i = 0; i < leaves.Length; i++)
            strides[i] = leaves[i].Strides;
        var runs = new Runs(operations[^1].Outputs[0].Shape, strides);
        for (int i = 0; i < leaves.Length; i++)
            inputs[i] = new Leaf { Type = leaves[i].Type, Data = (byte*)leaves[i].Data, Stride = runs.Stride(i) };
        var steps = stackalloc Step[operations.Length];
        for (int i = 0; i < operations.Length; i++)
            steps[i] = StepOf(i, operations, leaves);
        runs.ForEach(new ChainKernel(steps, operations.Length, inputs, leaves.Length));
    }

    /// <summary>A run, block by block.</summary>
    public void Run(long output, ReadOnlySpan<long> offsets, int length)
    {
        float* blocks = KernelScratch.Floats(KernelScratch.Use.Chain, (long)(_nLeaves + _nSteps) * BlockLength);
        var values = stackalloc Value[_nLeaves + _nSteps];
        for (int start = 0; start < length; start += BlockLength)
        {
            int n = Math.Min(BlockLength, length - start);
            float* block = blocks;
            for (int i = 0; i < _nLeaves; i++, block += BlockLength)
                values[i] = _leaves[i].Read(offsets[i], start, n, block);
            for (int i = 0; i < _nSteps; i++, block += BlockLength)
                values[_nLeaves + i] = Compute(_steps[i], values, output + start, n, block);
        }
    }

    private static Value Compute(in Step step, Value* values, long at, int n, float* block)
    {
        Value x = values[step.X], y = values[step.Y];
        float* to = block;
        if (step.Type == MLX_FLOAT32)
        {
            if (step.Kernel.IsCast && step.Memory is null)
                return x;
            to = step.Memory is null ? block : (float*)step.Memory + at;
        }

        if (!step.Kernel.IsCast)
            step.Kernel.Run(x.Data, x.Stride, y.Data, y.Stride, to, n);
        else if (x.Stride == 0)
            new Span<float>(to, n).Fill(*x.Data);
        else if (step.Type == MLX_FLOAT32)
            new ReadOnlySpan<float>(x.Data, n).CopyTo(new Span<float>(to, n));
        float* exact = step.Kernel.IsCast && x.Stride != 0 ? x.Data : to;
        if (step.Type == MLX_BFLOAT16)
            RoundToBFloat16(step, at, n, exact, to);
        else if (step.Type == MLX_FLOAT16)
            RoundToFloat16(step, at, n, exact, to);
        return new Value { Data = to, Stride = 1 };
    }

    private static void RoundToBFloat16(in Step step, long at, int n, float* exact, float* rounded)
    {
        if (step.Memory is not null)
            HalfPrecision.ToBFloat16(exact, (ushort*)step.Memory + at, n);
        if (!step.IsLast)
            HalfPrecision.RoundToBFloat16(exact, rounded, n);
    }

    private static void RoundToFloat16(in Step step, long at, int n, float* exact, float* rounded)
    {
        Half* block = stackalloc Half[BlockLength];
        Half* narrow = step.Memory is null ? block : (Half*)step.Memory + at;
        HalfPrecision.ToFloat16(exact, narrow, n);
        if (!step.IsLast)
            HalfPrecision.FromFloat16(narrow, rounded, n);
    }

    // An output that others hold, too, and the result get memory.
    private static Step StepOf(int index, ReadOnlySpan<Operation> operations, ReadOnlySpan<Node> leaves)
    {
        Operation operation = operations[index];
        Node output = operation.Outputs[0];
        if (index == operations.Length - 1)
            output.AllocateOver(Reusable(leaves, output));
        else if (output.HolderCount > Uses(operations, output))
            output.Allocate();
        return new Step
        {
            Kernel = operation.Primitive.OfElements(operation),
            X = Place(operation.Inputs[0], operations, leaves),
            Y = Place(operation.Inputs[^1], operations, leaves),
            Type = output.Type,
            IsLast = index == operations.Length - 1,
            Memory = output.Buffer is null ? null : (byte*)output.Data,
        };
    }

    // The result is written last, so it may lie where a leaf does that nobody needs any more.
    private static Node Reusable(ReadOnlySpan<Node> leaves, Node result)
    {
        foreach (Node leaf in leaves)
        {
            if (leaf.HolderCount == 1 && leaf.IsRowContiguous && leaf.Type.Size() == result.Type.Size())
                return leaf;
        }

        return leaves[0];
    }

    /// <summary>Leaves come first, then the operations.</summary>
    private static int Place(Node input, ReadOnlySpan<Operation> operations, ReadOnlySpan<Node> leaves)
    {
        int place = leaves.IndexOf(input);
        if (place >= 0)
            return place;
        place = 0;
        while (operations[place].Outputs[0] != input)
            place++;
        return leaves.Length + place;
    }

    private static int Uses(ReadOnlySpan<Operation> operations, Node node)
    {
        int count = 0;
        foreach (Operation operation in operations)
        {
            foreach (Node input in operation.Inputs)
                count += input == node ? 1 : 0;
        }

        return count;
    }

    /// <summary>
    /// What an operation computes of a block, or a leaf's part of it: a number each, or one for all (stride 0).
    /// </summary>
    private struct Value
    {
        public float* Data;
        public long Stride;
    }

    private struct Leaf
    {
        public mlx_dtype Type;
        public byte* Data;
        public long Stride;

        /// <summary>A block of it, where it lies if it can be read there, else in <paramref name="block"/>.</summary>
        public readonly Value Read(long offset, int start, int n, float* block)
        {
            long at = offset + start * Stride;
            if (Type == MLX_BFLOAT16)
                Tiles.Widen((BFloat16*)Data + at, Stride, block, n);
            else if (Type == MLX_FLOAT16)
                Tiles.Widen((Half*)Data + at, Stride, block, n);
            else if (Stride is 0 or 1)
                block = (float*)Data + at;
            else
                Tiles.Gather((float*)Data + at, Stride, block, n);
            return new Value { Data = block, Stride = Stride == 0 ? 0 : 1 };
        }
    }

    /// <summary>
    /// An operation: the places of its inputs, and where its output goes (null: only into the block).
    /// </summary>
    private struct Step
    {
        public ElementKernel Kernel;
        public int X, Y;
        public mlx_dtype Type;
        public bool IsLast;
        public byte* Memory;
    }
}
