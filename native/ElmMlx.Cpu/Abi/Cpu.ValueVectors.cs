using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static mlx_vector_int mlx_vector_int_new() => NewInts([]);

    public static int mlx_vector_int_set(mlx_vector_int* vec, mlx_vector_int src) => SetInts(vec, [.. Ints(src)]);

    public static int mlx_vector_int_free(mlx_vector_int vec)
    {
        Handles.Free<List<int>>(vec.ctx, nameof(mlx_vector_int));
        return 0;
    }

    public static mlx_vector_int mlx_vector_int_new_data(int* data, nuint size) =>
        NewInts([.. Handles.Ints(data, size)]);

    public static mlx_vector_int mlx_vector_int_new_value(int val) => NewInts([val]);

    public static int mlx_vector_int_set_data(mlx_vector_int* vec, int* data, nuint size) =>
        SetInts(vec, [.. Handles.Ints(data, size)]);

    public static int mlx_vector_int_set_value(mlx_vector_int* vec, int val) => SetInts(vec, [val]);

    public static int mlx_vector_int_append_data(mlx_vector_int vec, int* data, nuint size)
    {
        Ints(vec).AddRange(Handles.Ints(data, size));
        return 0;
    }

    public static int mlx_vector_int_append_value(mlx_vector_int vec, int val)
    {
        Ints(vec).Add(val);
        return 0;
    }

    public static nuint mlx_vector_int_size(mlx_vector_int vec) => (nuint)Ints(vec).Count;

    public static int mlx_vector_int_get(int* res, mlx_vector_int vec, nuint idx)
    {
        List<int> values = Ints(vec);
        *res = values[Index(idx, values.Count)];
        return 0;
    }

    public static mlx_vector_string mlx_vector_string_new() => NewTexts([]);

    public static int mlx_vector_string_set(mlx_vector_string* vec, mlx_vector_string src) =>
        SetTexts(vec, [.. Texts(src)]);

    public static int mlx_vector_string_free(mlx_vector_string vec)
    {
        Handles.Free<List<Utf8Text>>(vec.ctx, nameof(mlx_vector_string));
        return 0;
    }

    public static mlx_vector_string mlx_vector_string_new_data(byte** data, nuint size) =>
        NewTexts(TextsAt(data, size));

    public static mlx_vector_string mlx_vector_string_new_value(byte* val) => NewTexts([new(Handles.Text(val))]);

    public static int mlx_vector_string_set_data(mlx_vector_string* vec, byte** data, nuint size) =>
        SetTexts(vec, TextsAt(data, size));

    public static int mlx_vector_string_set_value(mlx_vector_string* vec, byte* val) =>
        SetTexts(vec, [new(Handles.Text(val))]);

    public static int mlx_vector_string_append_data(mlx_vector_string vec, byte** data, nuint size)
    {
        Texts(vec).AddRange(TextsAt(data, size));
        return 0;
    }

    public static int mlx_vector_string_append_value(mlx_vector_string vec, byte* val)
    {
        Texts(vec).Add(new(Handles.Text(val)));
        return 0;
    }

    public static nuint mlx_vector_string_size(mlx_vector_string vec) => (nuint)Texts(vec).Count;

    public static int mlx_vector_string_get(byte** res, mlx_vector_string vec, nuint idx)
    {
        List<Utf8Text> texts = Texts(vec);
        *res = texts[Index(idx, texts.Count)].Pointer;
        return 0;
    }

    private static List<int> Ints(mlx_vector_int vec) => Handles.Target<List<int>>(vec.ctx, nameof(mlx_vector_int));

    private static mlx_vector_int NewInts(List<int> values) => new() { ctx = Handles.NewContext(values) };

    private static int SetInts(mlx_vector_int* result, List<int> values)
    {
        Handles.Replace(&result->ctx, values, nameof(mlx_vector_int));
        return 0;
    }

    private static List<Utf8Text> Texts(mlx_vector_string vec) =>
        Handles.Target<List<Utf8Text>>(vec.ctx, nameof(mlx_vector_string));

    private static List<Utf8Text> TextsAt(byte** data, nuint size)
    {
        var texts = new List<Utf8Text>();
        for (nuint i = 0; i < size; i++)
            texts.Add(new(Handles.Text(data[i])));
        return texts;
    }

    private static mlx_vector_string NewTexts(List<Utf8Text> texts) => new() { ctx = Handles.NewContext(texts) };

    private static int SetTexts(mlx_vector_string* result, List<Utf8Text> texts)
    {
        Handles.Replace(&result->ctx, texts, nameof(mlx_vector_string));
        return 0;
    }
}
