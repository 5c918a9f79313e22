using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    private const int OtherKind = 3;    // mlx-c's answer for a fact of another kind

    public static mlx_io_gguf mlx_io_gguf_new() => new() { ctx = Handles.NewContext(new GgufContent()) };

    public static int mlx_io_gguf_free(mlx_io_gguf io)
    {
        Handles.Free<GgufContent>(io.ctx, nameof(mlx_io_gguf))?.Clear();
        return 0;
    }

    public static int mlx_load_gguf(mlx_io_gguf* gguf, byte* file, mlx_stream s)
    {
        ByteSource source = new FileSource(Handles.Text(file));
        try
        {
            Handles.Replace(&gguf->ctx, GgufReader.Load(source), nameof(mlx_io_gguf))?.Clear();
            return 0;
        }
        finally
        {
            source.Release();
        }
    }

    public static int mlx_save_gguf(byte* file, mlx_io_gguf gguf)
    {
        GgufWriter.Write(WithExtension(file, ".gguf"), Gguf(gguf));
        return 0;
    }

    public static int mlx_io_gguf_get_keys(mlx_vector_string* keys, mlx_io_gguf io)
    {
        var names = new List<Utf8Text>();
        for (TextMap<Node>.Iterator it = Gguf(io).Arrays.Iterate(); it.MoveNext();)
            names.Add(it.Key);
        return SetTexts(keys, names);
    }

    public static int mlx_io_gguf_get_array(mlx_array* arr, mlx_io_gguf io, byte* key) =>
        Gguf(io).Arrays.Get(Handles.Text(key)) is { } array ? Return(arr, array) : NotFound;

    public static int mlx_io_gguf_get_metadata_array(mlx_array* arr, mlx_io_gguf io, byte* key)
    {
        int status = Fact(io, key, out Node? fact);
        return status == 0 ? Return(arr, fact!) : status;
    }

    public static int mlx_io_gguf_get_metadata_string(mlx_string* str, mlx_io_gguf io, byte* key)
    {
        int status = Fact(io, key, out Utf8Text? fact);
        if (status == 0)
            Handles.Set(str, fact!.Value);
        return status;
    }

    public static int mlx_io_gguf_get_metadata_vector_string(mlx_vector_string* vstr, mlx_io_gguf io, byte* key)
    {
        int status = Fact(io, key, out List<Utf8Text>? fact);
        return status == 0 ? SetTexts(vstr, [.. fact!]) : status;
    }

    public static int mlx_io_gguf_has_metadata_array(bool* flag, mlx_io_gguf io, byte* key) => Has<Node>(flag, io, key);

    public static int mlx_io_gguf_has_metadata_string(bool* flag, mlx_io_gguf io, byte* key) =>
        Has<Utf8Text>(flag, io, key);

    public static int mlx_io_gguf_has_metadata_vector_string(bool* flag, mlx_io_gguf io, byte* key) =>
        Has<List<Utf8Text>>(flag, io, key);

    public static int mlx_io_gguf_set_array(mlx_io_gguf io, byte* key, mlx_array arr)
    {
        Gguf(io).Add(Handles.Text(key), Handles.Node(arr));
        return 0;
    }

    public static int mlx_io_gguf_set_metadata_array(mlx_io_gguf io, byte* key, mlx_array marr)
    {
        Gguf(io).AddFact(Handles.Text(key), Handles.Node(marr));
        return 0;
    }

    public static int mlx_io_gguf_set_metadata_string(mlx_io_gguf io, byte* key, byte* mstr)
    {
        Gguf(io).AddFact(Handles.Text(key), new Utf8Text(Handles.Text(mstr)));
        return 0;
    }

    public static int mlx_io_gguf_set_metadata_vector_string(mlx_io_gguf io, byte* key, mlx_vector_string mvstr)
    {
        Gguf(io).AddFact(Handles.Text(key), new List<Utf8Text>(Texts(mvstr)));
        return 0;
    }

    private static GgufContent Gguf(mlx_io_gguf io) => Handles.Target<GgufContent>(io.ctx, nameof(mlx_io_gguf));

    private static int Fact<T>(mlx_io_gguf io, byte* key, out T? fact)
        where T : class
    {
        object? found = Gguf(io).Facts.Get(Handles.Text(key));
        fact = found as T;
        return fact is not null ? 0 : found is null ? NotFound : OtherKind;
    }

    private static int Has<T>(bool* flag, mlx_io_gguf io, byte* key)
        where T : class
    {
        int status = Fact<T>(io, key, out _);
        *flag = status == 0;
        return status == NotFound ? NotFound : 0;
    }
}
