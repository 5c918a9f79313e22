using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    private const int NotFound = 2;     // mlx-c's answer for a missing key and for the end of an iteration

    public static mlx_map_string_to_array mlx_map_string_to_array_new() =>
        new() { ctx = Handles.NewContext(new TextMap<Node>()) };

    public static int mlx_map_string_to_array_set(mlx_map_string_to_array* map, mlx_map_string_to_array src)
    {
        TextMap<Node> copy = Map(src).Copy();
        foreach (Node node in copy.Values)
            node.Retain();
        Release(Handles.Replace(&map->ctx, copy, nameof(mlx_map_string_to_array)));
        return 0;
    }

    public static int mlx_map_string_to_array_free(mlx_map_string_to_array map)
    {
        Release(Handles.Free<TextMap<Node>>(map.ctx, nameof(mlx_map_string_to_array)));
        return 0;
    }

    public static int mlx_map_string_to_array_insert(mlx_map_string_to_array map, byte* key, mlx_array value)
    {
        TextMap<Node> nodes = Map(map);
        Node node = Handles.Node(value);
        node.Retain();
        nodes.Set(Handles.Text(key), node)?.Release();
        return 0;
    }

    public static int mlx_map_string_to_array_get(mlx_array* value, mlx_map_string_to_array map, byte* key) =>
        Map(map).Get(Handles.Text(key)) is { } node ? Return(value, node) : NotFound;

    public static mlx_map_string_to_array_iterator mlx_map_string_to_array_iterator_new(mlx_map_string_to_array map) =>
        new() { ctx = Handles.NewContext(Map(map).Iterate()), map_ctx = map.ctx };

    public static int mlx_map_string_to_array_iterator_free(mlx_map_string_to_array_iterator it)
    {
        Handles.Free<TextMap<Node>.Iterator>(it.ctx, nameof(mlx_map_string_to_array_iterator));
        return 0;
    }

    public static int mlx_map_string_to_array_iterator_next(
        byte** key, mlx_array* value, mlx_map_string_to_array_iterator it)
    {
        var iterator = Handles.Target<TextMap<Node>.Iterator>(it.ctx, nameof(mlx_map_string_to_array_iterator));
        if (!iterator.MoveNext())
            return NotFound;
        *key = iterator.Key.Pointer;
        return Return(value, iterator.Value);
    }

    public static mlx_map_string_to_string mlx_map_string_to_string_new() =>
        new() { ctx = Handles.NewContext(new TextMap<Utf8Text>()) };

    public static int mlx_map_string_to_string_set(mlx_map_string_to_string* map, mlx_map_string_to_string src)
    {
        Handles.Replace(&map->ctx, TextOf(src).Copy(), nameof(mlx_map_string_to_string));
        return 0;
    }

    public static int mlx_map_string_to_string_free(mlx_map_string_to_string map)
    {
        Handles.Free<TextMap<Utf8Text>>(map.ctx, nameof(mlx_map_string_to_string));
        return 0;
    }

    public static int mlx_map_string_to_string_insert(mlx_map_string_to_string map, byte* key, byte* value)
    {
        TextOf(map).Set(Handles.Text(key), new Utf8Text(Handles.Text(value)));
        return 0;
    }

    public static int mlx_map_string_to_string_get(byte** value, mlx_map_string_to_string map, byte* key)
    {
        if (TextOf(map).Get(Handles.Text(key)) is not { } text)
            return NotFound;
        *value = text.Pointer;
        return 0;
    }

    public static mlx_map_string_to_string_iterator mlx_map_string_to_string_iterator_new(
        mlx_map_string_to_string map) =>
        new() { ctx = Handles.NewContext(TextOf(map).Iterate()), map_ctx = map.ctx };

    public static int mlx_map_string_to_string_iterator_free(mlx_map_string_to_string_iterator it)
    {
        Handles.Free<TextMap<Utf8Text>.Iterator>(it.ctx, nameof(mlx_map_string_to_string_iterator));
        return 0;
    }

    public static int mlx_map_string_to_string_iterator_next(
        byte** key, byte** value, mlx_map_string_to_string_iterator it)
    {
        var iterator = Handles.Target<TextMap<Utf8Text>.Iterator>(it.ctx, nameof(mlx_map_string_to_string_iterator));
        if (!iterator.MoveNext())
            return NotFound;
        *key = iterator.Key.Pointer;
        *value = iterator.Value.Pointer;
        return 0;
    }

    private static TextMap<Node> Map(mlx_map_string_to_array map) =>
        Handles.Target<TextMap<Node>>(map.ctx, nameof(mlx_map_string_to_array));

    private static TextMap<Utf8Text> TextOf(mlx_map_string_to_string map) =>
        Handles.Target<TextMap<Utf8Text>>(map.ctx, nameof(mlx_map_string_to_string));

    private static void Release(TextMap<Node>? map)
    {
        foreach (Node node in map?.Values ?? [])
            node.Release();
    }
}
