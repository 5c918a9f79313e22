using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Texts, vectors and maps by the C functions: made, set, lengthened, copied, read back.</summary>
public sealed unsafe class CVectorTests
{
    [Fact]
    public void Texts_are_copied()
    {
        using var arena = new NativeArena();
        byte* bytes = arena.Text("größe");
        mlx_string text = Mlx.mlx_string_new_data(bytes), other = Mlx.mlx_string_new_data(arena.Text("x"));
        bytes[0] = (byte)'x';
        NativeArena.Check(Mlx.mlx_string_set(&other, text));
        NativeArena.Check(Mlx.mlx_string_free(text));
        Assert.Equal("größe", Marshal.PtrToStringUTF8((nint)Mlx.mlx_string_data(other)));
        NativeArena.Check(Mlx.mlx_string_free(other));
    }

    [Fact]
    public void Numbers_stand_in_a_vector_in_order()
    {
        RuntimeLoader.EnsureLoaded();
        int* numbers = stackalloc int[2] { 3, -4 };
        mlx_vector_int vector = Mlx.mlx_vector_int_new();
        Assert.Equal((nuint)0, Mlx.mlx_vector_int_size(vector));
        NativeArena.Check(Mlx.mlx_vector_int_append_value(vector, 7));
        NativeArena.Check(Mlx.mlx_vector_int_append_data(vector, numbers, 2));
        Assert.Equal([7, 3, -4], Ints(vector));
        mlx_vector_int other = Mlx.mlx_vector_int_new_value(1);
        Assert.Equal([1], Ints(other));
        NativeArena.Check(Mlx.mlx_vector_int_set(&other, vector));
        NativeArena.Check(Mlx.mlx_vector_int_set_value(&vector, 9));
        Assert.Equal([9], Ints(vector));
        Assert.Equal([7, 3, -4], Ints(other));
        NativeArena.Check(Mlx.mlx_vector_int_set_data(&vector, numbers, 2));
        Assert.Equal([3, -4], Ints(vector));
        int number;
        Assert.NotEqual(0, Mlx.mlx_vector_int_get(&number, vector, 2));
        MlxError.Take();
        mlx_vector_int made = Mlx.mlx_vector_int_new_data(numbers, 2);
        Assert.Equal([3, -4], Ints(made));
        Mlx.mlx_vector_int_free(vector);
        Mlx.mlx_vector_int_free(other);
        Mlx.mlx_vector_int_free(made);
    }

    [Fact]
    public void Texts_stand_in_a_vector_in_order()
    {
        using var arena = new NativeArena();
        byte** texts = stackalloc byte*[2] { arena.Text("a"), arena.Text("größe") };
        mlx_vector_string vector = Mlx.mlx_vector_string_new_value(arena.Text("first"));
        NativeArena.Check(Mlx.mlx_vector_string_append_data(vector, texts, 2));
        Assert.Equal(["first", "a", "größe"], Texts(vector));
        mlx_vector_string other = Mlx.mlx_vector_string_new();
        NativeArena.Check(Mlx.mlx_vector_string_set(&other, vector));
        NativeArena.Check(Mlx.mlx_vector_string_set_value(&vector, arena.Text("only")));
        Assert.Equal(["only"], Texts(vector));
        Assert.Equal(["first", "a", "größe"], Texts(other));
        NativeArena.Check(Mlx.mlx_vector_string_set_data(&vector, texts, 2));
        Assert.Equal(["a", "größe"], Texts(vector));
        Mlx.mlx_vector_string_free(vector);
        Mlx.mlx_vector_string_free(other);
    }

    [Fact]
    public void Arrays_stand_in_a_vector_in_order()
    {
        using var arena = new NativeArena();
        mlx_array* arrays = stackalloc mlx_array[2] { Number(arena, 1), Number(arena, 2) };
        mlx_vector_array vector = Mlx.mlx_vector_array_new_value(Number(arena, 7)), other = default;
        NativeArena.Check(Mlx.mlx_vector_array_append_value(vector, Number(arena, 8)));
        NativeArena.Check(Mlx.mlx_vector_array_append_data(vector, arrays, 2));
        Assert.Equal([7, 8, 1, 2], Values(arena, vector));
        NativeArena.Check(Mlx.mlx_vector_array_set(&other, vector));
        NativeArena.Check(Mlx.mlx_vector_array_append_value(vector, Number(arena, 9)));
        Assert.Equal([7, 8, 1, 2], Values(arena, other));
        Mlx.mlx_vector_array_free(vector);
        Mlx.mlx_vector_array_free(other);
    }

    [Fact]
    public void Vectors_stand_in_a_vector_in_order()
    {
        using var arena = new NativeArena();
        mlx_vector_array a = arena.Vector([Number(arena, 1), Number(arena, 2)]);
        mlx_vector_array b = arena.Vector([Number(arena, 3)]);
        mlx_vector_array* both = stackalloc mlx_vector_array[2] { a, b };
        mlx_vector_vector_array vector = Mlx.mlx_vector_vector_array_new();
        Assert.Equal((nuint)0, Mlx.mlx_vector_vector_array_size(vector));
        NativeArena.Check(Mlx.mlx_vector_vector_array_append_value(vector, b));
        NativeArena.Check(Mlx.mlx_vector_vector_array_append_data(vector, both, 2));
        Assert.Equal("3; 1, 2; 3", Rows(arena, vector));
        mlx_vector_vector_array other = Mlx.mlx_vector_vector_array_new_value(a);
        Assert.Equal("1, 2", Rows(arena, other));
        NativeArena.Check(Mlx.mlx_vector_vector_array_set(&other, vector));
        NativeArena.Check(Mlx.mlx_vector_vector_array_set_value(&vector, a));
        Assert.Equal("1, 2", Rows(arena, vector));
        Assert.Equal("3; 1, 2; 3", Rows(arena, other));
        NativeArena.Check(Mlx.mlx_vector_vector_array_set_data(&vector, both, 2));
        Assert.Equal("1, 2; 3", Rows(arena, vector));
        mlx_vector_vector_array made = Mlx.mlx_vector_vector_array_new_data(both, 2);
        Assert.Equal("1, 2; 3", Rows(arena, made));
        Mlx.mlx_vector_vector_array_free(vector);
        Mlx.mlx_vector_vector_array_free(other);
        Mlx.mlx_vector_vector_array_free(made);
    }

    [Fact]
    public void Maps_are_copied()
    {
        using var arena = new NativeArena();
        mlx_map_string_to_array arrays = Mlx.mlx_map_string_to_array_new();
        mlx_map_string_to_array otherArrays = Mlx.mlx_map_string_to_array_new();
        NativeArena.Check(Mlx.mlx_map_string_to_array_insert(arrays, arena.Text("x"), Number(arena, 5)));
        NativeArena.Check(Mlx.mlx_map_string_to_array_set(&otherArrays, arrays));
        NativeArena.Check(Mlx.mlx_map_string_to_array_free(arrays));
        mlx_array value = default;
        NativeArena.Check(Mlx.mlx_map_string_to_array_get(&value, otherArrays, arena.Text("x")));
        Assert.Equal([5], arena.Read(arena.Keep(value)).Doubles());
        Mlx.mlx_map_string_to_array_free(otherArrays);

        mlx_map_string_to_string texts = Mlx.mlx_map_string_to_string_new();
        mlx_map_string_to_string otherTexts = Mlx.mlx_map_string_to_string_new();
        NativeArena.Check(Mlx.mlx_map_string_to_string_insert(texts, arena.Text("x"), arena.Text("größe")));
        NativeArena.Check(Mlx.mlx_map_string_to_string_set(&otherTexts, texts));
        NativeArena.Check(Mlx.mlx_map_string_to_string_free(texts));
        byte* text = null;
        NativeArena.Check(Mlx.mlx_map_string_to_string_get(&text, otherTexts, arena.Text("x")));
        Assert.Equal("größe", Marshal.PtrToStringUTF8((nint)text));
        Mlx.mlx_map_string_to_string_free(otherTexts);
    }

    private static mlx_array Number(NativeArena arena, int value) => arena.Keep(Mlx.mlx_array_new_int(value));

    private static int[] Ints(mlx_vector_int vector)
    {
        int[] values = new int[(int)Mlx.mlx_vector_int_size(vector)];
        for (int i = 0; i < values.Length; i++)
        {
            int value;
            NativeArena.Check(Mlx.mlx_vector_int_get(&value, vector, (nuint)i));
            values[i] = value;
        }

        return values;
    }

    private static string[] Texts(mlx_vector_string vector)
    {
        string[] texts = new string[(int)Mlx.mlx_vector_string_size(vector)];
        for (int i = 0; i < texts.Length; i++)
        {
            byte* text;
            NativeArena.Check(Mlx.mlx_vector_string_get(&text, vector, (nuint)i));
            texts[i] = Marshal.PtrToStringUTF8((nint)text)!;
        }

        return texts;
    }

    private static double[] Values(NativeArena arena, mlx_vector_array vector) =>
        [.. arena.Elements(vector).Select(array => arena.Read(array).Doubles()[0])];

    private static string Rows(NativeArena arena, mlx_vector_vector_array vectors)
    {
        string[] rows = new string[(int)Mlx.mlx_vector_vector_array_size(vectors)];
        for (int i = 0; i < rows.Length; i++)
        {
            mlx_vector_array row = default;
            NativeArena.Check(Mlx.mlx_vector_vector_array_get(&row, vectors, (nuint)i));
            rows[i] = string.Join(", ", Values(arena, arena.Keep(row)));
        }

        return string.Join("; ", rows);
    }
}
