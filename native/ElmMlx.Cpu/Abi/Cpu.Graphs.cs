using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

/// <summary>Names of arrays, and graphs as text.</summary>
internal readonly unsafe partial struct Cpu
{
    public static mlx_node_namer mlx_node_namer_new() => new() { ctx = Handles.NewContext(new NodeNamer()) };

    public static int mlx_node_namer_free(mlx_node_namer namer)
    {
        Handles.Free<NodeNamer>(namer.ctx, nameof(mlx_node_namer))?.Clear();
        return 0;
    }

    public static int mlx_node_namer_set_name(mlx_node_namer namer, mlx_array arr, byte* name)
    {
        Namer(namer).Set(Handles.Node(arr), Handles.Text(name));
        return 0;
    }

    public static int mlx_node_namer_get_name(byte** name, mlx_node_namer namer, mlx_array arr)
    {
        *name = Namer(namer).NameOf(Handles.Node(arr)).Pointer;
        return 0;
    }

    public static int mlx_export_to_dot(void* os, mlx_node_namer namer, mlx_vector_array outputs)
    {
        CFile.Write(os, GraphText.Dot(Namer(namer), Handles.Nodes(outputs)));
        return 0;
    }

    public static int mlx_print_graph(void* os, mlx_node_namer namer, mlx_vector_array outputs)
    {
        CFile.Write(os, GraphText.Lines(Namer(namer), Handles.Nodes(outputs)));
        return 0;
    }

    private static NodeNamer Namer(mlx_node_namer namer) =>
        Handles.Target<NodeNamer>(namer.ctx, nameof(mlx_node_namer));
}
