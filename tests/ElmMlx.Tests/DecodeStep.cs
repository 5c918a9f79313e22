using ElmMlx.Cpu;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>One layer of a decoded token as graph operations, tiny; the cache is written in place.</summary>
internal sealed class DecodeStep
{
    private const int Width = 64, Heads = 4, KeyHeads = 2, HeadWidth = 32, Vocabulary = 96, Room = 256;

    private readonly Node _embedding = Numbers(Vocabulary, Width);
    private readonly Node _norm = Numbers(Width), _headNorm = Numbers(HeadWidth);
    private readonly Node _qkv = Numbers((Heads + 2 * KeyHeads) * HeadWidth, Width);
    private readonly Node _first = Numbers(2 * Width, Width);
    private readonly Node _words, _scales, _biases;     // of a quantised output matrix [Width, Heads * HeadWidth]
    private Node _keys = Numbers(1, KeyHeads, Room, HeadWidth), _values = Numbers(1, KeyHeads, Room, HeadWidth);
    private Node _token = Held(Ops.Reshape(Ops.Scalar(1, MLX_UINT32), [1]));

    public DecodeStep()
    {
        Node[] packed = Ops.Quantize(Numbers(Width, Heads * HeadWidth), 64, 8, "affine", null);
        (_words, _scales, _biases) = (Held(packed[0]), Held(packed[1]), Held(packed[2]));
    }

    /// <summary>One token.</summary>
    public void Run(int position)
    {
        Node h = Ops.Take(_embedding, Ops.Reshape(_token, [1, 1]), 0);      // [1, 1, D]
        Node x = Ops.MatMul(Ops.RmsNorm(h, _norm, 1e-6f), Ops.Transpose(_qkv));
        x = Ops.Transpose(Ops.Reshape(x, [1, 1, Heads + 2 * KeyHeads, HeadWidth]), [0, 2, 1, 3]);
        ReadOnlySpan<Node> parts = Ops.Split(x, [Heads, Heads + KeyHeads], 1);
        Node queries = Turned(Ops.RmsNorm(parts[0], _headNorm, 1e-6f), position);
        Write(ref _keys, Turned(Ops.RmsNorm(parts[1], _headNorm, 1e-6f), position), position);
        Write(ref _values, parts[2], position);
        Node attended = Ops.ScaledDotProductAttention(
            queries, Tokens(_keys, position + 1), Tokens(_values, position + 1), 0.2f, "", null, null);
        attended = Ops.Reshape(Ops.Transpose(attended, [0, 2, 1, 3]), [1, 1, Heads * HeadWidth]);
        h = Ops.Add(h, Ops.QuantizedMatmul(attended, _words, _scales, _biases, true, 64, 8, "affine"));
        Node hidden = Ops.MatMul(Ops.RmsNorm(h, _norm, 1e-6f), Ops.Transpose(_first));
        ReadOnlySpan<Node> halves = Ops.Split(hidden, 2, -1);
        h = Ops.Add(h, Ops.Multiply(Ops.Multiply(halves[0], Ops.Sigmoid(halves[0])), halves[1]));
        Node logits = Ops.Squeeze(Ops.MatMul(Ops.RmsNorm(h, _norm, 1e-6f), Ops.Transpose(_embedding)), 1);
        Node all = Ops.Subtract(logits, Ops.LogSumExp(logits, Ops.AllAxes(logits), keepDims: true));
        Node next = Ops.ArgMax(all, -1, keepDims: false);
        next.Retain();
        Evaluator.Evaluate([next]);
        _token.Release();
        _token = next;
    }

    /// <summary>Lets go of everything.</summary>
    public void End()
    {
        foreach (Node node in (ReadOnlySpan<Node>)[
            _embedding, _norm, _headNorm, _qkv, _first, _words, _scales, _biases, _keys, _values, _token])
            node.Release();
    }

    private static Node Turned(Node x, int position) =>
        Ops.Rope(x, HeadWidth, isTraditional: false, 10000, 1, Ops.Scalar(position, MLX_INT32), null);

    private static void Write(ref Node cache, Node update, int position)
    {
        Node written = Ops.SliceUpdate(
            cache, update, Interned.Of([0, 0, position, 0]), Interned.Of([1, KeyHeads, position + 1, HeadWidth]),
            Interned.Of([1, 1, 1, 1]));
        written.Retain();
        cache.Release();
        cache = written;
    }

    private static Node Tokens(Node cache, int count) => Ops.Slice(
        cache, Interned.Of([0, 0, 0, 0]), Interned.Of([1, KeyHeads, count, HeadWidth]), Interned.Of([1, 1, 1, 1]));

    private static Node Numbers(params int[] shape)
    {
        int size = shape.Aggregate(1, (product, length) => product * length);
        Node numbers = Ops.Sin(Ops.Arange(0, size, 1, MLX_FLOAT32));
        return Held(Ops.AsType(Ops.Reshape(numbers, shape), MLX_BFLOAT16));
    }

    private static Node Held(Node node)
    {
        node.Retain();
        Evaluator.Evaluate(node);
        return node;
    }
}
