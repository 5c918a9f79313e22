using System.Text;
using ElmMlx.Bindings;
using Xunit;
using static ElmMlx.Bindings.mlx_dtype;

namespace ElmMlx.Tests;

/// <summary>
/// <c>.npy</c> and safetensors files by the C interface: written, read back, and refused when they are broken.
/// </summary>
public sealed unsafe class ArrayFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("elmmlx-arrays-").FullName;

    public static TheoryData<mlx_dtype> Types =>
        [MLX_FLOAT32, MLX_FLOAT16, MLX_BFLOAT16, MLX_INT32, MLX_COMPLEX64, MLX_FLOAT64];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Types))]
    public void Npy_files_and_streams_come_back_as_they_were(mlx_dtype type)
    {
        var stream = new NativeStream([]);
        using var arena = new NativeArena();
        GoldenTensor x = Numbers.Random(new(1), type, 3, 4);
        mlx_array turned = CFunction.Call(arena, "transpose", arena.New(x))[0];
        byte* path = arena.Text(Path.Combine(_folder, "x.npy"));
        NativeArena.Check(Mlx.mlx_save(path, turned));
        mlx_array loaded = default, streamed = default;
        NativeArena.Check(Mlx.mlx_load(&loaded, path, arena.Stream));
        Same(arena.Read(turned), arena.Read(arena.Keep(loaded)));

        mlx_io_writer writer = stream.Writer();
        NativeArena.Check(Mlx.mlx_save_writer(writer, turned));
        NativeArena.Check(Mlx.mlx_io_writer_free(writer));
        Assert.Equal(1, stream.FreeCount);
        stream.Memory.Position = 0;
        mlx_io_reader reader = stream.Reader();
        NativeArena.Check(Mlx.mlx_load_reader(&streamed, reader, arena.Stream));
        NativeArena.Check(Mlx.mlx_io_reader_free(reader));
        Same(arena.Read(turned), arena.Read(arena.Keep(streamed)));
    }

    [Fact]
    public void Numpys_own_layouts_are_read()
    {
        const string Layout = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }";
        byte[] header = Encoding.ASCII.GetBytes(Layout.PadRight(117) + "\n");
        byte[] data = [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 1, 0];
        byte[] file = [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, .. data];
        var stream = new NativeStream(file);
        using var arena = new NativeArena();
        mlx_io_reader reader = stream.Reader();
        mlx_array loaded = default;
        NativeArena.Check(Mlx.mlx_load_reader(&loaded, reader, arena.Stream));
        GoldenTensor got = arena.Read(arena.Keep(loaded));
        NativeArena.Check(Mlx.mlx_io_reader_free(reader));
        Assert.Equal(MLX_INT16, got.Type);
        Assert.Equal([2, 3], got.Shape);
        Assert.Equal([1, 3, 5, 2, 4, 256], got.Doubles());
    }

    [Fact]
    public void Safetensors_come_back_with_their_texts()
    {
        using var arena = new NativeArena();
        mlx_map_string_to_array arrays = Mlx.mlx_map_string_to_array_new(), loaded = default;
        mlx_map_string_to_string texts = Mlx.mlx_map_string_to_string_new(), words = default;
        GoldenTensor x = Numbers.Random(new(1), MLX_FLOAT32, 2, 3), y = Numbers.Random(new(2), MLX_BFLOAT16, 5);
        Mlx.mlx_map_string_to_array_insert(arrays, arena.Text("layer.x"), arena.New(x));
        Mlx.mlx_map_string_to_array_insert(arrays, arena.Text("y"), arena.New(y));
        Mlx.mlx_map_string_to_string_insert(texts, arena.Text("format"), arena.Text("mlx"));
        string path = Path.Combine(_folder, "x.safetensors");
        NativeArena.Check(Mlx.mlx_save_safetensors(arena.Text(path), arrays, texts));
        var read = new GoldenTensors([path]);
        Same(x, read["layer.x"]);
        Same(y, read["y"]);

        NativeArena.Check(Mlx.mlx_load_safetensors(&loaded, &words, arena.Text(path), arena.Stream));
        mlx_array again = default;
        NativeArena.Check(Mlx.mlx_map_string_to_array_get(&again, loaded, arena.Text("layer.x")));
        Same(x, arena.Read(arena.Keep(again)));
        byte* format = null;
        NativeArena.Check(Mlx.mlx_map_string_to_string_get(&format, words, arena.Text("format")));
        Assert.Equal("mlx", System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)format));
        Mlx.mlx_map_string_to_array_free(arrays);
        Mlx.mlx_map_string_to_array_free(loaded);
        Mlx.mlx_map_string_to_string_free(texts);
        Mlx.mlx_map_string_to_string_free(words);
    }

    [Theory]
    [InlineData("""{"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}""", true)]
    [InlineData("""{"x": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}""", false)]
    [InlineData("""{"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}""", false)]
    [InlineData("""{"x": {"dtype": "F33", "shape": [2], "data_offsets": [0, 8]}}""", false)]
    [InlineData("""{"x": {"dtype": "F32", "shape": [2]}}""", false)]
    [InlineData("""["x"]""", false)]
    [InlineData("{", false)]
    public void Broken_safetensors_are_refused(string header, bool isFine)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        Assert.Equal(isFine, Loads([.. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[8]]));
    }

    [Theory]
    [InlineData("""
        {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
         "y": {"dtype": "U8", "shape": [1], "data_offsets": [7, 8]}}
        """)]
    [InlineData("""
        {"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
         "x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}
        """)]
    [InlineData("""{"x": {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]}}""")]
    [InlineData("""{"x": {"dtype": "F32", "shape": [4294967296, 4294967296, 4294967296], "data_offsets": [0, 0]}}""")]
    public void The_CPU_provider_refuses_what_MLX_lets_pass(string header)
    {
        if (TestProvider.IsMlx)
            return;
        byte[] text = Encoding.UTF8.GetBytes(header);
        Assert.False(Loads([.. BitConverter.GetBytes((long)text.Length), .. text, .. new byte[8]]));
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(1L << 40)]
    [InlineData(-1L)]
    public void Header_lengths_are_checked_before_anything_is_read(long length) =>
        Assert.False(Loads([.. BitConverter.GetBytes(length), .. new byte[16]]));

    [Fact]
    public void A_missing_file_and_an_empty_array_are_refused()
    {
        using var arena = new NativeArena();
        mlx_array loaded = default;
        Assert.NotEqual(0, Mlx.mlx_load(&loaded, arena.Text(Path.Combine(_folder, "none.npy")), arena.Stream));
        MlxError.Take();
        mlx_array empty = CFunction.Call(arena, "zeros", [], """{"shape": [0], "dtype": "float32"}""");
        Assert.NotEqual(0, Mlx.mlx_save(arena.Text(Path.Combine(_folder, "empty.npy")), empty));
        MlxError.Take();
        if (TestProvider.IsCpu)
            Assert.Empty(Directory.GetFiles(_folder));
    }

    private static bool Loads(byte[] file)
    {
        var stream = new NativeStream(file);
        using var arena = new NativeArena();
        mlx_map_string_to_array arrays = default;
        mlx_map_string_to_string texts = default;
        mlx_io_reader reader = stream.Reader();
        int status = Mlx.mlx_load_safetensors_reader(&arrays, &texts, reader, arena.Stream);
        MlxError.Take();
        if (status == 0)        // an array that is read lets go of the stream
        {
            mlx_array x = default;
            NativeArena.Check(Mlx.mlx_map_string_to_array_get(&x, arrays, arena.Text("x")));
            arena.Read(arena.Keep(x));
        }

        Mlx.mlx_map_string_to_array_free(arrays);
        Mlx.mlx_map_string_to_string_free(texts);
        Mlx.mlx_io_reader_free(reader);
        return status == 0;
    }

    private static void Same(GoldenTensor want, GoldenTensor got)
    {
        Assert.Equal(want.Type, got.Type);
        Assert.Equal(want.Shape, got.Shape);
        Assert.True(want.Bytes.Span.SequenceEqual(got.Bytes.Span));
    }
}
