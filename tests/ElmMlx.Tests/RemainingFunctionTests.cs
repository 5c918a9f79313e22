using System.Runtime.InteropServices;
using System.Text.Json;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>
/// Products of two quantised operands, a group of one process, graphs as text, and what needs other hardware.
/// </summary>
[Collection(GradientCollection.Name)]
public sealed unsafe class RemainingFunctionTests
{
    // Numbers that both forms hold exactly: what is rounded stays as it is
    [Theory]
    [InlineData("nvfp4", 16, 4)]
    [InlineData("mxfp8", 32, 8)]
    public void A_product_of_exact_numbers_is_exact(string mode, int groupSize, int bits)
    {
        using var arena = new NativeArena();
        var random = new Random(1);
        double[] x = Whole(random, 32), w = Whole(random, 2 * 32);
        mlx_array row = arena.New(Numbers.Of(MLX_FLOAT32, [1, 32], x));
        mlx_array matrix = arena.New(Numbers.Of(MLX_FLOAT32, [2, 32], w));
        string form = $$"""{"group_size": {{groupSize}}, "bits": {{bits}}, "mode": "{{mode}}"}""";
        mlx_array[] parts = CFunction.Of("quantize").Call(arena, [matrix, null], Json(form));
        double[] want = [Numbers.Dot(x, w[..32]), Numbers.Dot(x, w[32..])];
        mlx_array product = CFunction.Call(arena, "qqmm", [row, parts[0], parts[1], null, null], form);
        Assert.Equal(want, arena.Read(product).Doubles());
        if (TestProvider.IsMlx)
            return;     // its CPU device multiplies one row with words, nothing else
        Assert.Equal(want, arena.Read(CFunction.Call(arena, "qqmm", [row, matrix, null, null, null], form)).Doubles());
        mlx_array g = arena.New(Numbers.Of(MLX_FLOAT32, [3, 32], Whole(random, 3 * 32)));
        mlx_array rows = arena.New(Numbers.Of(MLX_FLOAT32, [3, 32], Whole(random, 3 * 32)));
        mlx_array square = arena.New(Numbers.Of(MLX_FLOAT32, [32, 32], Symmetric(Whole(random, 32 * 32))));
        (_, mlx_array[] gradients) = NativeGradients.Vjp(
            arena, inputs => [CFunction.Call(arena, "qqmm", [inputs[0], square, null, null, null], form)], [rows], [g]);
        mlx_array plain = CFunction.Call(arena, "matmul", g, square)[0];
        Assert.Equal(arena.Read(plain).Doubles(), arena.Read(gradients[0]).Doubles());
    }

    [Fact]
    public void A_group_of_one_process_keeps_what_it_has()
    {
        using var arena = new NativeArena();
        mlx_distributed_group group = default;
        NativeArena.Check(Mlx.mlx_distributed_init(&group, false, arena.Text("any")));
        Assert.Equal(0, Mlx.mlx_distributed_group_rank(group));
        Assert.Equal(1, Mlx.mlx_distributed_group_size(group));
        GoldenTensor x = Numbers.Random(new(1), MLX_FLOAT32, 2, 3);
        mlx_array sum = default, gathered = default, sent = default;
        NativeArena.Check(Mlx.mlx_distributed_all_sum(&sum, arena.New(x), group, arena.Stream));
        NativeArena.Check(Mlx.mlx_distributed_all_gather(&gathered, arena.New(x), group, arena.Stream));
        Assert.Equal(x.Doubles(), arena.Read(arena.Keep(sum)).Doubles());
        Assert.Equal([2, 3], arena.Read(arena.Keep(gathered)).Shape);
        Assert.NotEqual(0, Mlx.mlx_distributed_send(&sent, sum, 0, group, arena.Stream));
        MlxError.Take();
        Mlx.mlx_distributed_group_free(group);
    }

    [Fact]
    public void Arrays_have_names()
    {
        using var arena = new NativeArena();
        mlx_node_namer namer = Mlx.mlx_node_namer_new();
        mlx_array a = arena.New(Numbers.Random(new(1), MLX_FLOAT32, 2));
        mlx_array b = arena.New(Numbers.Random(new(2), MLX_FLOAT32, 2));
        NativeArena.Check(Mlx.mlx_node_namer_set_name(namer, b, arena.Text("weights")));
        Assert.Equal("weights", NameOf(namer, b));
        Assert.Equal("B", NameOf(namer, a));
        Assert.Equal("B", NameOf(namer, a));
        Mlx.mlx_node_namer_free(namer);
    }

    [Fact]
    public void A_graph_is_printed_to_a_C_file()
    {
        if (!OperatingSystem.IsLinux())
            return;
        nint library = NativeLibrary.Load("libc.so.6");
        var open = (delegate* unmanaged[Cdecl]<byte*, byte*, void*>)NativeLibrary.GetExport(library, "fopen");
        var close = (delegate* unmanaged[Cdecl]<void*, int>)NativeLibrary.GetExport(library, "fclose");
        string path = Path.GetTempFileName();
        using var arena = new NativeArena();
        mlx_array x = arena.New(Numbers.Random(new(1), MLX_FLOAT32, 2, 3));
        mlx_array y = CFunction.Call(arena, "exp", CFunction.Call(arena, "sin", x)[0])[0];
        mlx_node_namer namer = Mlx.mlx_node_namer_new();
        Mlx.mlx_node_namer_set_name(namer, y, arena.Text("result"));
        void* file = open(arena.Text(path), arena.Text("w"));
        NativeArena.Check(Mlx.mlx_print_graph(file, namer, arena.Vector([y])));
        NativeArena.Check(Mlx.mlx_export_to_dot(file, namer, arena.Vector([y])));
        _ = close(file);
        string text = File.ReadAllText(path);
        File.Delete(path);
        Mlx.mlx_node_namer_free(namer);
        Assert.Matches("Sin .*->.*\nExp .*-> result", text);
        Assert.Contains("digraph {", text, StringComparison.Ordinal);
        Assert.Contains("label =\"Exp\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Kernels_of_other_hardware_are_refused_in_one_sentence()
    {
        if (TestProvider.IsMlx)
            return;
        mlx_fast_metal_kernel_config metal = Mlx.mlx_fast_metal_kernel_config_new();
        Assert.Equal(0, (nint)metal.ctx);
        Assert.Contains("Metal", MlxError.Take(), StringComparison.Ordinal);
        mlx_fast_cuda_kernel_config cuda = Mlx.mlx_fast_cuda_kernel_config_new();
        Assert.Equal(0, (nint)cuda.ctx);
        Assert.Contains("CUDA", MlxError.Take(), StringComparison.Ordinal);
    }

    private static string? NameOf(mlx_node_namer namer, mlx_array array)
    {
        byte* name = null;
        NativeArena.Check(Mlx.mlx_node_namer_get_name(&name, namer, array));
        return Marshal.PtrToStringUTF8((nint)name);
    }

    // Whole numbers up to 6, the largest of e2m1; the first of a group is one, so that the group's scale is 1
    private static double[] Whole(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(i => i % 16 == 0 ? 6 : (double)(random.Next(9) - 4))];

    // Its columns are like its rows
    private static double[] Symmetric(double[] a) =>
        [.. Enumerable.Range(0, 32 * 32).Select(i => a[i / 32 < i % 32 ? i % 32 * 32 + i / 32 : i] is var x
            && (i / 32 % 16 == 0 || i % 16 == 0) ? 6 : x)];

    private static JsonElement Json(string text) =>
        JsonDocument.Parse(text).RootElement.Clone();
}
