using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ElmMlx.Bindings;
using Xunit;

namespace ElmMlx.Tests;

/// <summary>Arrays, texts, closures and maps through the C functions, on either provider.</summary>
public sealed unsafe class CArrayTests
{
    private static int s_nFreed;

    public static TheoryData<string, string> Prints => new()
    {
        { """{"start": 0, "stop": 3, "step": 1, "dtype": "int32"}""", "array([0, 1, 2], dtype=int32)" },
        {
            """{"start": 0, "stop": 9, "step": 1, "dtype": "float32"}""",
            "array([0, 1, 2, ..., 6, 7, 8], dtype=float32)"
        },
        {
            """{"start": 0.1, "stop": 0.6, "step": 0.2, "dtype": "float32"}""",
            "array([0.1, 0.3, 0.5], dtype=float32)"
        },
        {
            """{"start": 1e-7, "stop": 3e6, "step": 1234567, "dtype": "float32"}""",
            "array([1e-07, 1.23457e+06, 2.46913e+06], dtype=float32)"
        },
    };

    [Theory]
    [MemberData(nameof(Prints))]
    public void Array_prints_as_MLX_prints_it(string arange, string expected)
    {
        using var arena = new NativeArena();
        Assert.Equal(expected, Text(CFunction.Call(arena, "arange", [], arange)));
    }

    [Fact]
    public void Matrix_prints_a_row_a_line()
    {
        using var arena = new NativeArena();
        mlx_array matrix = CFunction.Call(arena, "eye", [], """{"n": 2, "m": 3, "k": 0, "dtype": "bool"}""");
        Assert.Equal("array([[true, false, false],\n       [false, true, false]], dtype=bool)", Text(matrix));
    }

    [Fact]
    public void Managed_data_is_freed_once_by_its_destructor()
    {
        using (var arena = new NativeArena())
        {
            s_nFreed = 0;
            int length = 4;
            var data = (float*)NativeMemory.Alloc(4, sizeof(float));
            new Span<float>(data, 4).Fill(2.5f);
            mlx_array array = Mlx.mlx_array_new_data_managed_payload(
                data, &length, 1, mlx_dtype.MLX_FLOAT32, data, &FreeData);
            mlx_array sum = CFunction.Call(arena, "sum", array)[0];
            Mlx.mlx_array_free(array);
            Assert.Equal(10.0, arena.Read(sum).Doubles()[0]);
        }

        SpinWait.SpinUntil(() => Volatile.Read(ref s_nFreed) > 0, 10_000);  // libmlxc lets go on its stream's thread
        Assert.Equal(1, s_nFreed);
    }

    [Fact]
    public void Closure_is_shared_by_its_handles_and_frees_its_payload_once()
    {
        using var arena = new NativeArena();
        int nCalls = 0;
        s_nFreed = 0;
        mlx_closure first = Mlx.mlx_closure_new_func_payload(&Twice, &nCalls, &CountFree), second = default;
        Assert.Equal(0, Mlx.mlx_closure_set(&second, first));
        Mlx.mlx_closure_free(first);
        Assert.Equal(0, s_nFreed);
        mlx_vector_array input = arena.Vector([arena.Keep(Mlx.mlx_array_new_float32(1.5f))]), output = default;
        NativeArena.Check(Mlx.mlx_closure_apply(&output, second, input));
        mlx_array result = Assert.Single(arena.Elements(arena.Keep(output)));
        Assert.Equal(3.0, arena.Read(result).Doubles()[0]);
        Assert.Equal(1, nCalls);
        Mlx.mlx_closure_free(second);
        Assert.Equal(1, s_nFreed);
    }

    [Fact]
    public void Map_gives_back_what_was_put_and_iterates_over_it()
    {
        using var arena = new NativeArena();
        mlx_map_string_to_array map = Mlx.mlx_map_string_to_array_new();
        string[] names = ["b", "a", "größe"];
        for (int i = 0; i < names.Length; i++)
        {
            NativeArena.Check(Mlx.mlx_map_string_to_array_insert(
                map, arena.Text(names[i]), arena.Keep(Mlx.mlx_array_new_int(i))));
        }

        mlx_array value = default;
        Assert.Equal(2, Mlx.mlx_map_string_to_array_get(&value, map, arena.Text("missing")));
        Assert.Equal(0, Mlx.mlx_map_string_to_array_get(&value, map, arena.Text("größe")));
        Assert.Equal(2.0, arena.Read(value).Doubles()[0]);
        mlx_map_string_to_array_iterator iterator = Mlx.mlx_map_string_to_array_iterator_new(map);
        var seen = new List<string>();
        byte* key;
        while (Mlx.mlx_map_string_to_array_iterator_next(&key, &value, iterator) == 0)
            seen.Add(Marshal.PtrToStringUTF8((nint)key)!);
        Assert.Equal(names.Order(), seen.Order());
        Mlx.mlx_map_string_to_array_iterator_free(iterator);
        Mlx.mlx_map_string_to_array_free(map);
        Mlx.mlx_array_free(value);
    }

    [Fact]
    public void Data_of_an_array_that_is_not_evaluated_is_an_error_on_the_CPU_provider()
    {
        using var arena = new NativeArena();
        if (RuntimeLoader.Info.Kind != ProviderKind.Cpu)
            return;     // libmlxc would crash here
        mlx_array lazy = CFunction.Call(arena, "ones", [], """{"shape": [2], "dtype": "float32"}""");
        Assert.True(Mlx.mlx_array_data_float32(lazy) is null);
        Assert.Equal(
            "[data] The array of shape [2] float32 is not evaluated: call mlx_array_eval first.", MlxError.Take());
    }

    [Fact]
    public void Empty_handle_is_an_error()
    {
        using var arena = new NativeArena();
        mlx_array result = default;
        Assert.Equal(1, Mlx.mlx_abs(&result, default, arena.Stream));
        Assert.Contains("expected a non-empty mlx_array", MlxError.Take(), StringComparison.Ordinal);
    }

    private static string Text(mlx_array array)
    {
        mlx_string text = default;
        NativeArena.Check(Mlx.mlx_array_tostring(&text, array));
        string result = Marshal.PtrToStringUTF8((nint)Mlx.mlx_string_data(text))!;
        Mlx.mlx_string_free(text);
        return result;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FreeData(void* data)
    {
        NativeMemory.Free(data);
        s_nFreed++;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void CountFree(void* payload) => s_nFreed++;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Twice(mlx_vector_array* result, mlx_vector_array input, void* payload)
    {
        ++*(int*)payload;
        mlx_array x = default, sum = default;
        int status = Mlx.mlx_vector_array_get(&x, input, 0);
        mlx_stream stream = Mlx.mlx_default_cpu_stream_new();
        status |= Mlx.mlx_add(&sum, x, x, stream);
        status |= Mlx.mlx_vector_array_set_value(result, sum);
        Mlx.mlx_stream_free(stream);
        Mlx.mlx_array_free(x);
        Mlx.mlx_array_free(sum);
        return status;
    }
}
