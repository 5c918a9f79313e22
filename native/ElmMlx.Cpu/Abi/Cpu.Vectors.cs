using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static mlx_vector_array mlx_vector_array_new() => Handles.New([]);

    public static int mlx_vector_array_set(mlx_vector_array* vec, mlx_vector_array src) =>
        Return(vec, Handles.Nodes(src));

    public static int mlx_vector_array_free(mlx_vector_array vec)
    {
        Ended(vec)?.End();
        return 0;
    }

    public static mlx_vector_array mlx_vector_array_new_data(mlx_array* data, nuint size) =>
        Handles.New(NodesAt(data, size));

    public static mlx_vector_array mlx_vector_array_new_value(mlx_array val) => Handles.New([Handles.Node(val)]);

    public static int mlx_vector_array_set_data(mlx_vector_array* vec, mlx_array* data, nuint size) =>
        Return(vec, NodesAt(data, size));

    public static int mlx_vector_array_set_value(mlx_vector_array* vec, mlx_array val) =>
        Return(vec, [Handles.Node(val)]);

    public static int mlx_vector_array_append_data(mlx_vector_array vec, mlx_array* data, nuint size)
    {
        NodeVector vector = Vector(vec);
        foreach (Node node in NodesAt(data, size))
            vector.Add(node);
        return 0;
    }

    public static int mlx_vector_array_append_value(mlx_vector_array vec, mlx_array val)
    {
        Vector(vec).Add(Handles.Node(val));
        return 0;
    }

    public static nuint mlx_vector_array_size(mlx_vector_array vec) => (nuint)Vector(vec).Nodes.Count;

    public static int mlx_vector_array_get(mlx_array* res, mlx_vector_array vec, nuint idx)
    {
        ReadOnlySpan<Node> nodes = Vector(vec).Span;
        return Return(res, nodes[Index(idx, nodes.Length)]);
    }

    public static mlx_vector_vector_array mlx_vector_vector_array_new() => NewVectors([]);

    public static int mlx_vector_vector_array_set(mlx_vector_vector_array* vec, mlx_vector_vector_array src) =>
        SetVectors(vec, [.. Vectors(src).Select(Copy)]);

    public static int mlx_vector_vector_array_free(mlx_vector_vector_array vec)
    {
        Clear(Handles.Free<List<NodeVector>>(vec.ctx, nameof(mlx_vector_vector_array)));
        return 0;
    }

    public static mlx_vector_vector_array mlx_vector_vector_array_new_data(mlx_vector_array* data, nuint size) =>
        NewVectors(CopiesAt(data, size));

    public static mlx_vector_vector_array mlx_vector_vector_array_new_value(mlx_vector_array val) =>
        NewVectors([Copy(Vector(val))]);

    public static int mlx_vector_vector_array_set_data(
        mlx_vector_vector_array* vec, mlx_vector_array* data, nuint size) => SetVectors(vec, CopiesAt(data, size));

    public static int mlx_vector_vector_array_set_value(mlx_vector_vector_array* vec, mlx_vector_array val) =>
        SetVectors(vec, [Copy(Vector(val))]);

    public static int mlx_vector_vector_array_append_data(
        mlx_vector_vector_array vec, mlx_vector_array* data, nuint size)
    {
        Vectors(vec).AddRange(CopiesAt(data, size));
        return 0;
    }

    public static int mlx_vector_vector_array_append_value(mlx_vector_vector_array vec, mlx_vector_array val)
    {
        Vectors(vec).Add(Copy(Vector(val)));
        return 0;
    }

    public static nuint mlx_vector_vector_array_size(mlx_vector_vector_array vec) => (nuint)Vectors(vec).Count;

    public static int mlx_vector_vector_array_get(mlx_vector_array* res, mlx_vector_vector_array vec, nuint idx)
    {
        List<NodeVector> vectors = Vectors(vec);
        return Return(res, [.. vectors[Index(idx, vectors.Count)].Nodes]);
    }

    private static int Return(mlx_vector_array* result, ReadOnlySpan<Node> nodes)
    {
        Handles.Set(result, nodes);
        return 0;
    }

    private static NodeVector Vector(mlx_vector_array vec) =>
        Handles.Target<NodeVector>(vec.ctx, nameof(mlx_vector_array));

    private static Node[] NodesAt(mlx_array* data, nuint size)
    {
        var nodes = new Node[checked((int)size)];
        for (int i = 0; i < nodes.Length; i++)
            nodes[i] = Handles.Node(data[i]);
        return nodes;
    }

    private static List<NodeVector> Vectors(mlx_vector_vector_array vec) =>
        Handles.Target<List<NodeVector>>(vec.ctx, nameof(mlx_vector_vector_array));

    private static NodeVector Copy(NodeVector vector) => new([.. vector.Nodes]);

    private static List<NodeVector> CopiesAt(mlx_vector_array* data, nuint size)
    {
        var copies = new List<NodeVector>();
        for (nuint i = 0; i < size; i++)
            copies.Add(Copy(Vector(data[i])));
        return copies;
    }

    private static mlx_vector_vector_array NewVectors(List<NodeVector> vectors) =>
        new() { ctx = Handles.NewContext(vectors) };

    private static int SetVectors(mlx_vector_vector_array* result, List<NodeVector> vectors)
    {
        Clear(Handles.Replace(&result->ctx, vectors, nameof(mlx_vector_vector_array)));
        return 0;
    }

    private static void Clear(List<NodeVector>? vectors)
    {
        foreach (NodeVector vector in vectors ?? [])
            vector.Clear();
    }

    private static int Index(nuint index, int count) =>
        index < (nuint)count
            ? (int)index
            : throw new ArgumentException($"[vector] Index {index} is out of range: the vector has {count} elements.");
}
