using System.Runtime.InteropServices;
using System.Text;
using ElmMlx.Bindings;

namespace ElmMlx;

/// <summary>Text that goes to native code, and text that comes from it.</summary>
internal static unsafe class NativeText
{
    /// <summary>UTF-8 with a zero at its end.</summary>
    /// <param name="what">What the text is, for the refusal.</param>
    /// <param name="text">The text.</param>
    /// <exception cref="ArgumentException">
    /// It has a NUL, which ends a C text, or a percent sign: MLX prints its messages, with this text in them, as a
    /// format.
    /// </exception>
    public static byte[] Of(string what, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.AsSpan().IndexOfAny('%', '\0') < 0
            ? Encoding.UTF8.GetBytes(text + '\0')
            : throw new ArgumentException($"the {what} '{text}' has a percent sign or a NUL: MLX can take neither");
    }

    /// <summary>A program's source, which may have percent signs: it is compiled, and not part of a message.</summary>
    public static byte[] Source(string text) => Encoding.UTF8.GetBytes(text + '\0');

    /// <summary>The text of a native string, which is freed.</summary>
    public static string Take(mlx_string text)
    {
        try
        {
            return Read(Checked.mlx_string_data(text));
        }
        finally
        {
            Checked.mlx_string_free(text);
        }
    }

    /// <summary>The texts of a native list, which is freed.</summary>
    public static string[] Take(mlx_vector_string list)
    {
        try
        {
            string[] texts = new string[(int)Checked.mlx_vector_string_size(list)];
            for (int i = 0; i < texts.Length; i++)
                texts[i] = Read(Checked.mlx_vector_string_get(list, (nuint)i));
            return texts;
        }
        finally
        {
            Checked.mlx_vector_string_free(list);
        }
    }

    /// <summary>A native list, which the caller frees.</summary>
    public static mlx_vector_string List(string what, IEnumerable<string> texts)
    {
        mlx_vector_string list = Checked.mlx_vector_string_new();
        foreach (string text in texts)
        {
            fixed (byte* bytes = Of(what, text))
                Checked.mlx_vector_string_append_value(list, bytes);
        }

        return list;
    }

    /// <summary>A C text; nothing where there is none.</summary>
    public static string Read(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
