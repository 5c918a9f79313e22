using ElmMlx.Bindings;

namespace ElmMlx.Cpu;

internal readonly unsafe partial struct Cpu
{
    public static mlx_string mlx_string_new() => default;

    public static mlx_string mlx_string_new_data(byte* str) =>
        new() { ctx = Handles.NewContext(new Utf8Text(Handles.Text(str))) };

    public static int mlx_string_set(mlx_string* str, mlx_string src)
    {
        Handles.Set(str, Handles.Target<Utf8Text>(src.ctx, nameof(mlx_string)).Value);
        return 0;
    }

    public static byte* mlx_string_data(mlx_string str) =>
        str.ctx is null ? null : Handles.Target<Utf8Text>(str.ctx, nameof(mlx_string)).Pointer;

    public static int mlx_string_free(mlx_string str)
    {
        Handles.Free<Utf8Text>(str.ctx, nameof(mlx_string));
        return 0;
    }

    public static int mlx_version(mlx_string* str_)
    {
        Handles.Set(str_, "0.31.2");
        return 0;
    }
}
