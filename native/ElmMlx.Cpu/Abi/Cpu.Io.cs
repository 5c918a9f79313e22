using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static mlx_io_reader mlx_io_reader_new(void* desc, mlx_io_vtable vtable) =>
        new() { ctx = Handles.NewContext(CallbackStream.Reader(desc, vtable)) };

    public static int mlx_io_reader_descriptor(void** desc_, mlx_io_reader io)
    {
        *desc_ = Stream(io.ctx, nameof(mlx_io_reader)).Descriptor;
        return 0;
    }

    public static int mlx_io_reader_tostring(mlx_string* str_, mlx_io_reader io)
    {
        Handles.Set(str_, Stream(io.ctx, nameof(mlx_io_reader)).Label);
        return 0;
    }

    public static int mlx_io_reader_free(mlx_io_reader io)
    {
        Handles.Free<CallbackStream>(io.ctx, nameof(mlx_io_reader))?.Release();
        return 0;
    }

    public static mlx_io_writer mlx_io_writer_new(void* desc, mlx_io_vtable vtable) =>
        new() { ctx = Handles.NewContext(CallbackStream.Writer(desc, vtable)) };

    public static int mlx_io_writer_descriptor(void** desc_, mlx_io_writer io)
    {
        *desc_ = Stream(io.ctx, nameof(mlx_io_writer)).Descriptor;
        return 0;
    }

    public static int mlx_io_writer_tostring(mlx_string* str_, mlx_io_writer io)
    {
        Handles.Set(str_, Stream(io.ctx, nameof(mlx_io_writer)).Label);
        return 0;
    }

    public static int mlx_io_writer_free(mlx_io_writer io)
    {
        Handles.Free<CallbackStream>(io.ctx, nameof(mlx_io_writer))?.Release();
        return 0;
    }

    public static int mlx_load(mlx_array* res, byte* file, mlx_stream s)
    {
        ByteSource source = new FileSource(Handles.Text(file));
        try
        {
            return Return(res, NpyFormat.Load(source));
        }
        finally
        {
            source.Release();
        }
    }

    public static int mlx_load_reader(mlx_array* res, mlx_io_reader in_stream, mlx_stream s) =>
        Return(res, NpyFormat.Load(Open("load", in_stream.ctx, nameof(mlx_io_reader))));

    public static int mlx_save(byte* file, mlx_array a)
    {
        Node node = Saved(Handles.Node(a));
        ArrayWriter.Write(WithExtension(file, ".npy"), NpyFormat.Header(node.Shape, node.Type), [node]);
        return 0;
    }

    public static int mlx_save_writer(mlx_io_writer out_stream, mlx_array a)
    {
        CallbackStream stream = Open("save", out_stream.ctx, nameof(mlx_io_writer));
        Node node = Saved(Handles.Node(a));
        ArrayWriter.Write(stream, NpyFormat.Header(node.Shape, node.Type), [node]);
        return 0;
    }

    public static int mlx_load_safetensors(
        mlx_map_string_to_array* res_0, mlx_map_string_to_string* res_1, byte* file, mlx_stream s)
    {
        ByteSource source = new FileSource(Handles.Text(file));
        try
        {
            return LoadSafetensors(res_0, res_1, source);
        }
        finally
        {
            source.Release();
        }
    }

    public static int mlx_load_safetensors_reader(
        mlx_map_string_to_array* res_0, mlx_map_string_to_string* res_1, mlx_io_reader in_stream, mlx_stream s) =>
        LoadSafetensors(res_0, res_1, Open("load_safetensors", in_stream.ctx, nameof(mlx_io_reader)));

    public static int mlx_save_safetensors(
        byte* file, mlx_map_string_to_array param, mlx_map_string_to_string metadata)
    {
        (byte[] header, Node[] arrays) = Safetensors(param, metadata);
        ArrayWriter.Write(WithExtension(file, ".safetensors"), header, arrays);
        return 0;
    }

    public static int mlx_save_safetensors_writer(
        mlx_io_writer in_stream, mlx_map_string_to_array param, mlx_map_string_to_string metadata)
    {
        CallbackStream stream = Open("save_safetensors", in_stream.ctx, nameof(mlx_io_writer));
        (byte[] header, Node[] arrays) = Safetensors(param, metadata);
        ArrayWriter.Write(stream, header, arrays);
        return 0;
    }

    private static int LoadSafetensors(
        mlx_map_string_to_array* arrays, mlx_map_string_to_string* texts, ByteSource source)
    {
        var (loaded, metadata) = SafetensorsFormat.Load(source);
        var nodes = new TextMap<Node>();
        foreach ((string name, Node array) in loaded)
        {
            array.Retain();
            nodes.Set(name, array);
        }

        var words = new TextMap<Utf8Text>();
        foreach ((string key, string value) in metadata)
            words.Set(key, new(value));
        Release(Handles.Replace(&arrays->ctx, nodes, nameof(mlx_map_string_to_array)));
        Handles.Replace(&texts->ctx, words, nameof(mlx_map_string_to_string));
        return 0;
    }

    private static (byte[] Header, Node[] Arrays) Safetensors(
        mlx_map_string_to_array param, mlx_map_string_to_string metadata)
    {
        var arrays = new List<(string Name, Node Array)>();
        for (TextMap<Node>.Iterator it = Map(param).Iterate(); it.MoveNext();)
            arrays.Add((it.Key.Value, it.Value));
        var texts = new List<(string Key, string Value)>();
        for (TextMap<Utf8Text>.Iterator it = TextOf(metadata).Iterate(); it.MoveNext();)
            texts.Add((it.Key.Value, it.Value.Value));
        byte[] header = SafetensorsFormat.Header(arrays, texts);
        Node[] nodes = [.. arrays.Select(pair => pair.Array)];
        Evaluator.Evaluate(nodes);
        return (header, nodes);
    }

    private static Node Saved(Node node)
    {
        if (node.Size == 0)
            throw new ArgumentException($"[save] {node} is empty: such an array is not stored.");
        Evaluator.Evaluate(node);
        return node;
    }

    private static string WithExtension(byte* file, string extension)
    {
        string path = Handles.Text(file);
        return path.EndsWith(extension, StringComparison.Ordinal) ? path : path + extension;
    }

    private static CallbackStream Open(string operation, void* context, string type)
    {
        CallbackStream stream = Stream(context, type);
        stream.CheckOpen(operation);
        return stream;
    }

    private static CallbackStream Stream(void* context, string type) =>
        Handles.Target<CallbackStream>(context, type);
}
